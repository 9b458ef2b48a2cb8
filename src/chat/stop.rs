//! Stopping a chat.

use std::rc::Rc;

use durablefetch_protocol::control_json::Done;
use wasm_bindgen::JsValue;

use super::key::keyed;
use crate::app_request::AppRequest;
use crate::fetch::bypass;
use crate::state::ClientState;
use crate::wire::control;

/// Stops what was last sent or resumed for a chat: the recording where it is known, the request where its head
/// has not come, whatever is current where this page knows of neither.
pub(crate) async fn stop(client: Rc<ClientState>, api: &str, chat_id: &str) -> Result<JsValue, JsValue> {
    let app_request = AppRequest::read(&keyed(api, chat_id).as_str().into(), &JsValue::UNDEFINED)?;
    if bypass::applies(&client, &app_request) {
        return Ok(bypass::done(Done::NOTHING_TO_STOP));
    }
    stop_request(client, app_request).await
}

pub(super) async fn stop_request(
    client: Rc<ClientState>,
    app_request: AppRequest,
) -> Result<JsValue, JsValue> {
    let (recording, request, asker) = client.chats.with(&app_request.href, |entry| {
        entry.stopped_here = true;
        let request = entry.request.clone().filter(|_| entry.recording.is_none());
        (entry.recording.clone(), request, entry.asker.clone())
    });
    // In the name of the request that it is about, with the same credentials.
    let app_request = app_request.in_the_name_of(asker.as_deref());
    control::stop(&client.recorder, &app_request, recording, request).await
}

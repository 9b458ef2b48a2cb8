//! Stopping a chat.

use std::rc::Rc;

use durablefetch_protocol::control_json::Done;
use wasm_bindgen::JsValue;

use super::key::{href, keyed};
use super::last_send::LastSend;
use crate::app_request::AppRequest;
use crate::fetch::bypass;
use crate::js::sys;
use crate::state::ClientState;
use crate::wire::call::Named;
use crate::wire::control::{self, STOP};
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::status;

/// Stops what this page reads for a chat; else what it, or this tab before a reload, sent last; else what is live under
/// the chat's URL.
pub(crate) async fn stop(client: Rc<ClientState>, api: &str, chat_id: &str) -> Result<JsValue, JsValue> {
    let name = href(&keyed(api, chat_id));
    let last = LastSend::load(&name);
    let url = last.text("url").unwrap_or(name);
    client.chats.with(&url, |chat| {
        if chat.recording.is_none() && chat.request.is_none() {
            chat.request = last.text("request").filter(|request| !request.is_empty());
        }
    });
    let app_request = AppRequest::read(&url.as_str().into(), &JsValue::UNDEFINED)?;
    if bypass::applies(&client, &app_request) {
        return Ok(bypass::done(false, Done::NOTHING_TO_STOP));
    }
    stop_request(client, app_request).await
}

/// Stops the recording of a URL's chat where it is known, the request where its head has not come, what is live where this
/// page knows of neither.
pub(super) async fn stop_request(
    client: Rc<ClientState>,
    app_request: AppRequest,
) -> Result<JsValue, JsValue> {
    let recorder = &client.recorder;
    let (mut named, asker) = client.chats.with(&app_request.href, |chat| {
        chat.stopped_here = true;
        let request = chat.request.clone().filter(|_| chat.recording.is_none());
        (Named { recording: chat.recording.clone(), request, urls: None }, chat.asker.clone())
    });
    // In the name of the request that it is about, with the same credentials.
    let app_request = app_request.in_the_name_of(asker);
    let nothing = bypass::done(false, Done::NOTHING_TO_STOP);
    // 0.2 has one at most. Since then others may be live beside the chat's.
    if !named.is_some() && recorder.version.get() != RecorderVersion::Second {
        let known = status::status(recorder, &app_request, &Named::default()).await?;
        if recorder.is_third() {
            if !known.in_progress {
                return Ok(nothing);
            }
            named.recording = known.recording;
        }
    }
    let done = control::order(recorder, &app_request, STOP, &named).await?;
    let found = sys::get_text(&done, "message").as_deref() != Some(Done::NOTHING_TO_STOP);
    Ok(if found { done } else { nothing })
}

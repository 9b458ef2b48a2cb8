//! Stopping a chat.

use std::rc::Rc;

use durablefetch_protocol::control_json::Done;
use wasm_bindgen::JsValue;

use super::key::keyed;
use super::last_send::LastSend;
use crate::app_request::AppRequest;
use crate::fetch::bypass;
use crate::js::sys;
use crate::state::ClientState;
use crate::wire::call::Named;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::{control, status};

/// Stops what this page reads for a chat; else what it, or this tab before a reload, sent last; else what is live under
/// the chat's URL.
pub(crate) async fn stop(client: Rc<ClientState>, api: &str, chat_id: &str) -> Result<JsValue, JsValue> {
    let mut app_request = read(&keyed(api, chat_id))?;
    let name = app_request.href.clone();
    if let Some(url) = client.chats.with(&name, |chat| chat.url.clone()) {
        app_request = read(&url)?;
    }
    let reads = client.chats.with(&app_request.href, |chat| chat.recording.is_some());
    if !reads && let Some(last) = LastSend::load(&name) {
        app_request = read(&last.url)?;
        client.chats.with(&app_request.href, |chat| chat.request.get_or_insert(last.request).len());
    }
    if bypass::applies(&client, &app_request) {
        return Ok(bypass::done(true, Done::NOTHING_TO_STOP));
    }
    stop_request(client, app_request).await
}

fn read(url: &str) -> Result<AppRequest, JsValue> {
    AppRequest::read(&url.into(), &JsValue::UNDEFINED)
}

/// Stops the recording of a URL's chat where it is known, the request where its head has not come, whatever is current
/// where this page knows of neither.
pub(super) async fn stop_request(
    client: Rc<ClientState>,
    app_request: AppRequest,
) -> Result<JsValue, JsValue> {
    let recorder = &client.recorder;
    let (mut named, asker) = client.chats.with(&app_request.href, |chat| {
        chat.stopped_here = true;
        let request = chat.request.clone().filter(|_| chat.recording.is_none());
        (Named { recording: chat.recording.clone(), request }, chat.asker.clone())
    });
    // In the name of the request that it is about, with the same credentials.
    let app_request = app_request.in_the_name_of(asker.as_deref());
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
    let done = control::stop(recorder, &app_request, &named).await?;
    let found = sys::get_text(&done, "message").as_deref() != Some(Done::NOTHING_TO_STOP);
    Ok(if found { done } else { nothing })
}

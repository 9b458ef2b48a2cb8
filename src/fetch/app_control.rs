//! `isInProgress`, `delete` and `stop`, as the app calls them.

use durablefetch_protocol::control_json::Done;
use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::error;
use crate::fetch::bypass;
use crate::state::ClientState;
use crate::wire::control::{self, Known};

/// `isInProgress`: a yes is remembered for the fetch that follows it.
pub(crate) async fn is_in_progress(client: &ClientState, app_request: &AppRequest) -> Result<Known, JsValue> {
    if bypass::applies(client, app_request) {
        return Known::read(bypass::status()).ok_or_else(error::mismatch);
    }
    let known = control::status(&client.recorder, app_request, Some(&client.recorder.token)).await?;
    let recording = known.recording.as_deref().filter(|_| known.in_progress);
    client.attachments.note(&app_request.href, recording);
    Ok(known)
}

/// `delete`.
pub(crate) async fn delete(client: &ClientState, app_request: &AppRequest) -> Result<JsValue, JsValue> {
    if bypass::applies(client, app_request) {
        return Ok(bypass::done(Done::DELETED));
    }
    client.attachments.note(&app_request.href, None);
    control::delete(&client.recorder, app_request).await
}

/// `stop`.
pub(crate) async fn stop(client: &ClientState, app_request: &AppRequest) -> Result<JsValue, JsValue> {
    if bypass::applies(client, app_request) {
        return Ok(bypass::done(Done::NOTHING_TO_STOP));
    }
    control::stop(&client.recorder, app_request, None, None).await
}

//! `isInProgress`, `delete` and `stop`, as the app calls them.

use durablefetch_protocol::control_json::Done;
use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::error;
use crate::fetch::about::{About, Asked};
use crate::fetch::bypass;
use crate::js::task::Task;
use crate::state::ClientState;
use crate::wire::call::{Named, version};
use crate::wire::control::{self, DELETE};
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::status::{self, Known};

/// The status of a URL. A yes is remembered for the fetches that follow it, unless it is about what is named.
pub(crate) fn is_in_progress<'a>(
    client: &'a ClientState,
    app_request: &'a AppRequest,
    named: &'a Named,
) -> Task<'a, Result<Known, JsValue>> {
    Box::pin(async move {
        if bypass::applies(client, app_request) {
            return Known::read(bypass::status());
        }
        let one = named.is_some();
        if one && version(&client.recorder, app_request, Some(0)).await? != RecorderVersion::Third {
            return Err(error::unsupported("To ask about one recording of a URL"));
        }
        let known = status::status(&client.recorder, app_request, named).await?;
        if !one {
            note(client, app_request, &known);
        }
        Ok(known)
    })
}

/// `isInProgress`. Of many URLs: each, where one question will do, else the first.
pub(crate) async fn in_progress(client: &ClientState, asked: &Asked) -> Result<JsValue, JsValue> {
    let Asked { app_requests, named, many } = asked;
    let Some(first) = app_requests.first() else { return Ok(JsValue::UNDEFINED) };
    if !many || !client.recorder.is_third() || app_requests.iter().any(|one| bypass::applies(client, one)) {
        return Ok(is_in_progress(client, first, named).await?.json);
    }
    let told = status::of_all(&client.recorder, first, app_requests).await?;
    if told.length() as usize != app_requests.len() {
        return Err(error::mismatch());
    }
    for (index, app_request) in app_requests.iter().enumerate() {
        let known = Known::about(&client.recorder, told.get(index as u32), &app_request.href, named)?;
        note(client, app_request, &known);
    }
    Ok(told.into())
}

fn note(client: &ClientState, app_request: &AppRequest, known: &Known) {
    client.found(&app_request.href, known.recording.as_deref().filter(|_| known.in_progress));
}

/// `delete` or `stop`.
pub(crate) async fn order(client: &ClientState, what: &str, about: &About) -> Result<JsValue, JsValue> {
    let deletes = what == DELETE;
    if about.unrecorded || bypass::applies(client, &about.app_request) {
        return Ok(bypass::done(true, if deletes { Done::DELETED } else { Done::NOTHING_TO_STOP }));
    }
    if deletes {
        client.found(&about.app_request.href, None);
    }
    control::order(&client.recorder, &about.app_request, what, &about.named).await
}

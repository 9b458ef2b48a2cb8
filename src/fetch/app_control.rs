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
pub(crate) async fn in_progress(client: &ClientState, asked: Asked) -> Result<JsValue, JsValue> {
    let app_requests = match &asked {
        Asked::One(about) => {
            return Ok(is_in_progress(client, &about.app_request, &about.named).await?.json);
        }
        Asked::Many(app_requests) => app_requests,
    };
    if !client.recorder.is_third() || app_requests.iter().any(|one| bypass::applies(client, one)) {
        let Some(first) = app_requests.first() else { return Ok(JsValue::UNDEFINED) };
        return Ok(is_in_progress(client, first, &Named::default()).await?.json);
    }
    let told = status::of_all(&client.recorder, app_requests).await?;
    for (index, app_request) in app_requests.iter().enumerate() {
        let json = told.get(index as u32);
        let known = Known::about(&client.recorder, json, &app_request.href, &Named::default())?;
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

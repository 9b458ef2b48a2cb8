//! `isInProgress`, `delete` and `stop`, as the app calls them.

use durablefetch_protocol::control_json::Done;
use js_sys::Array;
use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::error;
use crate::fetch::about::About;
use crate::fetch::bypass;
use crate::js::task::Task;
use crate::state::ClientState;
use crate::wire::call::Named;
use crate::wire::control;
use crate::wire::status::{self, Known, MOST_URLS};

/// `isInProgress` of a URL: a yes is remembered for the fetches that follow it.
pub(crate) fn is_in_progress<'a>(
    client: &'a ClientState,
    app_request: &'a AppRequest,
) -> Task<'a, Result<Known, JsValue>> {
    Box::pin(async move {
        if bypass::applies(client, app_request) {
            return Known::read(bypass::status()).ok_or_else(error::mismatch);
        }
        let known = status::status(&client.recorder, app_request, &Named::default()).await?;
        note(client, app_request, &known);
        Ok(known)
    })
}

/// `isInProgress` of one recording or request, where one is named. It says nothing about the fetches that follow.
pub(crate) async fn is_one_in_progress(client: &ClientState, about: &About) -> Result<JsValue, JsValue> {
    let About { app_request, named, .. } = about;
    if about.unrecorded {
        return Ok(bypass::status());
    }
    if !named.is_some() || bypass::applies(client, app_request) {
        return Ok(is_in_progress(client, app_request).await?.json);
    }
    if !status::is_third(&client.recorder, app_request).await? {
        return Err(error::unsupported("To ask about one recording of a URL"));
    }
    Ok(status::status(&client.recorder, app_request, named).await?.json)
}

/// `isInProgress` of many URLs: in as few questions as the recorder can be asked.
pub(crate) async fn are_in_progress(
    client: &ClientState,
    app_requests: &[AppRequest],
) -> Result<JsValue, JsValue> {
    let answers = Array::new_with_length(app_requests.len() as u32);
    let mut asked = Vec::new();
    for (index, app_request) in app_requests.iter().enumerate() {
        if bypass::applies(client, app_request) {
            answers.set(index as u32, bypass::status());
        } else {
            asked.push((index as u32, app_request));
        }
    }
    let mut rest = &asked[..];
    while let [(index, first), later @ ..] = rest {
        if !client.recorder.is_third() {
            answers.set(*index, is_in_progress(client, first).await?.json);
            rest = later;
            continue;
        }
        let (now, later) = rest.split_at(rest.len().min(MOST_URLS));
        let urls: Vec<_> = now.iter().map(|(_, app_request)| *app_request).collect();
        for ((index, app_request), known) in now.iter().zip(status::statuses(&client.recorder, &urls).await?)
        {
            note(client, app_request, &known);
            answers.set(*index, known.json);
        }
        rest = later;
    }
    Ok(answers.into())
}

fn note(client: &ClientState, app_request: &AppRequest, known: &Known) {
    client.found(&app_request.href, known.recording.as_deref().filter(|_| known.in_progress));
}

/// `delete`.
pub(crate) async fn delete(client: &ClientState, about: &About) -> Result<JsValue, JsValue> {
    if about.unrecorded || bypass::applies(client, &about.app_request) {
        return Ok(bypass::done(true, Done::DELETED));
    }
    client.found(&about.app_request.href, None);
    control::delete(&client.recorder, &about.app_request, &about.named).await
}

/// `stop`.
pub(crate) async fn stop(client: &ClientState, about: &About) -> Result<JsValue, JsValue> {
    if about.unrecorded || bypass::applies(client, &about.app_request) {
        return Ok(bypass::done(true, Done::NOTHING_TO_STOP));
    }
    control::stop(&client.recorder, &about.app_request, &about.named).await
}

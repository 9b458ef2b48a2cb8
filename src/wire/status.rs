//! What a recorder knows of URLs, and what that says of the recorder.

use js_sys::{Array, JSON, Object};
use wasm_bindgen::{JsCast, JsValue};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::js::task::Task;
use crate::wire::call::{self, Named};
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::token::Token;
use crate::words;

/// As many URLs as one question may have.
pub(crate) const MOST_URLS: usize = 100;

/// The endpoint.
const IN_PROGRESS: &str = "in-progress";

/// The answer to a question for the status.
pub(crate) struct Known {
    /// As the recorder said it, fields included that this version does not know.
    pub(crate) json: JsValue,
    pub(crate) in_progress: bool,
    pub(crate) completed: bool,
    /// The recording's id.
    pub(crate) recording: Option<String>,
    /// Whether it says a state; 0.1.0 says none.
    tells_state: bool,
}

impl Known {
    /// Reads the fields that decide something.
    pub(crate) fn read(json: JsValue) -> Option<Self> {
        Some(Self {
            in_progress: sys::get(&json, "inProgress").as_bool()?,
            completed: sys::get(&json, "completed").as_bool()?,
            recording: sys::get_text(&json, "recording"),
            tells_state: sys::get_text(&json, "state").is_some(),
            json,
        })
    }

    /// The same as an answer to this question. Since protocol 3 a status says what it is about: one that is about
    /// something else comes from a cache, and is no evidence.
    fn about(recorder: &Recorder, json: JsValue, href: &str, named: &Named) -> Result<Self, JsValue> {
        if sys::get(&json, "protocol").as_f64().is_some_and(|protocol| protocol >= words::PROTOCOL_3 as f64) {
            recorder.version.set(RecorderVersion::Third);
        }
        let says =
            |name, asked: Option<&str>| asked.is_none() || sys::get_text(&json, name).as_deref() == asked;
        let fits = !recorder.is_third()
            || says("url", Some(href))
                && says("recording", named.recording.as_deref())
                && says("request", named.request.as_deref());
        if fits { Self::read(json) } else { None }.ok_or_else(error::mismatch)
    }
}

/// The status of a URL, or of one recording or request of it.
pub(crate) async fn status(
    recorder: &Recorder,
    app_request: &AppRequest,
    named: &Named,
) -> Result<Known, JsValue> {
    let token = token(recorder, app_request).await;
    ask(recorder, app_request, named, token).await
}

/// The app's token, unless the recorder would hand it on to the upstream, as 0.1.0 does.
pub(crate) async fn token<'a>(recorder: &'a Recorder, app_request: &AppRequest) -> Option<&'a Token> {
    let wanted = recorder.token.is_some() && version(recorder, app_request).await != RecorderVersion::Seed;
    wanted.then_some(&recorder.token)
}

fn ask<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    named: &'a Named,
    token: Option<&'a Token>,
) -> Task<'a, Result<Known, JsValue>> {
    Box::pin(async move {
        let json = call::call(recorder, app_request, IN_PROGRESS, named, token).await?;
        Known::about(recorder, json, &app_request.href, named)
    })
}

/// The status of each of these URLs, in one question, in the name of who asks for the first.
pub(crate) async fn statuses(
    recorder: &Recorder,
    app_requests: &[&AppRequest],
) -> Result<Vec<Known>, JsValue> {
    let [first, ..] = app_requests else { return Ok(Vec::new()) };
    let question = Object::new();
    let urls: Array = app_requests.iter().map(|app_request| JsValue::from_str(&app_request.href)).collect();
    sys::set(&question, "urls", &urls);
    let question = JSON::stringify(&question)?.into();
    let token = token(recorder, first).await;
    let told = call::ask_about(recorder, first, IN_PROGRESS, &question, None, token).await?;
    let told = told.dyn_ref::<Array>().ok_or_else(error::mismatch)?;
    let each = |(index, app_request): (usize, &&AppRequest)| {
        Known::about(recorder, told.get(index as u32), &app_request.href, &Named::default())
    };
    app_requests.iter().enumerate().map(each).collect()
}

/// What the recorder is, asked for if need be: 0.1.0 or not. Where nothing answers it stays unknown, and the request
/// itself will find out why.
pub(crate) fn version<'a>(recorder: &'a Recorder, app_request: &'a AppRequest) -> Task<'a, RecorderVersion> {
    Box::pin(async move {
        if recorder.version.get() == RecorderVersion::Unknown {
            let _ = find_out(recorder, app_request).await;
        }
        recorder.version.get()
    })
}

/// Whether the recorder knows the words of protocol 3, asked for if need be.
///
/// # Errors
/// What kept it from answering.
pub(crate) fn is_third<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
) -> Task<'a, Result<bool, JsValue>> {
    Box::pin(async move {
        let unheard =
            || matches!(recorder.version.get(), RecorderVersion::Unknown | RecorderVersion::Unheard);
        if unheard() {
            let asked = find_out(recorder, app_request).await;
            // Also a refusal says the protocol.
            if unheard() {
                asked?;
            }
        }
        Ok(recorder.is_third())
    })
}

async fn find_out(recorder: &Recorder, app_request: &AppRequest) -> Result<(), JsValue> {
    let known = ask(recorder, app_request, &Named::default(), None).await?;
    if recorder.version.get() == RecorderVersion::Unknown && !known.tells_state {
        recorder.version.set(RecorderVersion::Seed);
    }
    Ok(())
}

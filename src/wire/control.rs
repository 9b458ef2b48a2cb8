//! Asking a recorder about recordings, and about itself: status, delete, stop, version.

use durablefetch_protocol::follow::Answer;
use durablefetch_protocol::name;
use js_sys::{JSON, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Response};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::object::{Field, object};
use crate::js::task::Task;
use crate::js::wakeup::{Interrupted, Wakeup};
use crate::js::{clock, sys};
use crate::wire::head::Seen;
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::send;
use crate::wire::token::Token;

/// How long the recorder has for one of these answers, which are small.
const TIMEOUT_MS: u64 = 10_000;

/// The answer to a question for the status.
pub(crate) struct Known {
    /// As the recorder said it, fields included that this version does not know.
    pub(crate) json: JsValue,
    pub(crate) in_progress: bool,
    pub(crate) completed: bool,
    /// The recording's id.
    pub(crate) recording: Option<String>,
    /// Whether it says a state; 0.1.0 says none.
    pub(crate) tells_state: bool,
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
}

/// The status as it is. No `token` as long as it is unknown who would get it.
pub(crate) fn status<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    token: Option<&'a Token>,
) -> Task<'a, Result<Known, JsValue>> {
    Box::pin(async move {
        let json = call(recorder, app_request, "in-progress", None, None, token).await?;
        Known::read(json).ok_or_else(error::mismatch)
    })
}

/// Deletes what is recorded.
pub(crate) fn delete<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
) -> Task<'a, Result<JsValue, JsValue>> {
    call(recorder, app_request, "delete", None, None, Some(&recorder.token))
}

/// Stops what is being recorded: only this recording or request, where one is named.
pub(crate) async fn stop(
    recorder: &Recorder,
    app_request: &AppRequest,
    recording: Option<String>,
    request: Option<String>,
) -> Result<JsValue, JsValue> {
    if version(recorder, app_request).await == RecorderVersion::Seed {
        return Err(error::plain(
            "unsupported",
            "The recorder is of version 0.1.0, which cannot stop anything",
            None,
        ));
    }
    call(recorder, app_request, "stop", recording, request, Some(&recorder.token)).await
}

/// What the recorder is, asked for if need be. Where nothing answers it stays unknown, and the request itself
/// will find out why.
pub(crate) fn version<'a>(recorder: &'a Recorder, app_request: &'a AppRequest) -> Task<'a, RecorderVersion> {
    Box::pin(find_out(recorder, app_request))
}

async fn find_out(recorder: &Recorder, app_request: &AppRequest) -> RecorderVersion {
    if recorder.version.get() == RecorderVersion::Unknown
        && let Ok(status) = status(recorder, app_request, None).await
        && recorder.version.get() == RecorderVersion::Unknown
        && !status.tells_state
    {
        recorder.version.set(RecorderVersion::Seed);
    }
    recorder.version.get()
}

fn call<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    endpoint: &'a str,
    recording: Option<String>,
    request: Option<String>,
    token: Option<&'a Token>,
) -> Task<'a, Result<JsValue, JsValue>> {
    Box::pin(async move {
        let body = asked(&app_request.href, recording.as_deref(), request.as_deref())?;
        ask_about(recorder, app_request, endpoint, &body, token).await
    })
}

async fn ask_about(
    recorder: &Recorder,
    app_request: &AppRequest,
    endpoint: &str,
    body: &JsValue,
    token: Option<&Token>,
) -> Result<JsValue, JsValue> {
    let mut token = token.filter(|token| token.is_some());
    // 0.1.0 would hand it on to the upstream.
    if token.is_some() && version(recorder, app_request).await == RecorderVersion::Seed {
        token = None;
    }
    let mut wakeup = Wakeup::new(app_request.signal.clone());
    let Some((controller, signal)) = wakeup.open() else { return Err(error::mismatch()) };
    let host = recorder.url.host();
    let due = clock::now() + TIMEOUT_MS;
    let answered = wakeup.guard(send(recorder, app_request, endpoint, body, token, &signal), due).await;
    match answered {
        Err(interrupted) => {
            sys::let_go(Some(&controller), &JsValue::UNDEFINED);
            Err(match interrupted {
                Interrupted::Aborted(reason) => reason,
                Interrupted::Late if recorder.answered() => error::network(host, &JsValue::UNDEFINED),
                Interrupted::Late => error::unreachable(host, &JsValue::UNDEFINED),
            })
        }
        Ok(Err(send::Lost::Final(error))) => Err(error),
        Ok(Err(send::Lost::Network(cause))) => Err(match wakeup.aborted() {
            Some(reason) => reason,
            None if recorder.answered() => error::network(host, &cause),
            None => error::unreachable(host, &cause),
        }),
        Ok(Ok((seen, json))) => read(host, &seen, json),
    }
}

fn read(host: &str, seen: &Seen, json: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    if let Some(code) = &seen.error {
        let told = json.ok().and_then(|json| sys::get_text(&sys::get(&json, "error"), "message"));
        return Err(error::refusal(code, seen.status, told));
    }
    match json {
        Ok(json) if seen.status < 400 => Ok(json),
        _ if seen.answer == Answer::Foreign => Err(error::intermediary(host, seen.status)),
        _ => Err(error::mismatch()),
    }
}

type Told = (Seen, Result<JsValue, JsValue>);

async fn send(
    recorder: &Recorder,
    app_request: &AppRequest,
    endpoint: &str,
    body: &JsValue,
    token: Option<&Token>,
    signal: &AbortSignal,
) -> Result<Told, send::Lost> {
    let address = recorder.url.control(endpoint).map_err(send::Lost::Final)?;
    let init = |token: Option<&str>| {
        let headers = web_sys::Headers::new()?;
        headers.set("content-type", "application/json")?;
        if let Some(authorization) = app_request.authorization() {
            headers.set("authorization", &authorization)?;
        }
        if let Some(token) = token {
            headers.set(name::TOKEN, token)?;
        }
        let init = app_request.bodiless(&headers, Some(signal));
        sys::set(&init, "method", &"POST".into());
        sys::set(&init, "body", body);
        Ok(init)
    };
    let response = send::with_token(recorder, app_request, &address, token, &init).await?;
    let seen = Seen::of(&response);
    recorder.learn(seen.answer);
    Ok((seen, json(&response).await))
}

async fn json(response: &Response) -> Result<JsValue, JsValue> {
    JsFuture::from(response.json().map(|json: Promise| json)?).await
}

/// The body of a control call. `recording`, `request`: only that one, where one is named.
fn asked(url: &str, recording: Option<&str>, request: Option<&str>) -> Result<JsValue, JsValue> {
    let mut fields = vec![("url", Field::Text(url))];
    fields.extend(recording.map(|recording| ("recording", Field::Text(recording))));
    fields.extend(request.map(|request| ("request", Field::Text(request))));
    JSON::stringify(&object(&fields)).map(JsValue::from)
}

//! One call to the recorder about recordings: a question or an order, and its answer.

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
use crate::wire::send;
use crate::wire::token::Token;
use crate::words;

/// How long the recorder has for one of these answers, which are small.
const TIMEOUT_MS: u64 = 10_000;

/// Which one of a URL's recordings is meant; all of them, or the latest, where nothing is named.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) recording: Option<String>,
    /// By the id of the request that asked for it.
    pub(crate) request: Option<String>,
}

impl Named {
    /// Whether something is named.
    pub(crate) fn is_some(&self) -> bool {
        self.recording.is_some() || self.request.is_some()
    }
}

/// Asks about a URL, or about what is named of it. No `token` as long as it is unknown who would get it.
pub(crate) fn call<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    endpoint: &'a str,
    named: &'a Named,
    token: Option<&'a Token>,
) -> Task<'a, Result<JsValue, JsValue>> {
    Box::pin(async move {
        let href = &app_request.href;
        let mut fields = vec![("url", Field::Text(href))];
        fields.extend(named.recording.as_deref().map(|recording| ("recording", Field::Text(recording))));
        fields.extend(named.request.as_deref().map(|request| ("request", Field::Text(request))));
        let body = JSON::stringify(&object(&fields))?.into();
        ask_about(recorder, app_request, endpoint, &body, Some(href), token).await
    })
}

/// Asks with this body. `about`: the one URL that it names.
pub(crate) async fn ask_about(
    recorder: &Recorder,
    app_request: &AppRequest,
    endpoint: &str,
    body: &JsValue,
    about: Option<&str>,
    token: Option<&Token>,
) -> Result<JsValue, JsValue> {
    let mut wakeup = Wakeup::new(app_request.signal.clone());
    let Some((controller, signal)) = wakeup.open() else { return Err(error::mismatch()) };
    let host = recorder.url.host();
    let due = clock::now() + TIMEOUT_MS;
    let answered =
        wakeup.guard(send(recorder, app_request, endpoint, body, about, token, &signal), due).await;
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
    about: Option<&str>,
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
        if let Some(href) = about.filter(|_| recorder.is_third()) {
            headers.set(words::FOR, href)?;
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
    recorder.learn(&seen);
    Ok((seen, json(&response).await))
}

async fn json(response: &Response) -> Result<JsValue, JsValue> {
    JsFuture::from(response.json().map(|json: Promise| json)?).await
}

//! One call to the recorder about recordings: a question or an order, and its answer.

use durablefetch_protocol::follow::Answer;
use durablefetch_protocol::name;
use js_sys::{Array, JSON, Object, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Response};

use crate::app_request::AppRequest;
use crate::error;
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

/// Asks for the status.
pub(crate) const IN_PROGRESS: &str = "in-progress";

/// Which one of a URL's recordings is meant; all of them, or the latest, where nothing is named.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) recording: Option<String>,
    /// By the id of the request that asked for it.
    pub(crate) request: Option<String>,
    /// All these URLs instead of the one.
    pub(crate) urls: Option<Array>,
}

impl Named {
    /// Whether one recording is named.
    pub(crate) fn is_some(&self) -> bool {
        self.recording.is_some() || self.request.is_some()
    }

    /// The body of a call about that.
    fn body(&self, href: &str) -> Result<JsValue, JsValue> {
        let body = Object::new();
        let set = |name, value: Option<&str>| {
            if let Some(value) = value {
                sys::set(&body, name, &value.into());
            }
        };
        set("url", self.urls.is_none().then_some(href));
        set("recording", self.recording.as_deref());
        set("request", self.request.as_deref());
        if let Some(urls) = &self.urls {
            sys::set(&body, "urls", urls);
        }
        JSON::stringify(&body).map(JsValue::from)
    }
}

/// What the recorder is, asked for where nothing is known of it; with `patience`, also where it has not said it by itself
/// yet, and again for so many milliseconds where the connection is lost.
///
/// # Errors
/// What kept it from answering. Where only 0.1.0 matters, the call itself will find that out.
pub(crate) fn version<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    patience: Option<u32>,
) -> Task<'a, Result<RecorderVersion, JsValue>> {
    Box::pin(async move {
        let until = clock::now() + u64::from(patience.unwrap_or_default());
        let unknown = || match recorder.version.get() {
            RecorderVersion::Unknown => true,
            RecorderVersion::Unheard => patience.is_some(),
            _ => false,
        };
        while unknown() {
            // Without a token, as long as it is unknown who would get it.
            let told = call(recorder, app_request, IN_PROGRESS, &Named::default(), false).await;
            match told {
                // Also a refusal says what it is.
                Err(_) if !unknown() => {}
                Err(error) if clock::now() >= until || !error::is_untold(&error) => return Err(error),
                Err(_) => drop(JsFuture::from(sys::pause(patience.unwrap_or_default() / 20)).await),
                Ok(status)
                    if sys::get(&status, "inProgress").as_bool().is_some()
                        && sys::get_text(&status, "state").is_none() =>
                {
                    recorder.version.set(RecorderVersion::Seed);
                }
                Ok(_) => break,
            }
        }
        Ok(recorder.version.get())
    })
}

/// Asks about a URL, or about what is named, with the app's token if `token` says so and it would stay at the recorder.
pub(crate) fn call<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    endpoint: &'a str,
    named: &'a Named,
    token: bool,
) -> Task<'a, Result<JsValue, JsValue>> {
    Box::pin(ask_about(recorder, app_request, endpoint, named, token))
}

async fn ask_about(
    recorder: &Recorder,
    app_request: &AppRequest,
    endpoint: &str,
    named: &Named,
    token: bool,
) -> Result<JsValue, JsValue> {
    let mut token = Some(&recorder.token).filter(|known| token && known.is_some());
    // 0.1.0 would hand it on to the upstream.
    if token.is_some() && version(recorder, app_request, None).await == Ok(RecorderVersion::Seed) {
        token = None;
    }
    let mut wakeup = Wakeup::new(app_request.signal.clone());
    let Some((controller, signal)) = wakeup.open() else { return Err(error::mismatch()) };
    let host = recorder.url.host();
    let due = clock::now() + TIMEOUT_MS;
    let answered = wakeup.guard(send(recorder, app_request, endpoint, named, token, &signal), due).await;
    match answered {
        Err(interrupted) => {
            sys::let_go(Some(&controller), &JsValue::UNDEFINED);
            Err(match interrupted {
                Interrupted::Aborted(reason) => reason,
                Interrupted::Late if recorder.answered() => error::network(host, &JsValue::UNDEFINED),
                Interrupted::Late => recorder.unreachable(&JsValue::UNDEFINED),
            })
        }
        Ok(Err(send::Lost::Final(error))) => Err(error),
        Ok(Err(send::Lost::Network(cause))) => Err(match wakeup.aborted() {
            Some(reason) => reason,
            None if recorder.answered() => error::network(host, &cause),
            None => recorder.unreachable(&cause),
        }),
        Ok(Ok((seen, json))) => read(recorder, &seen, json),
    }
}

fn read(recorder: &Recorder, seen: &Seen, json: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    let host = recorder.url.host();
    if seen.answer == Answer::Redirect {
        return Err(error::redirected(host));
    }
    if let Some(code) = &seen.error {
        let told = json.ok().and_then(|json| sys::get_text(&sys::get(&json, "error"), "message"));
        return Err(error::refusal(code, seen.status, told));
    }
    match json {
        Ok(json) if seen.status < 400 => Ok(json),
        _ if seen.head().is_of_a_stranger() && !recorder.answered() => Err(recorder.no_recorder(seen)),
        _ if seen.answer == Answer::Foreign => Err(error::intermediary(host, seen.status)),
        _ => Err(error::mismatch()),
    }
}

type Told = (Seen, Result<JsValue, JsValue>);

async fn send(
    recorder: &Recorder,
    app_request: &AppRequest,
    endpoint: &str,
    named: &Named,
    token: Option<&Token>,
    signal: &AbortSignal,
) -> Result<Told, send::Lost> {
    let address = recorder.url.control(endpoint).map_err(send::Lost::Final)?;
    let body = named.body(&app_request.href).map_err(send::Lost::Final)?;
    let init = |token: Option<&str>| {
        let headers = app_request.repeated_headers()?;
        headers.set("content-type", "application/json")?;
        if named.urls.is_none() && recorder.takes_for() {
            headers.set(name::FOR, &app_request.href)?;
        }
        if let Some(token) = token {
            headers.set(name::TOKEN, token)?;
        }
        let init = app_request.bodiless("POST", &headers, Some(signal));
        sys::set(&init, "body", &body);
        Ok(init)
    };
    let response = send::with_token(recorder, app_request, &address, token, &init).await?;
    let seen = Seen::of(&response);
    recorder.learn(&seen);
    let told = json(&response).await;
    // A gateway may have taken the header.
    if let Ok(told) = &told
        && sys::get(told, "protocol").as_f64().is_some_and(|protocol| protocol >= f64::from(name::VERSION))
    {
        recorder.version.set(RecorderVersion::Third);
    }
    Ok((seen, told))
}

async fn json(response: &Response) -> Result<JsValue, JsValue> {
    JsFuture::from(response.json().map(|json: Promise| json)?).await
}

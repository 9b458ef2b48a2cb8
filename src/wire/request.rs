//! One request to the recorder: its address, its headers, its token.

use std::rc::Rc;

use durablefetch_protocol::follow::{Answer, Request};
use durablefetch_protocol::name;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, Headers, Response};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::{id, sys, text};
use crate::wire::call::version;
use crate::wire::head::{self, Seen};
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::send::{Lost, with_token};

/// As long as a host that has never answered is given for its first answer.
const INSIST_MS: u32 = 10_000;

/// Sends the app's request, or a continuation on its behalf.
pub(crate) async fn ask(
    recorder: Rc<Recorder>,
    app_request: Rc<AppRequest>,
    what: Request,
    recording: Option<String>,
    signal: AbortSignal,
) -> Result<(Response, Seen), Lost> {
    let is_third = recorder.is_third();
    let rest = match what {
        Request::Start => None,
        Request::Continue(offset) => {
            Some((recording.as_deref().unwrap_or_default(), sys::to_text(&(offset as f64).into())))
        }
    };
    // Another origin has one address for all: browsers keep what a preflight has allowed for its address.
    let is_one = is_third && !recorder.url.is_path() && (rest.is_some() || app_request.has_body());
    let mut address = match &rest {
        _ if is_one => recorder.url.control(if rest.is_some() { "continue" } else { "fetch" }),
        Some((recording, offset)) if is_third => recorder.url.rest(&app_request.url, recording, offset),
        _ => recorder.url.address(&app_request.url, recorder.version.get()),
    }
    .map_err(Lost::Final)?;
    if recorder.cached.get() {
        // What no cache can know. To the recorder it is decoration: `durablefetch-url` says what is meant.
        let separator = if text::contains(&address, "?") { "&" } else { "?" };
        address = text::joined(&[&address, separator, "durablefetch=", &id::fresh()]);
    }
    let init = |token: Option<&str>| {
        let headers = match &rest {
            None => start_headers(&app_request)?,
            Some((recording, offset)) => {
                let headers = app_request.repeated_headers()?;
                headers.set(name::RECORDING, recording)?;
                headers.set(name::OFFSET, offset)?;
                headers
            }
        };
        headers.set(name::URL, &app_request.href)?;
        if recorder.takes_for() {
            headers.set(name::FOR, &app_request.href)?;
        }
        if let Some(token) = token {
            headers.set(name::TOKEN, token)?;
        }
        Ok(if rest.is_none() {
            app_request.init(&headers, Some(&signal))
        } else {
            app_request.bodiless(if is_one { "POST" } else { "GET" }, &headers, Some(&signal))
        })
    };
    match with_token(&recorder, &app_request, &address, Some(&recorder.token), &init).await {
        Ok(response) => {
            let mut seen = Seen::of(&response);
            // Out of a cache: an earlier answer of this URL.
            let is_other = match what {
                Request::Start => head::text(&response, name::REQUEST).is_some_and(|id| id != app_request.id),
                Request::Continue(offset) => {
                    let asked = (recording.as_deref(), Some(offset));
                    seen.recording.is_some() && (seen.recording.as_deref(), seen.offset) != asked
                }
            };
            if is_other {
                recorder.cached.set(true);
                seen.answer = Answer::Other;
            }
            recorder.learn(&seen);
            let is_strange = seen.head().is_of_a_stranger();
            if seen.answer == Answer::Foreign
                && (seen.status >= 500 || is_strange)
                // A head that was cut may lack the state, and what has cut it may cut the question.
                && runs_twice(&recorder, &app_request, what, is_strange).await
            {
                // The upstream's own, then: 0.1.0 says no state.
                seen.answer = Answer::Unrecorded;
            }
            Ok((response, seen))
        }
        Err(Lost::Network(cause)) if runs_twice(&recorder, &app_request, what, false).await => {
            Err(Lost::Final(error::network(recorder.url.host(), &cause)))
        }
        Err(lost) => Err(lost),
    }
}

/// Whether sending this again would run it again: a recorder of 0.1.0 knows no request ids. Asked only once
/// something is wrong; `insists`: again where the question is lost.
async fn runs_twice(recorder: &Recorder, app_request: &AppRequest, what: Request, insists: bool) -> bool {
    let patience = (insists && recorder.version.get() == RecorderVersion::Unknown).then_some(INSIST_MS);
    what == Request::Start && version(recorder, app_request, patience).await == Ok(RecorderVersion::Seed)
}

fn start_headers(app_request: &AppRequest) -> Result<Headers, JsValue> {
    let headers = app_request.copied_headers()?;
    headers.set(name::REQUEST, &app_request.id)?;
    if let Some(mode) = app_request.mode {
        headers.set(name::MODE, mode.as_str())?;
    }
    // Before the recorder's version is known, too: one that does not know this header eats it.
    if app_request.sends_password() {
        headers.set(name::AUTHORIZATION, name::APP)?;
    }
    Ok(headers)
}

//! What a recorder knows of URLs.

use std::rc::Rc;

use durablefetch_protocol::State;
use durablefetch_protocol::follow::Told;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::js::task::Task;
use crate::wire::call::{IN_PROGRESS, Named, call, version};
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;

/// The answer to a question for the status.
pub(crate) struct Known {
    /// As the recorder said it, fields included that this version does not know.
    pub(crate) json: JsValue,
    pub(crate) in_progress: bool,
    pub(crate) completed: bool,
    /// The recording's id.
    pub(crate) recording: Option<String>,
}

impl Known {
    /// Reads the fields that decide something.
    pub(crate) fn read(json: JsValue) -> Result<Self, JsValue> {
        let flag = |name| sys::get(&json, name).as_bool().ok_or_else(error::mismatch);
        Ok(Self {
            in_progress: flag("inProgress")?,
            completed: flag("completed")?,
            recording: sys::get_text(&json, "recording"),
            json,
        })
    }

    /// The same as an answer to this question. Since protocol 3 a status says what it is about: one that is about
    /// something else comes from a cache, and proves nothing.
    pub(crate) fn about(
        recorder: &Recorder,
        json: JsValue,
        href: &str,
        named: &Named,
    ) -> Result<Self, JsValue> {
        let asked = [
            ("url", Some(href)),
            ("recording", named.recording.as_deref()),
            ("request", named.request.as_deref()),
        ];
        for (name, asked) in asked {
            if recorder.is_third() && asked.is_some() && sys::get_text(&json, name).as_deref() != asked {
                return Err(error::mismatch());
            }
        }
        Self::read(json)
    }
}

/// The status of a URL, or of one recording or request of it.
pub(crate) fn status<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    named: &'a Named,
) -> Task<'a, Result<Known, JsValue>> {
    Box::pin(async move {
        let json = call(recorder, app_request, IN_PROGRESS, named, true).await?;
        Known::about(recorder, json, &app_request.href, named)
    })
}

/// What it says of this recording or, where that is not known yet, of the request that starts it.
pub(crate) async fn told(
    recorder: Rc<Recorder>,
    app_request: Rc<AppRequest>,
    recording: Option<String>,
) -> Told {
    let request = recording.is_none().then(|| app_request.id.clone());
    let named = Named { recording, request, urls: None };
    let known = match version(&recorder, &app_request, Some(0)).await {
        Ok(RecorderVersion::Third) => status(&recorder, &app_request, &named).await,
        Ok(_) => return Told::NoWord,
        Err(error) => Err(error),
    };
    match known {
        Ok(Known { json, .. }) => {
            let state = sys::get_text(&json, "state").and_then(|state| State::parse(&state));
            let stored = sys::get(&json, "bytesStored").as_f64().unwrap_or_default();
            Told::Is(state, stored as u64)
        }
        Err(error) if !error::is_lost(&error) => Told::NoWord,
        // The platform gives a cause where the call failed, and none where only time ran out.
        Err(error) if recorder.is_crowded() && sys::get(&error, "cause").is_undefined() => Told::Crowded,
        Err(_) => Told::Silence,
    }
}

/// What it says of all these URLs, at most 100, in the name of the client that asks for one.
pub(crate) async fn of_all(
    recorder: &Recorder,
    asker: &AppRequest,
    app_requests: &[AppRequest],
) -> Result<Array, JsValue> {
    let urls = Array::new();
    for app_request in app_requests {
        urls.push(&JsValue::from_str(&app_request.href));
    }
    let named = Named { urls: Some(urls), ..Named::default() };
    call(recorder, asker, IN_PROGRESS, &named, true).await?.dyn_into().map_err(|_| error::mismatch())
}

//! What a recorder knows of URLs.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::wire::call::{IN_PROGRESS, Named, call};
use crate::wire::recorder::Recorder;

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
pub(crate) async fn status(
    recorder: &Recorder,
    app_request: &AppRequest,
    named: &Named,
) -> Result<Known, JsValue> {
    let json = call(recorder, app_request, IN_PROGRESS, named, true).await?;
    Known::about(recorder, json, &app_request.href, named)
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

//! Orders about recordings: delete and stop.

use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::error;
use crate::js::task::Task;
use crate::wire::call::{Named, call, version};
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;

/// Deletes what is recorded.
pub(crate) const DELETE: &str = "delete";
/// Stops what is being recorded.
pub(crate) const STOP: &str = "stop";

/// Gives one of these orders about all of a URL, or about what is named of it.
pub(crate) fn order<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    what: &'a str,
    named: &'a Named,
) -> Task<'a, Result<JsValue, JsValue>> {
    Box::pin(async move {
        let stops = what == STOP;
        if stops || named.is_some() {
            // Not known to all: to delete what one request began.
            let new = !stops && named.request.is_some();
            let version = version(recorder, app_request, new.then_some(0)).await;
            if stops && version == Ok(RecorderVersion::Seed) {
                let message = "The recorder is of version 0.1.0, which cannot stop anything";
                return Err(error::plain("unsupported", message, None));
            }
            // An older one would delete more than what is named.
            if !stops && (version == Ok(RecorderVersion::Seed) || new && version? != RecorderVersion::Third) {
                return Err(error::unsupported("To delete one recording of a URL"));
            }
        }
        call(recorder, app_request, what, named, true).await
    })
}

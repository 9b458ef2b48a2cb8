//! Orders about recordings: delete and stop.

use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::error;
use crate::wire::call::{Named, call};
use crate::wire::recorder::Recorder;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::status::{is_third, token, version};

/// Deletes what is recorded.
pub(crate) async fn delete(
    recorder: &Recorder,
    app_request: &AppRequest,
    named: &Named,
) -> Result<JsValue, JsValue> {
    // An older one would delete more than what is named.
    let can = if named.request.is_some() {
        is_third(recorder, app_request).await?
    } else {
        named.recording.is_none() || version(recorder, app_request).await != RecorderVersion::Seed
    };
    if !can {
        return Err(error::unsupported("To delete one recording of a URL"));
    }
    let token = token(recorder, app_request).await;
    call(recorder, app_request, "delete", named, token).await
}

/// Stops what is being recorded.
pub(crate) async fn stop(
    recorder: &Recorder,
    app_request: &AppRequest,
    named: &Named,
) -> Result<JsValue, JsValue> {
    if version(recorder, app_request).await == RecorderVersion::Seed {
        return Err(error::plain(
            "unsupported",
            "The recorder is of version 0.1.0, which cannot stop anything",
            None,
        ));
    }
    let token = token(recorder, app_request).await;
    call(recorder, app_request, "stop", named, token).await
}

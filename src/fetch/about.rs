//! What a control call is about: a URL, one recording or request of it, or a response.

use durablefetch_protocol::name;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Response};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::options::text;
use crate::wire::call::Named;

/// What the app named.
pub(crate) struct About {
    /// The URL, and who asks.
    pub(crate) app_request: AppRequest,
    pub(crate) named: Named,
    /// It is a response that a recorder did not record.
    pub(crate) unrecorded: bool,
}

impl About {
    /// Reads it at once.
    pub(crate) fn read(what: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let named = Named { recording: text(init, "recording")?, request: text(init, "request")? };
        // By its shape: it may be of another realm.
        if !what.is_object() || sys::get(what, "status").as_f64().is_none() {
            return Ok(Self { app_request: AppRequest::read(what, init)?, named, unrecorded: false });
        }
        let response: &Response = what.unchecked_ref();
        let header = |name| Headers::get(&response.headers(), name).ok().flatten();
        let recording = header(name::RECORDING);
        let unrecorded = recording.is_none();
        if response.url().is_empty() || unrecorded && header(name::STATE).is_none() {
            return Err(error::invalid(
                "This Response does not say which recording it is of, as those of this client do; name its URL instead",
            ));
        }
        let app_request = AppRequest::read(&response.url().into(), init)?;
        Ok(Self { app_request, named: Named { recording, ..named }, unrecorded })
    }
}

//! What a control call is about: a URL, one recording or request of it, or a response.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::options::text;
use crate::wire::call::Named;

/// What the app named.
pub(crate) struct About {
    /// The URL, and the identity of the client that asks.
    pub(crate) app_request: AppRequest,
    pub(crate) named: Named,
    /// It is a response that a recorder did not record.
    pub(crate) unrecorded: bool,
}

/// What `isInProgress` is asked about.
pub(crate) struct Asked {
    /// In one question, if the recorder takes it.
    pub(crate) app_requests: Vec<AppRequest>,
    pub(crate) named: Named,
    pub(crate) many: bool,
}

impl Asked {
    /// Reads it at once.
    pub(crate) fn read(what: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let Some(urls) = what.dyn_ref::<Array>() else {
            let About { app_request, named, .. } = About::read(what, init)?;
            return Ok(Self { app_requests: vec![app_request], named, many: false });
        };
        let mut app_requests = Vec::new();
        for index in 0..urls.length() {
            app_requests.push(AppRequest::read(&urls.get(index), init)?);
        }
        Ok(Self { app_requests, named: Named::default(), many: true })
    }
}

impl About {
    /// Reads it at once.
    pub(crate) fn read(what: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let [recording, request] = [text(init, "recording")?, text(init, "request")?];
        let named = Named { recording, request, urls: None };
        let said = sys::said(what);
        if said.is_undefined() {
            return Ok(Self { app_request: AppRequest::read(what, init)?, named, unrecorded: false });
        }
        let Some(url) = sys::get_text(&said, "url") else {
            return Err(error::invalid(
                "This Response does not say which recording it is of, as those of this client do; name its URL instead",
            ));
        };
        let recording = sys::get_text(&said, "recording");
        let unrecorded = recording.is_none();
        let app_request = AppRequest::read(&url.into(), init)?;
        Ok(Self { app_request, named: Named { recording, ..named }, unrecorded })
    }
}

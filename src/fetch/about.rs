//! What a control call is about: a URL, one recording or request of it, or a response.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::options::text;
use crate::state::ClientState;
use crate::wire::call::Named;

/// What the app named.
pub(crate) struct About {
    /// The URL, and the identity of the client that asks.
    pub(crate) app_request: AppRequest,
    pub(crate) named: Named,
    /// It is a response that a recorder did not record.
    pub(crate) unrecorded: bool,
    /// The recording or the URL whose start had the headers that the call repeats.
    asked: Option<String>,
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
    pub(crate) fn read(client: &ClientState, what: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let Some(urls) = what.dyn_ref::<Array>() else {
            let About { app_request, named, .. } = About::read(what, init)?.in_the_name_of_the_start(client);
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
    /// The same in the name of the one who asked for it, unless the call has headers of its own.
    pub(crate) fn in_the_name_of_the_start(mut self, client: &ClientState) -> Self {
        if let Some(asked) = &self.asked {
            self.app_request = self.app_request.in_the_name_of(client.asker(asked));
        }
        self
    }

    /// Reads it at once.
    pub(crate) fn read(what: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let silent = sys::some(sys::get(init, "headers")).is_none();
        let [recording, request] = [text(init, "recording")?, text(init, "request")?];
        let named = Named { recording, request, urls: None };
        let said = sys::said(what);
        if said.is_undefined() {
            let app_request = AppRequest::read(what, init)?;
            // A page has one user. On a server, another user may have asked for this URL last.
            let asked = (silent && sys::location().is_some()).then(|| app_request.href.clone());
            return Ok(Self { app_request, named, unrecorded: false, asked });
        }
        let Some(url) = sys::get_text(&said, "url") else {
            return Err(error::invalid(
                "This Response does not say which recording it is of, as those of this client do; name its URL instead",
            ));
        };
        let recording = sys::get_text(&said, "recording");
        let unrecorded = recording.is_none();
        let app_request = AppRequest::read(&url.into(), init)?;
        let asked = recording.clone().filter(|_| silent);
        Ok(Self { app_request, named: Named { recording, ..named }, unrecorded, asked })
    }
}

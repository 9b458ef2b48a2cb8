//! What the app asked for, in one shape: string, URL or Request, with or without init.

use durablefetch_protocol::{Mode, name};
use js_sys::{Function, Object};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, Url};

use crate::{error, id, sys};

/// What a Request holds that a request init can hold. `mode` and `priority` are special, see below.
const FIELDS: [&str; 9] = [
    "method",
    "cache",
    "credentials",
    "redirect",
    "referrer",
    "referrerPolicy",
    "integrity",
    "keepalive",
    "signal",
];

/// One fetch as the app meant it.
pub(crate) struct Order {
    /// The upstream URL, absolute, without fragment.
    pub(crate) url: Url,
    /// The URL as a string: what `response.url` says and what keys are made of.
    pub(crate) href: String,
    /// The app's own headers, those of the protocol taken out.
    pub(crate) headers: Headers,
    pub(crate) signal: Option<AbortSignal>,
    /// The caller's mode, if it gave one; `join` is what a recorder does without.
    pub(crate) mode: Option<Mode>,
    /// The caller's request id or a fresh one.
    pub(crate) request: String,
    /// Sent by this instead of the client's transport.
    pub(crate) fetch: Option<Function>,
    /// The app's choice of cache, for requests past the recorder.
    cache: Option<JsValue>,
    /// Everything else of the init, to be handed on.
    init: Object,
    /// Where the body is before it is buffered.
    body: Body,
}

/// In whose name something is asked.
pub(crate) struct Asker {
    authorization: Option<String>,
    credentials: Option<JsValue>,
    fetch: Option<Function>,
}

enum Body {
    None,
    Ready(JsValue),
    Stream(JsValue),
    OfRequest(Request),
}

impl Order {
    /// Reads what was asked for, at once: the app may change its objects after the call.
    ///
    /// # Errors
    /// What native fetch throws for the same mistake.
    pub(crate) fn read(input: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let given = Object::new();
        if let Some(init) = init.dyn_ref::<Object>() {
            let _ = Object::assign(&given, init);
        }
        let mut body = match sys::some(sys::get(&given, "body")) {
            None => Body::None,
            Some(stream) if sys::is_stream(&stream) => Body::Stream(stream),
            Some(body) => Body::Ready(body),
        };
        let mut headers = sys::some(sys::get(&given, "headers"));
        let text = if sys::is_request(input) {
            inherit(&given, input);
            headers = headers.or_else(|| sys::some(sys::get(input, "headers")));
            let method = sys::get_text(input, "method");
            let may_have_body = !matches!(method.as_deref(), None | Some("GET" | "HEAD"));
            if matches!(body, Body::None) && may_have_body {
                body = Body::OfRequest(input.clone().unchecked_into());
            }
            sys::get_text(input, "url").unwrap_or_default()
        } else {
            sys::to_text(input)
        };
        let url = match sys::location() {
            Some(base) => Url::new_with_base(&text, &base)?,
            None => Url::new(&text)?,
        };
        if !url.username().is_empty() || !url.password().is_empty() {
            return Err(error::plain(
                "invalid-url",
                "The URL contains credentials; send a header instead",
                None,
            ));
        }
        url.set_hash("");
        let headers = match headers {
            Some(headers) => Headers::new_with_headers(headers.unchecked_ref())?,
            None => Headers::new()?,
        };
        let mode = taken(&headers, name::MODE)?;
        let mode = match mode {
            None => None,
            Some(text) => Some(Mode::parse(&text).ok_or_else(|| {
                error::invalid("The mode of a request must be join, restart, resume or replay")
            })?),
        };
        let request = taken(&headers, name::REQUEST)?;
        for header in [name::URL, name::RECORDING, name::OFFSET, name::TOKEN] {
            headers.delete(header)?;
        }
        let signal = sys::get(&given, "signal").dyn_into().ok();
        for name in ["body", "headers", "signal", "duplex"] {
            let _ = js_sys::Reflect::delete_property(&given, &name.into());
        }
        let cache = sys::some(sys::get(&given, "cache"));
        sys::set(&given, "cache", &"no-store".into());
        let href = url.href();
        let request = request.unwrap_or_else(id::fresh);
        Ok(Self { url, href, headers, signal, mode, request, fetch: None, cache, init: given, body })
    }

    /// Whether this is a request for HTTP at all; `data:`, `blob:` and the like need no recorder.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.url.protocol().as_str(), "http:" | "https:")
    }

    /// Reads a one-shot body whole, so that it can be sent again; whatever else a body can be is sent again as
    /// it is. `streams`: those of an init, too.
    pub(crate) async fn buffer(&mut self, streams: bool) -> Result<(), JsValue> {
        self.body = match std::mem::replace(&mut self.body, Body::None) {
            Body::Stream(stream) if streams => Body::Ready(JsFuture::from(sys::read_whole(&stream)).await?),
            Body::OfRequest(request) => Body::Ready(JsFuture::from(request.array_buffer()?).await?),
            ready => ready,
        };
        Ok(())
    }

    /// A copy of the init as it is sent, body included.
    pub(crate) fn init(&self, headers: &Headers, signal: Option<&AbortSignal>) -> Object {
        let init = Object::assign(&Object::new(), &self.init);
        if let Body::Ready(body) = &self.body {
            sys::set(&init, "body", body);
        }
        finish(&init, headers, signal);
        init
    }

    /// The init for a request past the recorder: the app's own, a stream stays a stream.
    pub(crate) fn untouched(&self, headers: &Headers) -> Object {
        let init = Object::assign(&Object::new(), &self.init);
        match &self.body {
            Body::None => {}
            Body::Ready(body) => sys::set(&init, "body", body),
            Body::Stream(stream) => {
                sys::set(&init, "body", stream);
                sys::set(&init, "duplex", &"half".into());
            }
            Body::OfRequest(_) => {}
        }
        match &self.cache {
            Some(cache) => sys::set(&init, "cache", cache),
            None => drop(js_sys::Reflect::delete_property(&init, &"cache".into())),
        }
        finish(&init, headers, self.signal.as_ref());
        init
    }

    /// The init of another request on behalf of this one: no body, and who asks stays the same.
    pub(crate) fn bodiless(&self, headers: &Headers, signal: Option<&AbortSignal>) -> Object {
        let init = Object::new();
        sys::set(&init, "method", &"GET".into());
        for name in ["credentials", "mode", "referrer", "referrerPolicy", "cache", "priority"] {
            if let Some(value) = sys::some(sys::get(&self.init, name)) {
                sys::set(&init, name, &value);
            }
        }
        finish(&init, headers, signal);
        init
    }

    /// The app's headers, to be added to.
    pub(crate) fn copied_headers(&self) -> Result<Headers, JsValue> {
        Headers::new_with_headers(&self.headers)
    }

    /// Who asks, for asking again in the same name.
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            authorization: self.authorization(),
            credentials: sys::some(sys::get(&self.init, "credentials")),
            fetch: self.fetch.clone(),
        }
    }

    /// This order, asked by somebody else.
    pub(crate) fn in_the_name_of(mut self, asker: Option<&Asker>) -> Self {
        let Some(asker) = asker else { return self };
        if let Some(authorization) = &asker.authorization {
            let _ = self.headers.set("authorization", authorization);
        }
        if let Some(credentials) = &asker.credentials {
            sys::set(&self.init, "credentials", credentials);
        }
        self.fetch = asker.fetch.clone();
        self
    }

    /// The credential in the app's headers.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.headers.get("authorization").ok().flatten()
    }
}

fn finish(init: &Object, headers: &Headers, signal: Option<&AbortSignal>) {
    sys::set(init, "headers", headers);
    if let Some(signal) = signal {
        sys::set(init, "signal", signal);
    }
}

/// What the init does not say, the Request says.
fn inherit(init: &Object, request: &JsValue) {
    for name in FIELDS {
        if sys::get(init, name).is_undefined() {
            sys::set(init, name, &sys::get(request, name));
        }
    }
    let mode = sys::get(request, "mode");
    if sys::get(init, "mode").is_undefined() && mode.as_string().is_some_and(|mode| mode != "navigate") {
        sys::set(init, "mode", &mode);
    }
}

fn taken(headers: &Headers, name: &str) -> Result<Option<String>, JsValue> {
    let value = headers.get(name)?;
    headers.delete(name)?;
    Ok(value)
}

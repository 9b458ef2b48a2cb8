//! What the app asked for, in one shape: string, URL or Request, with or without init.

use durablefetch_protocol::name;
use js_sys::{Function, Object, TypeError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob, Headers, Request, Url};

use crate::error;
use crate::js::{id, sys};
use durablefetch_protocol::Mode;

/// What a Request holds that a request init can hold. `priority` and what is newer cannot be read from it, so the
/// app's own init goes along. `cf` is Cloudflare's.
const FIELDS: [&str; 8] =
    ["cache", "cf", "credentials", "integrity", "keepalive", "redirect", "referrer", "referrerPolicy"];
/// What of an init is about its body, or the whole of its answer, and so not of a continuation or a control call.
const OF_THE_WHOLE: [&str; 2] = ["integrity", "keepalive"];

/// The most bytes that browsers send with `keepalive`.
const KEEPALIVE_MAX: f64 = 65_536.0;

/// One fetch as the app meant it.
pub(crate) struct AppRequest {
    /// The upstream URL, absolute, without fragment.
    pub(crate) url: Url,
    /// The URL as a string: what `response.url` says and what keys are made of.
    pub(crate) href: String,
    /// The app's own headers, those of the protocol taken out, and what else a start says.
    pub(crate) headers: Headers,
    pub(crate) signal: Option<AbortSignal>,
    /// The mode to send, if any: the caller's, or what the option `reuse` means.
    pub(crate) mode: Option<Mode>,
    /// The caller's request id or a fresh one.
    pub(crate) id: String,
    /// Sent by this instead of the client's transport.
    pub(crate) fetch: Option<Function>,
    /// Told of lost connections besides the client's.
    pub(crate) on_reconnect: Option<Function>,
    /// Its chat waits for no answer: if it fails, nothing is lost, so it is given up soon.
    pub(crate) is_idle: bool,
    /// The app's choice of cache, for requests past the recorder.
    cache: Option<JsValue>,
    /// Everything else of the init, to be handed on.
    init: Object,
    /// The platform's reading of it all.
    native: Request,
    body: Body,
}

/// In whose name something is asked: an object with the `headers`, the `init` and the `fetch` of a request.
#[derive(Clone)]
pub(crate) struct Asker(JsValue);

impl From<JsValue> for Asker {
    fn from(value: JsValue) -> Self {
        Self(value)
    }
}

impl From<Asker> for JsValue {
    fn from(asker: Asker) -> Self {
        asker.0
    }
}

enum Body {
    None,
    /// Not read yet. `streams`: it can be read only once, and sent as a stream past the recorder.
    Unread {
        streams: bool,
    },
    Whole(Blob),
}

impl AppRequest {
    /// Reads what was asked for, at once: the app may change its objects after the call. The platform's own
    /// Request checks everything, resolves the URL and copies the body.
    ///
    /// # Errors
    /// What native fetch throws for the same mistake.
    pub(crate) fn read(input: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        if input.is_undefined() {
            return Err(TypeError::new("A URL or a Request is needed").into());
        }
        let native = sys::request(input, init)?;
        let given = sys::members(init);
        let signal = sys::some(sys::get(&given, "signal"));
        let mut signal: Option<AbortSignal> = signal.map(JsCast::unchecked_into);
        let streams = sys::streams(&sys::get(&given, "body"));
        for name in ["body", "headers", "signal", "duplex", "mode"] {
            let _ = js_sys::Reflect::delete_property(&given, &name.into());
        }
        if input.is_object() && !sys::get(input, "method").is_undefined() {
            for name in FIELDS {
                if let Some(value) = sys::some(sys::get(&native, name)) {
                    sys::set(&given, name, &value);
                }
            }
            if sys::get(init, "signal").is_undefined() {
                signal = Some(native.signal());
            }
        }
        let method = native.method();
        sys::set(&given, "method", &method.as_str().into());
        let url = Url::new(&native.url())?;
        url.set_hash("");
        let href = url.href();

        let headers = Headers::new_with_headers(&native.headers())?;
        let mode = match taken(&headers, name::MODE)? {
            None => None,
            Some(text) => Some(Mode::parse(&text).ok_or_else(|| {
                error::invalid(
                    "The mode of a request must be join, match, match-live, new, restart, resume or replay",
                )
            })?),
        };
        let id = taken(&headers, name::REQUEST)?.unwrap_or_else(id::fresh);
        for header in
            [name::URL, name::RECORDING, name::OFFSET, name::TOKEN, name::FOR, name::ATTACH, name::READ]
        {
            headers.delete(header)?;
        }
        match sys::get_text(&native, "mode").as_deref() {
            // It is about the upstream, which the recorder may be a stranger to.
            Some("same-origin")
                if sys::get_text(&js_sys::global(), "origin").as_deref() != Some(&*url.origin()) =>
            {
                return Err(
                    TypeError::new("The URL is of another origin, and the mode is 'same-origin'").into()
                );
            }
            None | Some("cors" | "navigate" | "same-origin") => {}
            Some(mode) => sys::set(&given, "mode", &mode.into()),
        }
        let cache = sys::some(sys::get(&given, "cache"));
        sys::choose_cache(&given);
        let has_body = !matches!(&*method, "GET" | "HEAD") && !sys::get(&native, "body").is_null();
        let body = if has_body { Body::Unread { streams } } else { Body::None };
        Ok(Self {
            url,
            href,
            headers,
            signal,
            mode,
            id,
            fetch: None,
            on_reconnect: None,
            is_idle: false,
            cache,
            init: given,
            native,
            body,
        })
    }

    /// Whether this is a request for HTTP at all; `data:`, `blob:` and the like need no recorder.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.url.protocol().as_str(), "http:" | "https:")
    }

    /// Whether it asks without sending anything.
    pub(crate) fn is_get(&self) -> bool {
        self.native.method() == "GET"
    }

    /// Whether it may be sent again. What has to have a known hash is compared by the browser, and a mismatch
    /// looks like a lost connection.
    pub(crate) fn is_resendable(&self) -> bool {
        sys::get_text(&self.init, "integrity").is_none_or(|hash| hash.is_empty())
    }

    /// Bytes of the body, once it is read whole.
    pub(crate) fn body_size(&self) -> u32 {
        if let Body::Whole(body) = &self.body { body.size() as u32 } else { 0 }
    }

    /// Reads the body whole, so that it can be sent again. As a blob: browsers keep large ones out of memory.
    pub(crate) async fn buffer(&mut self) -> Result<(), JsValue> {
        if let Body::Unread { .. } = self.body {
            let read = JsFuture::from(self.native.blob()?).await;
            let blob: Blob = read.map_err(|cause| self.unreadable(cause))?.unchecked_into();
            if sys::get(&self.init, "keepalive").is_truthy() && blob.size() > KEEPALIVE_MAX {
                let message = "With 'keepalive' a request's body may have 64 KiB at most";
                return Err(error::plain("request-too-large", message, None));
            }
            // Firefox does not tell whether a Request has a body.
            let none = blob.size() == 0.0 && sys::get(&self.native, "body").is_undefined();
            self.body = if none { Body::None } else { Body::Whole(blob) };
        }
        Ok(())
    }

    /// A stream may fail with anything; native fetch says so with a `TypeError`.
    /// WebKit does not read the form of a Request, which cannot be sent elsewhere unread, if there is a file in it.
    fn unreadable(&self, cause: JsValue) -> JsValue {
        let form = self.headers.get("content-type").ok().flatten();
        if !form.is_some_and(|text| text.starts_with("multipart/form-data")) {
            if cause.is_instance_of::<TypeError>() {
                return cause;
            }
            let error = TypeError::new("The body of the request cannot be read");
            sys::set(&error, "cause", &cause);
            return error.into();
        }
        let message = "This browser lets nobody read the form of a Request with a file in it: \
             give the URL and the FormData themselves";
        sys::durable_fetch_error("unsupported", message, None, &cause)
    }

    /// The same for a request past the recorder, where a stream may stay one.
    pub(crate) async fn buffer_unless_streaming(&mut self) -> Result<(), JsValue> {
        match self.body {
            Body::Unread { streams: true } => Ok(()),
            _ => self.buffer().await,
        }
    }

    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.body, Body::None)
    }

    /// A copy of the init as it is sent, body included.
    pub(crate) fn init(&self, headers: &Headers, signal: Option<&AbortSignal>) -> Object {
        let init = Object::assign(&Object::new(), &self.init);
        if let Body::Whole(body) = &self.body {
            sys::set(&init, "body", body);
        }
        self.finish_for_recorder(&init, headers, signal);
        init
    }

    /// The init for a request past the recorder: the app's own, a stream stays a stream.
    pub(crate) fn untouched(&self, headers: &Headers) -> Object {
        let init = Object::assign(&Object::new(), &self.init);
        match &self.body {
            Body::None => {}
            Body::Whole(body) => sys::set(&init, "body", body),
            Body::Unread { .. } => {
                sys::set(&init, "body", &sys::get(&self.native, "body"));
                sys::set(&init, "duplex", &"half".into());
            }
        }
        match &self.cache {
            Some(cache) => sys::set(&init, "cache", cache),
            None => drop(js_sys::Reflect::delete_property(&init, &"cache".into())),
        }
        finish(&init, headers, self.signal.as_ref());
        init
    }

    /// The init of another request on behalf of this one: another method, no body, and in all else the same. What the standard does not
    /// have (`dispatcher`, `tls`, `cf`, …) says how to get there.
    pub(crate) fn bodiless(&self, method: &str, headers: &Headers, signal: Option<&AbortSignal>) -> Object {
        let init = Object::assign(&Object::new(), &self.init);
        for name in OF_THE_WHOLE {
            let _ = js_sys::Reflect::delete_property(&init, &name.into());
        }
        sys::set(&init, "method", &method.into());
        sys::choose_cache(&init);
        self.finish_for_recorder(&init, headers, signal);
        init
    }

    /// A recorder never redirects: another server that does is not to be given token, credentials and body. Browsers allow that
    /// choice only where the answer may be read.
    fn finish_for_recorder(&self, init: &Object, headers: &Headers, signal: Option<&AbortSignal>) {
        if sys::get_text(&self.init, "mode").as_deref() != Some("no-cors") {
            sys::set(init, "redirect", &"manual".into());
        }
        finish(init, headers, signal);
    }

    /// The app's headers, to be added to.
    pub(crate) fn copied_headers(&self) -> Result<Headers, JsValue> {
        Headers::new_with_headers(&self.headers)
    }

    /// The app's headers for another request on behalf of this one: gateways want their keys on each, and another bearer
    /// would be another scope.
    pub(crate) fn repeated_headers(&self) -> Result<Headers, JsValue> {
        sys::repeated(&self.headers)
    }

    /// Who asks, for asking again in the same name.
    pub(crate) fn asker(&self) -> Asker {
        let asker = Object::new();
        sys::set(&asker, "headers", &self.headers);
        sys::set(&asker, "init", &self.init);
        if let Some(fetch) = &self.fetch {
            sys::set(&asker, "fetch", fetch);
        }
        Asker(asker.into())
    }

    /// The same request, which has no headers of its own, in the name of another asker.
    pub(crate) fn in_the_name_of(mut self, asker: Option<Asker>) -> Self {
        if let Some(Asker(asker)) = asker {
            self.headers = sys::get(&asker, "headers").unchecked_into();
            let init = Object::assign(&Object::new(), sys::get(&asker, "init").unchecked_ref());
            self.init = Object::assign(&init, &self.init);
            self.fetch = sys::get_function(&asker, "fetch");
        }
        self
    }

    /// The credential in the app's headers.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.headers.get("authorization").ok().flatten()
    }

    /// Whether the app sends a password itself. Through the page's origin, a recorder could take it for the browser's.
    pub(crate) fn sends_password(&self) -> bool {
        let scheme = |value: &String| value.get(..6).is_some_and(|text| text.eq_ignore_ascii_case("basic "));
        self.authorization().as_ref().is_some_and(scheme)
    }
}

fn finish(init: &Object, headers: &Headers, signal: Option<&AbortSignal>) {
    sys::set(init, "headers", headers);
    if let Some(signal) = signal {
        sys::set(init, "signal", signal);
    }
}

fn taken(headers: &Headers, name: &str) -> Result<Option<String>, JsValue> {
    let value = headers.get(name)?;
    headers.delete(name)?;
    Ok(value)
}

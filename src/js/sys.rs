//! The raw boundary: what JavaScript offers, as it is. Nothing here decides anything.

use js_sys::{Function, Map, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, Headers, Request, Response};

#[wasm_bindgen(module = "/pkg-template/error.js")]
extern "C" {
    #[wasm_bindgen(js_name = durableFetchError)]
    pub(crate) fn durable_fetch_error(
        code: &str,
        message: &str,
        status: Option<u16>,
        cause: &JsValue,
    ) -> JsValue;
    /// A lost connection.
    pub(crate) fn lost(
        kind: &str,
        host: &str,
        status: Option<u16>,
        cause: &JsValue,
        detail: Option<&str>,
    ) -> JsValue;
    pub(crate) fn parted(words: &str) -> String;
}

#[wasm_bindgen(module = "/pkg-template/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = isNullBody)]
    pub(crate) fn is_null_body(status: u16) -> bool;
    #[wasm_bindgen(catch)]
    pub(crate) fn respond(
        body: &JsValue,
        head: &Response,
        status_text: &str,
        url: &str,
        ending: &Object,
    ) -> Result<Response, JsValue>;
    pub(crate) fn named(response: &Response, url: &str) -> Response;
    #[wasm_bindgen(js_name = onWake)]
    pub(crate) fn on_wake(callback: &Function) -> Function;
    pub(crate) fn follow(controller: &AbortController, signal: Option<&AbortSignal>) -> AbortSignal;
    /// Reads the end of a body that has no bytes.
    pub(crate) fn finish(controller: &AbortController, response: &Response);
    #[wasm_bindgen(js_name = letGo)]
    pub(crate) fn let_go(controller: Option<&AbortController>, body: &JsValue);
    pub(crate) fn memory() -> Map;
    pub(crate) fn note(notes: &Map, key: &str, value: Option<&str>, ms: f64);
    pub(crate) fn noted(notes: &Map, key: &str) -> Option<String>;
    #[wasm_bindgen(js_name = note)]
    pub(crate) fn note_value(notes: &Map, key: &str, value: &JsValue, ms: f64);
    #[wasm_bindgen(js_name = noted)]
    pub(crate) fn noted_value(notes: &Map, key: &str) -> JsValue;
    pub(crate) fn said(what: &JsValue) -> JsValue;
    pub(crate) fn pause(ms: u32) -> Promise;
    #[wasm_bindgen(js_name = inTab)]
    pub(crate) fn in_tab(key: &str, value: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = domException)]
    pub(crate) fn dom_exception(message: &str, name: &str) -> JsValue;
}

#[wasm_bindgen(module = "/pkg-template/request.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub(crate) fn request(input: &JsValue, init: &JsValue) -> Result<Request, JsValue>;
    pub(crate) fn members(init: &JsValue) -> Object;
    #[wasm_bindgen(catch)]
    pub(crate) fn repeated(headers: &Headers) -> Result<Headers, JsValue>;
    #[wasm_bindgen(catch, js_name = headersOf)]
    pub(crate) fn headers_of(given: &JsValue) -> Result<Headers, JsValue>;
    #[wasm_bindgen(js_name = isExtended)]
    pub(crate) fn is_extended(headers: &Headers) -> bool;
    pub(crate) fn extend(headers: &Headers, more: Option<&Headers>);
    pub(crate) fn streams(body: &JsValue) -> bool;
    #[wasm_bindgen(js_name = chooseCache)]
    pub(crate) fn choose_cache(init: &Object);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    pub(crate) fn warn(message: &str);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(crate) fn console_error(error: &JsValue);
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(crate) fn date_now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    pub(crate) fn set_timeout(callback: &Function, ms: i32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub(crate) fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    pub(crate) fn random_values(bytes: &mut [u8]);
    #[wasm_bindgen(js_name = decodeURIComponent, catch)]
    pub(crate) fn decode_uri_component(text: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(js_name = encodeURIComponent)]
    pub(crate) fn encode_uri_component(text: &str) -> String;
    #[wasm_bindgen(js_name = String)]
    pub(crate) fn to_text(value: &JsValue) -> String;

    /// Part of every AbortSignal; web-sys has it behind a nullable getter of another shape.
    #[wasm_bindgen(js_name = AbortSignal)]
    pub(crate) type Signal;
    #[wasm_bindgen(method, js_name = addEventListener)]
    pub(crate) fn listen(this: &Signal, event: &str, listener: &Function);
    #[wasm_bindgen(method, js_name = removeEventListener)]
    pub(crate) fn unlisten(this: &Signal, event: &str, listener: &Function);
}

/// A property, or `undefined` where there is none or the value can have none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    // Asked before: to throw and catch it costs a millisecond the first time.
    if object.is_undefined() || object.is_null() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is a string.
pub(crate) fn get_text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string()
}

/// A property that is a function.
pub(crate) fn get_function(object: &JsValue, name: &str) -> Option<Function> {
    get(object, name).dyn_into().ok()
}

/// Sets a property of an object of our own making, which cannot fail.
pub(crate) fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// Neither `undefined` nor `null`.
pub(crate) fn some(value: JsValue) -> Option<JsValue> {
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// The address of the page or worker; none on servers.
pub(crate) fn location() -> Option<String> {
    get_text(&get(&js_sys::global(), "location"), "href").filter(|href| href.starts_with("http"))
}

/// Whether this is Safari or another browser on Apple's engine: none of them says anything else here.
pub(crate) fn is_webkit() -> bool {
    let vendor = get_text(&get(&js_sys::global(), "navigator"), "vendor");
    vendor.is_some_and(|vendor| vendor.starts_with("Apple"))
}

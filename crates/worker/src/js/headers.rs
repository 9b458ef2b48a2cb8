//! `Headers` of JavaScript and `HeaderMap`.

use durablefetch_protocol::request_headers::stands_once;
use http::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Array;
use wasm_bindgen::JsCast;

/// Reads `Headers`. JavaScript joins what stands several times with `, `; where one that stands once does so, that is told
/// apart again, because it is an error.
pub(crate) fn from_js(headers: &web_sys::Headers) -> HeaderMap {
    let mut out = HeaderMap::new();
    for entry in headers.entries().into_iter().flatten() {
        let entry: Array = entry.unchecked_into();
        let (Some(key), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) else { continue };
        let Ok(key) = HeaderName::try_from(key) else { continue };
        let mut add = |value: &str| {
            if let Ok(value) = HeaderValue::from_bytes(&bytes(value)) {
                out.append(key.clone(), value);
            }
        };
        if stands_once(&key) {
            value.split(", ").for_each(&mut add);
        } else {
            add(&value);
        }
    }
    out
}

/// Makes `Headers`.
pub(crate) fn to_js(headers: &HeaderMap) -> Result<web_sys::Headers, wasm_bindgen::JsValue> {
    let out = web_sys::Headers::new()?;
    for (name, value) in headers {
        out.append(name.as_str(), &text(value.as_bytes()))?;
    }
    Ok(out)
}

/// The bytes that a JavaScript string of header text stands for: one a character where all fit (a byte
/// string), otherwise UTF-8.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .map(|char| u8::try_from(u32::from(char)).ok())
        .collect::<Option<Vec<u8>>>()
        .filter(|bytes| core::str::from_utf8(bytes).is_ok())
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Header bytes as a JavaScript string.
fn text(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

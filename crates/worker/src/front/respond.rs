//! From the protocol's heads to JavaScript's `Response`.

use durablefetch_protocol::access::Admitted;
use durablefetch_protocol::response_head::{self, Head};
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::HeaderMap;
use js_sys::Uint8Array;
use serde_json::Value;
use wasm_bindgen::JsValue;

use crate::js::{self, sys};

/// What a response has for a body.
pub(crate) enum Body {
    /// None at all.
    Nothing,
    /// These bytes.
    Bytes(Uint8Array),
    /// What is written into the other end of a pipe.
    Stream(web_sys::ReadableStream),
}

/// A response of this status.
pub(crate) fn response(
    status: u16,
    reason: &[u8],
    headers: &HeaderMap,
    body: Body,
) -> Result<web_sys::Response, JsValue> {
    let init = web_sys::ResponseInit::new();
    init.set_status(status);
    // Another phrase than the standard one is in `durablefetch-status-text`; here only what JavaScript takes.
    if !reason.is_empty()
        && reason.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
        && let Ok(text) = core::str::from_utf8(reason)
    {
        init.set_status_text(text);
    }
    init.set_headers_headers(&js::headers::to_js(headers)?);
    let has_body = !Head::is_bodyless(status);
    match body {
        Body::Stream(stream) if has_body => {
            web_sys::Response::new_with_opt_readable_stream_and_init(Some(&stream), &init)
        }
        Body::Bytes(bytes) if has_body => {
            web_sys::Response::new_with_opt_buffer_source_and_init(Some(&bytes), &init)
        }
        Body::Nothing | Body::Stream(_) | Body::Bytes(_) => {
            web_sys::Response::new_with_opt_str_and_init(None, &init)
        }
    }
}

/// An error. Where nobody was admitted, no page may read it.
pub(crate) fn error(
    error: &ProtocolError,
    admitted: Option<&Admitted>,
) -> Result<web_sys::Response, JsValue> {
    let nobody = Admitted::nobody();
    let headers = response_head::error(error.code, admitted.unwrap_or(&nobody));
    response(error.code.status(), b"", &headers, Body::Bytes(sys::to_js(&response_head::error_body(error))))
}

/// 405, with the methods that the address takes.
pub(crate) fn wrong_method(methods: &'static str, admitted: &Admitted) -> Result<web_sys::Response, JsValue> {
    let error = ProtocolError::from(ErrorCode::MethodNotAllowed);
    let headers = response_head::wrong_method(methods, admitted);
    response(error.code.status(), b"", &headers, Body::Bytes(sys::to_js(&response_head::error_body(&error))))
}

/// What the recorder says itself.
pub(crate) fn own(
    status: u16,
    content_type: &'static str,
    body: &str,
    admitted: &Admitted,
) -> Result<web_sys::Response, JsValue> {
    response(
        status,
        b"",
        &response_head::own(Some(content_type), admitted),
        Body::Bytes(sys::to_js(body.as_bytes())),
    )
}

/// The answer of a control call.
pub(crate) fn json(value: &Value, admitted: &Admitted) -> Result<web_sys::Response, JsValue> {
    own(200, "application/json", &value.to_string(), admitted)
}

/// 204.
pub(crate) fn nothing(admitted: &Admitted) -> Result<web_sys::Response, JsValue> {
    response(204, b"", &response_head::own(None, admitted), Body::Nothing)
}

/// A response that JavaScript has made. Where it has not, why goes to the log.
pub(crate) fn or_internal(
    response: Result<web_sys::Response, JsValue>,
) -> Result<web_sys::Response, ProtocolError> {
    response.map_err(|error| {
        worker::console_error!("response: {error:?}");
        ErrorCode::Internal.into()
    })
}

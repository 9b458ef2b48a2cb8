//! The page for people at `/`, and the one that says what is configured wrongly.

use durablefetch_protocol::access::Admitted;
use durablefetch_protocol::{ErrorCode, ProtocolError, response_head};
use http::HeaderValue;
use wasm_bindgen::JsValue;

use super::request::Request;
use super::respond;
use crate::js::sys;

const PAGE: &str = include_str!("page.html");
const HTML: &str = "text/html; charset=utf-8";

/// What `/` shows. Its links are relative, so that it works under every mount.
pub(crate) fn page(request: &Request) -> Result<web_sys::Response, JsValue> {
    let base = format!("{}/", request.own.base_path);
    let html = PAGE.replace("{{base}}", &base);
    let mut headers = response_head::own(Some(HTML), &request.admitted);
    headers.insert(
        "content-security-policy",
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    respond::response(200, b"", &headers, respond::Body::Bytes(sys::to_js(html.as_bytes())))
}

/// What every address shows while the variables contradict each other: nothing is served half-configured.
pub(crate) fn misconfigured(why: &str) -> Result<web_sys::Response, JsValue> {
    let message = format!("this recorder is not configured: {why}");
    let error = ProtocolError::new(ErrorCode::Internal, message);
    respond::error(&error, Some(&Admitted::nobody()))
}

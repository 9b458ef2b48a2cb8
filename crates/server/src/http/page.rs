//! The page for people, and its icon.

use std::time::{SystemTime, UNIX_EPOCH};

use durablefetch_protocol::access::Admitted as Allowed;
use http::{HeaderValue, Response, header};

use crate::http::respond::{self, Body};

const PAGE: &str = include_str!("page.html");
const ICON: &str = include_str!("icon.svg");

/// `GET /`.
pub(crate) fn page(allowed: &Allowed, base_path: &str) -> Response<Body> {
    // Anything that differs from one visit to the next will do.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let demo = format!("{:06x}", nanos / 1000 % 0x0100_0000);
    let html = PAGE
        .replace("{base}", base_path)
        .replace("{demo}", &demo)
        .replace("{version}", env!("CARGO_PKG_VERSION"));
    let mut response = respond::own(allowed, "text/html; charset=utf-8", html);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

/// `GET /favicon.ico`.
pub(crate) fn icon(allowed: &Allowed) -> Response<Body> {
    respond::own(allowed, "image/svg+xml", ICON)
}

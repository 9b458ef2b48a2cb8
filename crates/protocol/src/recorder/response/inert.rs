//! What crosses a recorder on its way down, and what keeps it inert in the reader's browser.

use http::header::{self, HeaderMap, HeaderValue};

use crate::words::header::{connection_named, is_hop_by_hop};
use crate::words::name;

/// What an upstream may not say to a reader through a recorder.
const NOT_DOWN: &[&str] = &[
    // The body is recorded identity-coded and its length is the recorder's to tell.
    "content-length",
    "content-encoding",
    // A recording is not a cache entry.
    "age",
    "etag",
    "expires",
    "last-modified",
    "cache-control",
    "accept-ranges",
    // These speak for an origin, and the origin in the reader's browser is the recorder's.
    "service-worker-allowed",
    "clear-site-data",
    "strict-transport-security",
    "alt-svc",
    "refresh",
    "nel",
    "report-to",
    "reporting-endpoints",
    "content-security-policy",
    "content-security-policy-report-only",
    "x-accel-buffering",
    "x-accel-redirect",
    "x-content-type-options",
];

/// The upstream's headers as they are kept with a recording: the same for every reader, no `set-cookie`. Values
/// are copied: they are parts of the buffer that the head was read into, which would stay for as long as they do.
#[must_use]
pub fn to_store(headers: &HeaderMap) -> HeaderMap {
    let named = connection_named(headers);
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let drop = is_hop_by_hop(name, &named)
            || NOT_DOWN.contains(&text)
            || text.starts_with(name::PREFIX)
            || text.starts_with("access-control-")
            || name == header::SET_COOKIE;
        if !drop {
            // It was one, so it is one.
            let Ok(mut copied) = HeaderValue::from_bytes(value.as_bytes()) else { continue };
            copied.set_sensitive(value.is_sensitive());
            out.append(name.clone(), copied);
        }
    }
    out
}

/// Adds what every response of a recorder carries, whatever its status.
pub fn add_always(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// Adds what makes content that came from elsewhere inert when a browser navigates to it.
pub fn add_inert(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::words::header::testing::{map, names};

    #[test]
    fn what_is_stored_has_no_cookie_no_cache_and_no_word_for_the_origin() {
        let mut all = map(&[
            ("content-type", "text/event-stream"),
            ("x-request-id", "1"),
            ("set-cookie", "a=b"),
            ("access-control-allow-origin", "*"),
            ("durablefetch-state", "complete"),
            ("transfer-encoding", "chunked"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
        ]);
        for name in NOT_DOWN {
            all.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        assert_eq!(names(&to_store(&all)), ["content-type", "x-request-id"]);
    }
}

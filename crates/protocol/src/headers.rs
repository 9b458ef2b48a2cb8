//! Which headers cross a recorder, in which direction, and what a recorder adds of its own.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::name;

/// Headers that concern one connection only (RFC 9110 §7.6.1), with the old `proxy-connection`.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a recorder decides for itself when it asks an upstream.
const NOT_UPSTREAM: &[&str] = &[
    "host",            // the upstream's own, from its URL
    "content-length",  // of the body as it is sent
    "expect",          // the body was read whole already
    "accept-encoding", // identity, so that offsets mean the same on both ends
    "range",           // a recording is of the whole
    "if-range",
    "if-none-match", // a 304 would be recorded by nobody
    "if-modified-since",
    "forwarded",
    "x-real-ip",
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
];

/// What an upstream may not say to a reader through a recorder.
const NOT_DOWN: &[&str] = &[
    // The body is recorded identity-coded and its length is the recorder's to tell.
    "content-length",
    "content-encoding",
    // A recording is no cache entry.
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

/// Names that the `connection` header adds to the hop-by-hop ones.
fn connection_named(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect()
}

fn is_hop_by_hop(name: &HeaderName, named: &[HeaderName]) -> bool {
    HOP_BY_HOP.contains(&name.as_str()) || named.contains(name)
}

/// Whether cookies may cross: only where the upstream is the recorder's own app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Up and down.
    Pass,
    /// Neither way.
    Drop,
}

/// The headers to send upstream for a request that came with `headers`.
///
/// The recorder's `via` is added by its driver, which knows its pseudonym.
#[must_use]
pub fn to_upstream(headers: &HeaderMap, cookies: Cookies) -> HeaderMap {
    let named = connection_named(headers);
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let drop = is_hop_by_hop(name, &named)
            || NOT_UPSTREAM.contains(&text)
            || text.starts_with(name::PREFIX)
            || text.starts_with("sec-fetch-")
            || text.starts_with("x-forwarded-")
            || (name == header::COOKIE && cookies == Cookies::Drop);
        if !drop {
            out.append(name.clone(), value.clone());
        }
    }
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    out
}

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

/// Codes a reason phrase for `durablefetch-status-text`: percent-encoded UTF-8, which a browser reads back
/// with `decodeURIComponent`. Nothing for an empty phrase.
#[must_use]
pub fn encode_status_text(reason: &[u8]) -> Option<HeaderValue> {
    if reason.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(reason.len());
    for byte in String::from_utf8_lossy(reason).bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::try_from(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn upstream_sees_the_apps_headers_and_none_of_ours() {
        let sent = to_upstream(
            &map(&[
                ("authorization", "Bearer x"),
                ("content-type", "application/json"),
                ("x-api-key", "k"),
                ("cookie", "a=b"),
                ("durablefetch-url", "https://a.example/"),
                ("durablefetch-anything", "x"),
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("te", "trailers"),
                ("host", "localhost"),
                ("range", "bytes=0-"),
                ("sec-fetch-mode", "cors"),
                ("x-forwarded-for", "1.2.3.4"),
                ("accept-encoding", "gzip, br"),
            ]),
            Cookies::Drop,
        );
        assert_eq!(names(&sent), ["accept-encoding", "authorization", "content-type", "x-api-key"]);
        assert_eq!(sent["accept-encoding"], "identity");
    }

    #[test]
    fn cookies_go_up_only_where_they_may() {
        let headers = map(&[("cookie", "a=b")]);
        assert!(to_upstream(&headers, Cookies::Pass).contains_key("cookie"));
        assert!(!to_upstream(&headers, Cookies::Drop).contains_key("cookie"));
    }

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

    #[test]
    fn reason_phrases_survive_as_ascii() {
        assert_eq!(encode_status_text(b"OK").unwrap(), "OK");
        assert_eq!(
            encode_status_text("Tout va bien à 100%".as_bytes()).unwrap(),
            "Tout va bien %C3%A0 100%25"
        );
        assert_eq!(encode_status_text(b""), None);
    }
}

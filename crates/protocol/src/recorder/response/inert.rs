//! What crosses a recorder on its way down, and what keeps it inert in the reader's browser.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::challenge;
use crate::recorder::access::Admitted;
use crate::words::header::{connection_named, is_hop_by_hop};
use crate::words::name;

/// What an upstream may not say to a reader through a recorder, or to a server between the two.
/// `docs/decisions/0008-response-headers.md` says why each.
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
    // Browsers keep these for an origin, and the origin in the reader's browser is the recorder's or the app's.
    "service-worker-allowed",
    "clear-site-data",
    "strict-transport-security",
    "public-key-pins",
    "expect-ct",
    "alt-svc",
    "alt-used",
    "origin-agent-cluster",
    "accept-ch",
    "accept-ch-lifetime",
    "critical-ch",
    "set-login",
    "activate-storage-access",
    // The app's errors and addresses would be reported to the upstream.
    "nel",
    "report-to",
    "reporting-endpoints",
    // Sessions of the upstream's for that origin.
    "set-cookie",
    "set-cookie2",
    // Policies, of which the recorder has its own.
    "timing-allow-origin",
    "content-security-policy",
    "x-content-security-policy",
    "x-webkit-csp",
    "x-content-type-options",
    "cross-origin-opener-policy",
    "cross-origin-embedder-policy",
    // What to load, to keep and to try in the name of the page.
    "refresh",
    "speculation-rules",
    "origin-trial",
    "supports-loading-mode",
    "sourcemap",
    "x-sourcemap",
    "use-as-dictionary",
    "no-vary-search",
    "observe-browsing-topics",
    "shared-storage-write",
    // Caches and servers between recorder and reader obey these.
    "edge-control",
    "cf-edge-cache",
    "x-sendfile",
    "x-lscache",
    // A connection's.
    "http2-settings",
];

/// The same, for all that begins so.
const NOT_DOWN_PREFIXES: &[&str] = &[
    name::PREFIX,
    "access-control-",
    "ad-auction-",
    "attribution-reporting-",
    "cdn-",
    "proxy-",
    "sec-",
    "secure-session-",
    "surrogate-",
    "x-accel-",
    "x-envoy-",
    "x-lighttpd-",
    "x-litespeed-",
    "x-lsadc-",
    "x-middleware-",
    "x-reproxy-",
];

/// The same, for all that ends so.
const NOT_DOWN_SUFFIXES: &[&str] = &["-report-only", "cdn-cache-control", "cache-tag", "cache-tags"];

fn may_go_down(name: &HeaderName) -> bool {
    let name = name.as_str();
    !NOT_DOWN.contains(&name)
        && !NOT_DOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !NOT_DOWN_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// The upstream's headers as they are kept with a recording: the same for every reader, no `set-cookie`. Values
/// are copied: they are parts of the buffer that the head was read into, which would stay for as long as they do.
#[must_use]
pub fn to_store(headers: &HeaderMap) -> HeaderMap {
    let named = connection_named(headers);
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if may_go_down(name) && !is_hop_by_hop(name, &named) {
            // It was one, so it is one.
            let Ok(mut copied) = HeaderValue::from_bytes(value.as_bytes()) else { continue };
            copied.set_sensitive(value.is_sensitive());
            out.append(name.clone(), copied);
        }
    }
    // Nor may `vary: *` pass, which is for caches too: a service worker's `cache.put` throws at it.
    let any = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').any(|part| part.trim_ascii() == b"*")
    };
    if out.get_all(header::VARY).iter().any(any) {
        out.remove(header::VARY);
    }
    challenge::disarm(&mut out);
    out
}

/// Adds what every response of a recorder carries, whatever its status.
pub fn add_always(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// Adds what makes content that came from elsewhere inert when a browser navigates to it.
pub fn add_inert(headers: &mut HeaderMap, admitted: &Admitted) {
    if admitted.navigates {
        // A document's browser loads what it names. To who fetches, it is pages of a list.
        headers.remove(header::LINK);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::header::testing::{map, names};

    #[test]
    fn what_apps_read_passes() {
        for name in [
            "x-request-id",
            "ratelimit",
            "ratelimit-policy",
            "x-ratelimit-remaining-tokens",
            "retry-after",
            "x-total-count",
            "link",
            "location",
            "vary",
            "server-timing",
            "x-vercel-ai-ui-message-stream",
            "x-vercel-id",
            "x-goog-hash",
            "x-ms-request-id",
            "x-amzn-requestid",
            "openai-processing-ms",
            "anthropic-ratelimit-requests-remaining",
            "cf-ray",
            "cf-aig-cache-status",
            "x-cache",
            "cache-status",
            "content-disposition",
            "content-location",
            "x-frame-options",
            "referrer-policy",
            "permissions-policy",
            "deprecation",
            "sunset",
            "section",
            "x-accelerated",
            "secure",
        ] {
            assert_eq!(names(&to_store(&map(&[(name, "x")]))), [name]);
        }
    }

    #[test]
    fn what_varies_on_everything_does_not_say_so() {
        for vary in ["*", " * ", "accept, *", "*,accept"] {
            assert_eq!(to_store(&map(&[("vary", vary)])), HeaderMap::new(), "{vary}");
        }
        assert_eq!(to_store(&map(&[("vary", "accept"), ("vary", "*")])), HeaderMap::new());
        assert_eq!(names(&to_store(&map(&[("vary", "accept, x-*")]))), ["vary"]);
    }

    #[test]
    fn what_is_for_somebody_else_is_dropped_by_its_beginning_or_end() {
        for name in [
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "vercel-cdn-cache-control",
            "netlify-cdn-cache-control",
            "surrogate-control",
            "surrogate-key",
            "cache-tag",
            "netlify-cache-tag",
            "edge-cache-tag",
            "x-vercel-cache-tags",
            "x-accel-expires",
            "x-accel-limit-rate",
            "x-lighttpd-send-file",
            "x-litespeed-location",
            "x-reproxy-url",
            "x-envoy-immediate-health-check-fail",
            "x-middleware-rewrite",
            "sec-session-registration",
            "secure-session-challenge",
            "content-security-policy-report-only",
            "cross-origin-opener-policy-report-only",
            "public-key-pins-report-only",
            "attribution-reporting-register-source",
            "proxy-authenticate",
            "proxy-status",
        ] {
            assert_eq!(to_store(&map(&[(name, "x")])), HeaderMap::new(), "{name}");
        }
    }

    #[test]
    fn what_is_opened_names_nothing_to_load() {
        for navigates in [false, true] {
            let mut headers = map(&[("link", "</x.js>; rel=modulepreload"), ("x-a", "1")]);
            add_inert(&mut headers, &Admitted { navigates, ..Admitted::nobody() });
            assert_eq!((headers.contains_key("link"), headers.contains_key("x-a")), (!navigates, true));
        }
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
}

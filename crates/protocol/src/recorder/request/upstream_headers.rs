//! The headers of a request that go upstream.

use http::header::{self, HeaderMap, HeaderValue};

use super::dropped::DropHeader;
use super::strangers;
use crate::recorder::access::{Cookies, Crossing};
use crate::words::header::{connection_named, is_hop_by_hop, is_of_proxy};
use crate::words::name;

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
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
];

/// The headers to send upstream for a request that came with `headers`, less those that go to no upstream at all.
///
/// The recorder's `via` is added by its driver, which knows its pseudonym.
#[must_use]
pub fn to_upstream(headers: &HeaderMap, crossing: Crossing, dropped: &[DropHeader]) -> HeaderMap {
    let named = connection_named(headers);
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let drop = is_hop_by_hop(name, &named)
            || NOT_UPSTREAM.contains(&text)
            || text.starts_with(name::PREFIX)
            || text.starts_with("sec-fetch-")
            || is_of_proxy(name)
            || (name == header::COOKIE && crossing.cookies == Cookies::Drop)
            || dropped.iter().any(|dropped| dropped.is(name));
        if !drop {
            out.append(name.clone(), value.clone());
        }
    }
    if crossing.is_stranger {
        let app =
            headers.get(name::AUTHORIZATION).is_some_and(|value| value.as_bytes() == name::APP.as_bytes());
        strangers::strip(&mut out, app);
    }
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::header::testing::{map, names};

    const KNOWN: Crossing = Crossing { cookies: Cookies::Drop, is_stranger: false };

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
                ("x_forwarded_for", "1.2.3.4"),
            ]),
            KNOWN,
            &[],
        );
        assert_eq!(names(&sent), ["accept-encoding", "authorization", "content-type", "x-api-key"]);
        assert_eq!(sent["accept-encoding"], "identity");
    }

    #[test]
    fn cookies_go_up_only_where_they_may() {
        let headers = map(&[("cookie", "a=b")]);
        let pass = Crossing { cookies: Cookies::Pass, ..KNOWN };
        assert!(to_upstream(&headers, pass, &[]).contains_key("cookie"));
        assert!(!to_upstream(&headers, KNOWN, &[]).contains_key("cookie"));
    }

    #[test]
    fn a_stranger_is_not_sent_what_is_the_apps_origins() {
        let headers = |said: &[(&'static str, &'static str)]| {
            let all =
                [("authorization", "Basic dTpw"), ("referer", "https://app.example/chat/7"), ("cf-ray", "1")];
            map(&[&all, said].concat())
        };
        let stranger = Crossing { is_stranger: true, ..KNOWN };
        let sent = to_upstream(&headers(&[]), stranger, &[]);
        assert_eq!(names(&sent), ["accept-encoding", "referer"]);
        let app = headers(&[("durablefetch-authorization", "app")]);
        assert_eq!(to_upstream(&app, stranger, &[])["authorization"], "Basic dTpw");
        assert_eq!(names(&to_upstream(&headers(&[]), KNOWN, &[])).len(), 4);
    }

    #[test]
    fn what_the_operator_drops_goes_nowhere() {
        let dropped = ["X_Remote_User", "cookie"].map(|name| DropHeader::parse(name).unwrap());
        let headers =
            map(&[("x-remote-user", "admin"), ("x_remote_user", "admin"), ("cookie", "a=b"), ("x-a", "1")]);
        for is_stranger in [false, true] {
            let sent = to_upstream(&headers, Crossing { cookies: Cookies::Pass, is_stranger }, &dropped);
            assert_eq!(names(&sent), ["accept-encoding", "x-a"]);
        }
    }
}

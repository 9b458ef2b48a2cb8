//! What tells two requests for one key apart.

use http::header::{self, HeaderMap, HeaderName};

use super::headers::LAST_EVENT_ID;
use crate::recorder::access::Cookies;
use crate::words::Fingerprint;

/// In the empty scope nothing else says whose request it is.
const CREDENTIALS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Whose requests a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of one person, by a token or credential.
    Theirs,
    /// Anybody's: the scope is empty.
    Anybodys,
}

impl Whose {
    /// Those of the keys of this scope.
    #[must_use]
    pub const fn of_scope(scope: &str) -> Self {
        if scope.is_empty() { Self::Anybodys } else { Self::Theirs }
    }
}

/// The fingerprint of a request: of its method and body, and, where there are such, of its `last-event-id`, of an
/// `accept` other than `*/*`, and in the empty scope of its credentials and of the cookies that are forwarded.
/// `secret` is the recorder's, so that a stored fingerprint tells nobody the body.
#[must_use]
pub fn of(
    secret: &[u8; 32],
    method: &str,
    headers: &HeaderMap,
    body: &[u8],
    whose: Whose,
    cookies: Cookies,
) -> Fingerprint {
    let mut parts: Vec<(&str, &[u8])> = Vec::new();
    let mut add = |name: &'static str| {
        let values = headers.get_all(HeaderName::from_static(name));
        parts.extend(values.iter().map(|value| (name, value.as_bytes())));
    };
    add(LAST_EVENT_ID);
    let accepts_all = |accept: &http::HeaderValue| accept.as_bytes().trim_ascii() == b"*/*";
    if !headers.get_all(header::ACCEPT).iter().all(accepts_all) {
        add("accept");
    }
    if whose == Whose::Anybodys {
        CREDENTIALS.into_iter().for_each(&mut add);
        if cookies == Cookies::Pass {
            add("cookie");
        }
    }
    Fingerprint::of(secret, method, body).with(secret, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(headers: &[(&'static str, &'static str)], whose: Whose, cookies: Cookies) -> Fingerprint {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        of(&[7; 32], "POST", &map, b"body", whose, cookies)
    }

    #[test]
    fn a_request_without_any_of_these_has_the_fingerprint_of_0_2() {
        let plain = Fingerprint::of(&[7; 32], "POST", b"body");
        for headers in [&[][..], &[("accept", "*/*")], &[("x-other", "1")], &[("accept", " */* ")]] {
            assert_eq!(print(headers, Whose::Anybodys, Cookies::Pass), plain, "{headers:?}");
        }
    }

    #[test]
    fn what_makes_it_another_request() {
        let (any, theirs) = (Whose::Anybodys, Whose::Theirs);
        let plain = print(&[], any, Cookies::Drop);
        for header in [("last-event-id", "1"), ("accept", "text/event-stream"), ("last-event-id", "")] {
            for whose in [any, theirs] {
                assert_ne!(print(&[header], whose, Cookies::Drop), plain, "{header:?} {whose:?}");
            }
        }
        for name in CREDENTIALS {
            let alice = print(&[(name, "alice")], any, Cookies::Drop);
            assert_ne!(alice, plain, "{name}");
            assert_ne!(alice, print(&[(name, "bob")], any, Cookies::Drop), "{name}");
            assert_eq!(print(&[(name, "alice")], theirs, Cookies::Drop), plain, "{name}: the scope tells");
        }
        let cookie = [("cookie", "a=1")];
        assert_ne!(print(&cookie, any, Cookies::Pass), plain);
        assert_eq!(print(&cookie, any, Cookies::Drop), plain, "it is not forwarded");
        assert_eq!(print(&cookie, theirs, Cookies::Pass), plain);
        let swapped = print(&[("x-api-key", "1"), ("api-key", "2")], any, Cookies::Drop);
        assert_ne!(swapped, print(&[("x-api-key", "2"), ("api-key", "1")], any, Cookies::Drop));
    }
}

//! The Origin of a request, and what browsers send in its stead.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::recorder::address::is_loopback_host;
use crate::words::header::{bad, stands_once};
use crate::words::{ErrorCode, ProtocolError, RequestId, name};

/// Proof that a request passed; carries the origin to be echoed in CORS headers, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The allowed value of `origin`.
    pub origin: Option<HeaderValue>,
    /// The page has the origin that its browser asked: it may read every header without being told so.
    pub is_same_origin: bool,
    /// A browser opens what is answered, as a document.
    pub navigates: bool,
    /// The request's id, which its answer repeats.
    pub request: Option<HeaderValue>,
}

impl Admitted {
    /// A request that was let in with these headers and this origin. `own` is the recorder's, where it knows one.
    pub(super) fn new(origin: Option<HeaderValue>, own: Option<&str>, headers: &HeaderMap) -> Self {
        // A browser compares with the URL that it fetches, which a proxy on the way may have rewritten.
        let browser_says = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        let is_own = own.is_some_and(|own| origin.as_ref().is_some_and(|origin| origin == own));
        let is_id = |value: &&HeaderValue| value.to_str().is_ok_and(|text| RequestId::parse(text).is_some());
        Self {
            origin,
            is_same_origin: browser_says || is_own,
            navigates: navigates(headers),
            request: headers.get(name::REQUEST).filter(is_id).cloned(),
        }
    }

    /// Nobody: a request that was not let in.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { origin: None, is_same_origin: false, navigates: false, request: None }
    }
}

/// Whether a browser opens what is answered.
pub(super) fn navigates(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode.as_bytes() == b"navigate")
}

/// An origin as browsers serialise it, so that it can be compared byte for byte.
///
/// # Errors
/// Anything else than an http(s) origin, told in a sentence.
pub fn parse_origin(text: &str) -> Result<String, String> {
    let help = || format!("`{text}` is not an origin: write https://app.example, without a path");
    let url = Url::parse(text).map_err(|_| help())?;
    let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https")
        // Coded or in full width it is one, too.
        || url.host_str().is_none_or(|host| host.contains('*'))
        || !plain
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(help());
    }
    Ok(url.origin().ascii_serialization())
}

/// Refuses a second header of those that say who the client is: this recorder would read the first, and a proxy perhaps
/// the other.
pub(super) fn refuse_twice(headers: &HeaderMap) -> Result<(), ProtocolError> {
    let is_of_the_protocol = |name: &HeaderName| name.as_str().starts_with(name::PREFIX);
    let mut once = headers.keys().filter(|name| stands_once(name) && !is_of_the_protocol(name));
    match once.find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(bad(name.as_str(), "stands twice")),
        None => Ok(()),
    }
}

/// Whether a page of another origin of the same site (`sec-fetch-site: same-site`) may make a browser ask without an
/// Origin, as by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Siblings {
    /// On loopback: all that is there may ask with an Origin, too.
    May,
    /// Under a public origin: `blog.app.example` is not `app.example`, and brings its cookies.
    MayNot,
}

/// The rule of Origin: none, or one that is allowed, which is to be echoed. `remedy` says what allows another one.
pub(super) fn check_origin(
    headers: &HeaderMap,
    siblings: Siblings,
    allows: impl Fn(&str) -> bool,
    remedy: impl Fn(&str) -> String,
) -> Result<Option<HeaderValue>, ProtocolError> {
    refuse_twice(headers)?;
    let Some(value) = headers.get(header::ORIGIN) else {
        refuse_other_sites(headers, siblings)?;
        return Ok(None);
    };
    if value.to_str().is_ok_and(allows) {
        return Ok(Some(value.clone()));
    }
    let shown = value.to_str().unwrap_or("(not ASCII)");
    let message = format!("the origin `{shown}` may not use this recorder: {}", remedy(shown));
    Err(ProtocolError::new(ErrorCode::ForbiddenOrigin, message))
}

/// For a request without an Origin: a navigation, a same-origin GET or no browser at all. What another site's
/// page makes a browser load without one (img, script, no-cors) says so here.
fn refuse_other_sites(headers: &HeaderMap, siblings: Siblings) -> Result<(), ProtocolError> {
    let Some(site) = headers.get("sec-fetch-site") else { return Ok(()) };
    match site.as_bytes() {
        b"same-origin" | b"none" => return Ok(()),
        b"same-site" if siblings == Siblings::May => return Ok(()),
        _ => {}
    }
    let site = site.to_str().unwrap_or("(not ASCII)");
    Err(ProtocolError::new(
        ErrorCode::ForbiddenOrigin,
        format!(
            "a page of another origin asked for this (sec-fetch-site: {site}); fetch it from an allowed origin"
        ),
    ))
}

pub(super) fn refuse_service_worker(headers: &HeaderMap) -> Result<(), ProtocolError> {
    if headers.get("service-worker").is_some_and(|value| value.as_bytes() == b"script") {
        return Err(ErrorCode::ServiceWorker.into());
    }
    Ok(())
}

pub(super) fn is_loopback_origin(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.origin().ascii_serialization() == origin
            && is_loopback_host(url.host())
    })
}

/// What a guard makes of a request with these headers: the origin to be echoed, or the code of the refusal.
#[cfg(test)]
pub(super) fn checked(
    headers: &[(&'static str, &str)],
    check: impl Fn(&HeaderMap) -> Result<Admitted, ProtocolError>,
) -> Result<Option<String>, ErrorCode> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    check(&map)
        .map(|admitted| admitted.origin.map(|origin| origin.to_str().unwrap().to_owned()))
        .map_err(|error| error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_serialised_as_browsers_do() {
        assert_eq!(parse_origin("HTTPS://App.Example:443/").as_deref(), Ok("https://app.example"));
        assert_eq!(parse_origin("http://b.example:81").as_deref(), Ok("http://b.example:81"));
        for bad in ["app.example", "https://app.example/x", "null", "file:///x", "https://u:p@a.example"] {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_decides_who_asks_stands_once() {
        for name in ["origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-to-come", "service-worker"] {
            let refused = checked(&[(name, "same-origin"), (name, "same-origin")], |map| {
                refuse_twice(map).map(|()| Admitted::nobody())
            });
            assert_eq!(refused, Err(ErrorCode::BadRequest), "{name}");
        }
        for name in ["x-a", "accept", "cookie", "durablefetch-mode"] {
            let fine =
                checked(&[(name, "a"), (name, "b")], |map| refuse_twice(map).map(|()| Admitted::nobody()));
            assert_eq!(fine, Ok(None), "{name}");
        }
    }

    #[test]
    fn an_origin_has_neither_path_query_fragment_nor_credentials() {
        for bad in [
            "https://a.example?x",
            "https://a.example#x",
            "https://a.example/?",
            "https://u@a.example",
            "https://:p@a.example",
            "ws://a.example",
            "https://*.example",
            "https://*",
            "https://%2a.example",
            "https://a.%2A.example",
            "https://\u{ff0a}.example",
        ] {
            assert!(parse_origin(bad).unwrap_err().contains(bad), "{bad}");
        }
    }
}

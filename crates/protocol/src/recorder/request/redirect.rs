//! Redirects: what the next hop is and what of the request goes with it (Fetch standard, "HTTP-redirect fetch").

use http::header::{self, HeaderMap};
use http::{Method, StatusCode};

use crate::recorder::address::Upstream;
use crate::words::{ErrorCode, ProtocolError};

/// Where a response redirects to.
///
/// `None` where it is no redirect: another status, or no `location`, which is an answer like any other.
///
/// # Errors
/// [`ErrorCode::UpstreamFailed`] for a `location` that cannot be fetched.
pub fn target(
    from: &Upstream,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Upstream>, ProtocolError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
    let bad = |why: String| {
        ProtocolError::new(
            ErrorCode::UpstreamFailed,
            format!("the upstream redirected to what cannot be fetched: {why}"),
        )
    };
    let location =
        core::str::from_utf8(location.as_bytes()).map_err(|_| bad("its location is not UTF-8".into()))?;
    let url = from.url().join(location).map_err(|error| bad(error.to_string()))?;
    Upstream::parse(url.as_str()).map(Some).map_err(|error| bad(error.message))
}

/// What the next hop is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Its method.
    pub method: Method,
    /// Whether the request's body goes with it.
    pub with_body: bool,
}

/// Turns the request of one hop into that of the next: drops from `headers` what must not go along.
#[must_use]
pub fn follow(
    from: &Upstream,
    to: &Upstream,
    status: StatusCode,
    method: &Method,
    headers: &mut HeaderMap,
) -> Hop {
    if from.url().origin() != to.url().origin() {
        for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
            headers.remove(name);
        }
    }
    let becomes_get = match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::GET && *method != Method::HEAD,
        _ => false,
    };
    if !becomes_get {
        return Hop { method: method.clone(), with_body: true };
    }
    for name in
        [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION]
    {
        headers.remove(name);
    }
    Hop { method: Method::GET, with_body: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn upstream(url: &str) -> Upstream {
        Upstream::parse(url).unwrap()
    }

    fn to(status: u16, location: Option<&'static str>) -> Result<Option<String>, ErrorCode> {
        let mut headers = HeaderMap::new();
        if let Some(location) = location {
            headers.insert("location", HeaderValue::from_static(location));
        }
        let status = StatusCode::from_u16(status).unwrap();
        target(&upstream("https://a.example/x/y?z"), status, &headers)
            .map(|found| found.map(|to| to.url().to_string()))
            .map_err(|error| error.code)
    }

    #[test]
    fn a_location_is_relative_to_where_it_came_from() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(to(status, Some("w#f")), Ok(Some("https://a.example/x/w".into())));
        }
        assert_eq!(to(302, Some("//b.example/")), Ok(Some("https://b.example/".into())));
    }

    #[test]
    fn what_is_no_redirect_is_an_answer() {
        assert_eq!(to(300, Some("/")), Ok(None));
        assert_eq!(to(304, Some("/")), Ok(None));
        assert_eq!(to(200, Some("/")), Ok(None));
        assert_eq!(to(302, None), Ok(None));
    }

    #[test]
    fn a_location_that_cannot_be_fetched_is_the_upstreams_failure() {
        for location in ["ftp://a.example/", "https://u:p@a.example/", "https://", "data:,x"] {
            assert_eq!(to(302, Some(location)), Err(ErrorCode::UpstreamFailed), "{location}");
        }
    }

    fn hop(status: u16, method: Method, to: &str) -> (Hop, Vec<String>) {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "cookie", "content-type", "x-api-key"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        let status = StatusCode::from_u16(status).unwrap();
        let hop = follow(&upstream("https://a.example/"), &upstream(to), status, &method, &mut headers);
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        (hop, names)
    }

    #[test]
    fn method_and_body_follow_the_fetch_standard() {
        let same = "https://a.example/b";
        let kept = |method| Hop { method, with_body: true };
        let get = Hop { method: Method::GET, with_body: false };
        for status in [307, 308] {
            assert_eq!(hop(status, Method::POST, same).0, kept(Method::POST));
        }
        for status in [301, 302] {
            assert_eq!(hop(status, Method::POST, same).0, get);
            assert_eq!(hop(status, Method::PUT, same).0, kept(Method::PUT));
        }
        assert_eq!(
            hop(303, Method::PUT, same),
            (get, vec!["authorization".into(), "cookie".into(), "x-api-key".into()])
        );
        assert_eq!(hop(303, Method::HEAD, same).0, kept(Method::HEAD));
    }

    #[test]
    fn another_origin_sees_no_credentials() {
        for other in ["https://b.example/", "http://a.example/", "https://a.example:8443/"] {
            assert_eq!(hop(307, Method::POST, other).1, ["content-type", "x-api-key"]);
        }
    }
}

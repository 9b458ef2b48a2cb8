//! Redirects: what the next hop is and what of the request goes with it (Fetch standard, "HTTP-redirect fetch").

use http::header::{self, HeaderMap};
use http::{Method, StatusCode};

use super::strangers;
use crate::recorder::access::{Cookies, Crossing};
use crate::recorder::address::{Own, Target, Upstream};
use crate::words::limits::REDIRECTS_MAX;
use crate::words::{ErrorCode, ProtocolError};

/// Where a response redirects to.
///
/// `None` for anything but a redirect: another status, or no `location`, which is an answer like any other.
///
/// # Errors
/// [`ErrorCode::UpstreamFailed`] for a `location` that cannot be fetched.
fn target(
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

/// One request on its way through redirects: what each hop is asked, and whether another origin was on the way.
#[derive(Debug, Clone)]
pub struct Chase {
    at: Upstream,
    method: Method,
    headers: HeaderMap,
    with_body: bool,
    cookies: Cookies,
    hops: usize,
}

impl Chase {
    /// The first hop. `headers` are those that go upstream, `cookies` says whether they cross to this upstream.
    #[must_use]
    pub fn new(to: Upstream, method: Method, headers: HeaderMap, cookies: Cookies) -> Self {
        Self { at: to, method, headers, with_body: true, cookies, hops: 0 }
    }

    /// Whom this hop asks.
    #[must_use]
    pub fn at(&self) -> &Upstream {
        &self.at
    }

    /// With which method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// With which headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the request's body goes with it.
    #[must_use]
    pub const fn sends_body(&self) -> bool {
        self.with_body
    }

    /// Whether this is the hop that was asked for, which no answer has led to.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.hops == 0
    }

    /// Whether `set-cookie` of the answer may go to the client: not if another origin was on the way, which might have
    /// planted it.
    #[must_use]
    pub const fn cookies(&self) -> Cookies {
        self.cookies
    }

    /// Goes on to where this answer redirects. False where it does not: it is the answer then. The driver checks the
    /// next hop as it checked the first, before it asks it. `crossing` says what crosses to an upstream.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] for a `location` that cannot be fetched, [`ErrorCode::LoopDetected`] where it
    /// leads to the recorder, [`ErrorCode::TooManyRedirects`] beyond [`REDIRECTS_MAX`].
    pub fn follow(
        &mut self,
        status: StatusCode,
        answered: &HeaderMap,
        own: &Own,
        crossing: impl FnOnce(&Upstream) -> Crossing,
    ) -> Result<bool, ProtocolError> {
        let Some(to) = target(&self.at, status, answered)? else { return Ok(false) };
        if self.hops == REDIRECTS_MAX {
            return Err(ErrorCode::TooManyRedirects.into());
        }
        // A demo stream of this recorder is never fetched over HTTP.
        let Target::Upstream(to) = own.resolve(to)? else { return Err(ErrorCode::LoopDetected.into()) };
        let elsewhere = to.url().origin() != self.at.url().origin();
        let crossing = crossing(&to);
        if crossing.cookies == Cookies::Drop || elsewhere {
            self.cookies = Cookies::Drop;
        }
        if crossing.is_stranger && elsewhere {
            // What was the app's own on the way to another origin is nobody's here.
            strangers::strip(&mut self.headers, false);
        }
        self.go(to, status, elsewhere);
        Ok(true)
    }

    /// Fetch standard, "HTTP-redirect fetch". `elsewhere`: to another origin.
    fn go(&mut self, to: Upstream, status: StatusCode, elsewhere: bool) {
        if elsewhere {
            for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
                self.headers.remove(name);
            }
        }
        let becomes_get = match status.as_u16() {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            for name in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_LANGUAGE,
                header::CONTENT_LOCATION,
            ] {
                self.headers.remove(name);
            }
            self.method = Method::GET;
            self.with_body = false;
        }
        self.at = to;
        self.hops += 1;
    }
}

/// Says of an upstream that is refused that nobody asked for it.
#[must_use]
pub fn redirected(error: ProtocolError) -> ProtocolError {
    if error.code != ErrorCode::UpstreamNotAllowed {
        return error;
    }
    ProtocolError::new(error.code, format!("the upstream redirected elsewhere, and {}", error.message))
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

    fn hop(status: u16, method: Method, to: &'static str) -> (Method, bool, Vec<String>) {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "cookie", "content-type", "x-api-key"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        let mut chase = Chase::new(upstream("https://a.example/"), method, headers, Cookies::Pass);
        assert!(chase.is_first() && chase.sends_body());
        assert!(answer(&mut chase, status, to).unwrap() && !chase.is_first());
        assert_eq!(chase.at(), &upstream(to));
        let mut names: Vec<_> = chase.headers().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        (chase.method().clone(), chase.sends_body(), names)
    }

    /// Only `a.example` is the recorder's own app.
    fn answer(chase: &mut Chase, status: u16, location: &'static str) -> Result<bool, ErrorCode> {
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
        let own = Own { loopback_port: Some(8787), ..Own::default() };
        let crossing = |to: &Upstream| {
            let is_stranger = to.url().host_str() != Some("a.example");
            Crossing { cookies: if is_stranger { Cookies::Drop } else { Cookies::Pass }, is_stranger }
        };
        let status = StatusCode::from_u16(status).unwrap();
        chase.follow(status, &headers, &own, crossing).map_err(|error| error.code)
    }

    fn chase() -> Chase {
        Chase::new(upstream("https://a.example/"), Method::GET, HeaderMap::new(), Cookies::Pass)
    }

    #[test]
    fn method_and_body_follow_the_fetch_standard() {
        let same = "https://a.example/b";
        for status in [307, 308] {
            assert!(matches!(hop(status, Method::POST, same), (Method::POST, true, _)), "{status}");
        }
        for status in [301, 302] {
            assert!(matches!(hop(status, Method::POST, same), (Method::GET, false, _)), "{status}");
            assert!(matches!(hop(status, Method::PUT, same), (Method::PUT, true, _)), "{status}");
        }
        assert_eq!(
            hop(303, Method::PUT, same),
            (Method::GET, false, vec!["authorization".into(), "cookie".into(), "x-api-key".into()])
        );
        assert!(matches!(hop(303, Method::HEAD, same), (Method::HEAD, true, _)));
    }

    #[test]
    fn another_origin_sees_no_credentials() {
        for other in ["https://b.example/", "http://a.example/", "https://a.example:8443/"] {
            assert_eq!(hop(307, Method::POST, other).2, ["content-type", "x-api-key"]);
        }
    }

    #[test]
    fn cookies_stay_dropped_once_another_origin_was_on_the_way() {
        let mut chase = chase();
        assert!(answer(&mut chase, 302, "https://a.example/x").unwrap());
        assert_eq!(chase.cookies(), Cookies::Pass);
        assert!(answer(&mut chase, 302, "https://b.example/").unwrap());
        assert!(answer(&mut chase, 302, "https://a.example/").unwrap());
        assert_eq!(chase.cookies(), Cookies::Drop, "for good");
    }

    #[test]
    fn cookies_are_dropped_at_another_origin_that_would_have_them() {
        let mut chase = chase();
        assert!(answer(&mut chase, 302, "https://a.example:8443/").unwrap());
        assert_eq!(chase.cookies(), Cookies::Drop);
    }

    #[test]
    fn a_stranger_that_a_redirect_leads_to_is_sent_no_more_than_one_that_was_asked() {
        let headers = || {
            let all = [("referer", "https://a.example/chat/7"), ("cf-ray", "1"), ("x-api-key", "k")];
            crate::words::header::testing::map(&all)
        };
        let mut chase = Chase::new(upstream("https://a.example/"), Method::GET, headers(), Cookies::Pass);
        assert!(answer(&mut chase, 302, "/b").unwrap());
        assert_eq!(chase.headers(), &headers());
        for hop in ["https://b.example/", "https://a.example/"] {
            assert!(answer(&mut chase, 302, hop).unwrap());
            assert_eq!(chase.headers()["referer"], "https://a.example/", "{hop}");
            assert!(
                !chase.headers().contains_key("cf-ray") && chase.headers().contains_key("x-api-key"),
                "{hop}"
            );
        }
    }

    #[test]
    fn five_redirects_are_followed_and_no_more() {
        let mut chase = chase();
        for _ in 0..5 {
            assert!(answer(&mut chase, 307, "/x").unwrap());
        }
        assert_eq!(answer(&mut chase, 307, "/x"), Err(ErrorCode::TooManyRedirects));
        assert_eq!(answer(&mut chase, 200, "/x"), Ok(false), "the sixth answer is one");
    }

    #[test]
    fn a_redirect_to_the_recorder_is_a_loop() {
        for to in ["http://localhost:8787/x", "http://127.0.0.1:8787/demo/y"] {
            assert_eq!(answer(&mut chase(), 302, to), Err(ErrorCode::LoopDetected), "{to}");
        }
    }

    #[test]
    fn what_is_refused_after_a_redirect_says_that_nobody_asked_for_it() {
        for (code, message) in [
            (ErrorCode::UpstreamNotAllowed, "the upstream redirected elsewhere, and why"),
            (ErrorCode::UpstreamFailed, "why"),
        ] {
            assert_eq!(redirected(ProtocolError::new(code, "why")), ProtocolError::new(code, message));
        }
    }
}

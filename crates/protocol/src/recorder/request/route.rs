//! The front door: what a request is for, whose it is, and whether it may be made with its method.

use http::{HeaderMap, Method};

use super::headers::{AskHead, check_for};
use crate::recorder::access::allowance::Scope;
use crate::recorder::access::loads::refuse_subresource;
use crate::recorder::access::scope::Scoping;
use crate::recorder::address::{Continuation, Control, Own, Target, parse_target};
use crate::words::header::single;
use crate::words::{ProtocolError, name};

/// What a recorder is that a request has come to.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Its own address.
    pub own: &'a Own,
    /// Whose recordings are whose.
    pub scoping: &'a Scoping,
    /// Keys the scopes that credentials make.
    pub secret: &'a [u8; 32],
    /// The time, in seconds since 1970.
    pub now_s: u64,
}

/// Who answers a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every request is the large one; a box would cost each an allocation"
)]
pub enum Route {
    /// An upstream or a demo stream, recorded in this scope.
    Fetch {
        /// Which.
        target: Target,
        /// Whose recording it is.
        scope: String,
        /// What is asked of it.
        ask: AskHead,
    },
    /// A control call about recordings of this scope.
    Control {
        /// Which.
        call: Control,
        /// Whose recordings.
        scope: String,
    },
    /// The page for people.
    Page,
    /// Whether the recorder is there.
    Healthz,
    /// Whether it takes starts.
    Readyz,
    /// What it counts.
    Metrics,
    /// `robots.txt`.
    Robots,
    /// `favicon.ico`.
    Icon,
    /// Nobody: the address takes these methods.
    WrongMethod(&'static str),
}

/// What may be fetched. The others are not an upstream's to answer.
const FETCHED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

impl Route {
    /// Reads the head of a request that was let in. `path` is its path and query.
    ///
    /// # Errors
    /// Those of an address, of a token or credential, of `durablefetch-for` and of what is asked
    /// ([`AskHead::parse`]); [`ErrorCode::Subresource`].
    ///
    /// [`ErrorCode::Subresource`]: crate::words::ErrorCode::Subresource
    pub fn read(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        rules: &Rules<'_>,
    ) -> Result<Self, ProtocolError> {
        let url = single(headers, name::URL)?;
        let target = parse_target(path, url, rules.own);
        // Whose it is comes before what it is: an answer about an address is an answer, too.
        let Scope { id: scope, allowance } = match &target {
            Ok(Target::Page | Target::Healthz | Target::Readyz | Target::WellKnown(_)) => Scope::default(),
            _ => rules.scoping.scope(headers, rules.secret, rules.now_s)?,
        };
        let target = target?;
        let takes = |methods: &'static str, route: Self| {
            let fits = methods.split(", ").any(|one| method.as_str() == one);
            if fits { route } else { Self::WrongMethod(methods) }
        };
        Ok(match target {
            Target::Upstream(_) | Target::Demo(_) => {
                if matches!(*method, Method::CONNECT | Method::TRACE) {
                    return Ok(Self::WrongMethod(FETCHED));
                }
                refuse_subresource(headers)?;
                check_for(headers, &target, rules.own)?;
                let ask = match Continuation::read(path, url.is_some(), rules.own) {
                    Some(_) if *method != Method::GET => return Ok(Self::WrongMethod("GET")),
                    Some(continuation) => AskHead::at(continuation, headers)?,
                    None if !Continuation::is_told_by_headers(path, url.is_some(), rules.own) => {
                        AskHead::parse(method, headers)?
                    }
                    None if *method != Method::POST => return Ok(Self::WrongMethod("POST")),
                    None => AskHead::told(headers)?,
                };
                Self::Fetch { target, scope, ask: ask.within(allowance) }
            }
            Target::Control(call) => takes("POST", Self::Control { call, scope }),
            Target::Page => takes("GET, HEAD", Self::Page),
            Target::Healthz => takes("GET, HEAD", Self::Healthz),
            Target::Readyz => takes("GET, HEAD", Self::Readyz),
            Target::Metrics => takes("GET, HEAD", Self::Metrics),
            Target::WellKnown("robots.txt") => takes("GET, HEAD", Self::Robots),
            Target::WellKnown(_) => takes("GET, HEAD", Self::Icon),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::access::token::Secrets;
    use crate::words::ErrorCode;

    fn read(method: Method, path: &str, header: &[(&'static str, &'static str)]) -> Result<Route, ErrorCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in header {
            headers.insert(*name, http::HeaderValue::from_static(value));
        }
        read_in(&Scoping::default(), &method, path, &headers)
    }

    fn read_in(
        scoping: &Scoping,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Route, ErrorCode> {
        let own = Own::default();
        let rules = Rules { own: &own, scoping, secret: &[0; 32], now_s: 1 };
        Route::read(method, path, headers, &rules).map_err(|error| error.code)
    }

    #[test]
    fn each_address_has_its_own_answer_and_its_methods() {
        for (path, route) in [
            ("/", Route::Page),
            ("/healthz", Route::Healthz),
            ("/readyz", Route::Readyz),
            ("/metrics", Route::Metrics),
            ("/robots.txt", Route::Robots),
            ("/favicon.ico", Route::Icon),
        ] {
            assert_eq!(read(Method::GET, path, &[]), Ok(route.clone()), "{path}");
            assert_eq!(read(Method::HEAD, path, &[]), Ok(route), "{path}");
            assert_eq!(read(Method::POST, path, &[]), Ok(Route::WrongMethod("GET, HEAD")), "{path}");
        }
        let stop = Route::Control { call: Control::Stop, scope: String::new() };
        assert_eq!(read(Method::POST, "/stop", &[]), Ok(stop));
        assert_eq!(read(Method::GET, "/stop", &[]), Ok(Route::WrongMethod("POST")));
    }

    #[test]
    fn where_tokens_are_wanted_only_what_tells_nothing_of_anybody_needs_none() {
        let scoping = Scoping::Tokens(Secrets::new(&["0123456789abcdef0123456789abcdef"]).unwrap());
        let get = |path| read_in(&scoping, &Method::GET, path, &HeaderMap::new());
        for path in ["/", "/healthz", "/readyz", "/robots.txt", "/favicon.ico"] {
            assert!(get(path).is_ok(), "{path}");
        }
        // What is not an address is not told to strangers either.
        for path in ["/metrics", "/demo/x", "/a.example/x", "/stop", "/ftp://a.example/"] {
            assert_eq!(get(path), Err(ErrorCode::Unauthorized), "{path}");
        }
        assert_eq!(read(Method::GET, "/ftp://a.example/", &[]), Err(ErrorCode::NotFound));
    }

    #[test]
    fn what_is_fetched_takes_every_method_of_an_upstream() {
        for method in
            [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS]
        {
            let route = read(method.clone(), "/a.example/x", &[]);
            assert!(matches!(route, Ok(Route::Fetch { target: Target::Upstream(_), .. })), "{method}");
        }
        assert!(matches!(
            read(Method::GET, "/demo/x", &[]),
            Ok(Route::Fetch { target: Target::Demo(_), .. })
        ));
        for method in [Method::TRACE, Method::CONNECT] {
            assert_eq!(read(method, "/a.example/x", &[]), Ok(Route::WrongMethod(FETCHED)));
        }
        let script = [("sec-fetch-dest", "script")];
        for path in ["/a.example/x.js", "/demo/x"] {
            assert_eq!(read(Method::GET, path, &script), Err(ErrorCode::Subresource), "{path}");
        }
        assert_eq!(read(Method::GET, "/favicon.ico", &[("sec-fetch-dest", "image")]), Ok(Route::Icon));
        let other = [("durablefetch-for", "https://b.example/")];
        assert_eq!(read(Method::GET, "/a.example/x", &other), Err(ErrorCode::BadRequest));
    }

    #[test]
    fn the_rest_of_a_recording_has_an_address_where_nothing_starts() {
        const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let recording = crate::words::RecordingId::parse(ID).unwrap();
        let path = format!("/continue/{ID}/5/https:/a.example/x");
        let continues =
            |path: &str, header: &[(&'static str, &'static str)]| match read(Method::GET, path, header) {
                Ok(Route::Fetch {
                    ask: AskHead::Continue { recording: found, offset: 5 }, target, ..
                }) => {
                    assert_eq!(found, recording);
                    Ok(target.key("").unwrap().url().to_owned())
                }
                Ok(route) => panic!("{path} {header:?}: {route:?}"),
                Err(code) => Err(code),
            };
        let url = || Ok("https://a.example/x".to_owned());
        for header in [
            &[][..],
            &[("durablefetch-mode", "restart"), ("durablefetch-request", "id")],
            &[("durablefetch-recording", ID), ("durablefetch-offset", "5")],
            &[("durablefetch-url", "https://a.example/x")],
            &[("durablefetch-recording", ID)],
        ] {
            assert_eq!(continues(&path, header), url(), "{header:?}");
        }
        let other = [("durablefetch-url", "https://b.example/")];
        assert_eq!(continues(&path, &other), Ok("https://b.example/".into()), "its path is decoration");
        assert_eq!(continues(&format!("/continue/{ID}/5/demo/d"), &[]), Ok("demo:d".into()));
        assert_eq!(continues(&format!("/df{path}"), &[("durablefetch-url", "https://a.example/x")]), url());
        for (header, code) in [
            (("durablefetch-recording", "01ARZ3NDEKTSV4RRFFQ69G5FAW"), ErrorCode::BadRequest),
            (("durablefetch-offset", "6"), ErrorCode::BadRequest),
            (("durablefetch-for", "https://b.example/"), ErrorCode::BadRequest),
            (("sec-fetch-dest", "script"), ErrorCode::Subresource),
            (("upgrade", "websocket"), ErrorCode::BadRequest),
        ] {
            assert_eq!(continues(&path, &[header]), Err(code), "{header:?}");
        }
        for (path, code) in [
            (format!("/continue/{ID}/x/a.example/"), ErrorCode::BadRequest),
            (format!("/continue/{ID}/-1/a.example/"), ErrorCode::BadRequest),
            (format!("/continue/{ID}//a.example/"), ErrorCode::BadRequest),
            ("/continue/not-an-id/5/a.example/".to_owned(), ErrorCode::Gone),
            (format!("/continue/{ID}/5/ftp://a.example/"), ErrorCode::NotFound),
            (format!("/continue/{ID}/5/stop"), ErrorCode::NotFound),
            (format!("/continue/{ID}/5/continue/{ID}/5/a.example/"), ErrorCode::NotFound),
            (format!("/continue/{ID}/5"), ErrorCode::NotFound),
            (format!("/continue/{ID}"), ErrorCode::NotFound),
            ("/continue/".to_owned(), ErrorCode::NotFound),
            ("/continue".to_owned(), ErrorCode::NotFound),
        ] {
            assert_eq!(continues(&path, &[]), Err(code), "{path}");
        }
        for method in [Method::POST, Method::HEAD, Method::PUT, Method::OPTIONS] {
            assert_eq!(read(method.clone(), &path, &[]), Ok(Route::WrongMethod("GET")), "{method}");
        }
    }

    #[test]
    fn a_rest_told_by_headers_is_a_post_to_one_address() {
        const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let recording = crate::words::RecordingId::parse(ID).unwrap();
        let url = ("durablefetch-url", "https://a.example/x");
        let told = [url, ("durablefetch-recording", ID), ("durablefetch-offset", "5")];
        let restart =
            [&told[..], &[("durablefetch-mode", "restart"), ("durablefetch-request", "id")]].concat();
        for (path, header) in [("/continue", &told[..]), ("/df/continue?x", &told), ("/continue", &restart)] {
            let Ok(Route::Fetch { ask, target, .. }) = read(Method::POST, path, header) else {
                panic!("{path}");
            };
            assert_eq!(ask, AskHead::Continue { recording, offset: 5 }, "{path}");
            assert_eq!(target.key("").unwrap().url(), "https://a.example/x");
        }
        for (header, code) in [
            (&[][..], ErrorCode::NotFound),
            (&told[1..], ErrorCode::NotFound),
            (&told[..1], ErrorCode::BadRequest),
            (&told[..2], ErrorCode::BadRequest),
            (&[told[0], told[2]], ErrorCode::BadRequest),
            (&[url, told[1], ("durablefetch-offset", "-1")], ErrorCode::BadRequest),
            (&[url, ("durablefetch-recording", "not-an-id"), told[2]], ErrorCode::Gone),
        ] {
            assert_eq!(read(Method::POST, "/continue", header), Err(code), "{header:?}");
        }
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(read(method.clone(), "/continue", &told), Ok(Route::WrongMethod("POST")), "{method}");
        }
    }
}

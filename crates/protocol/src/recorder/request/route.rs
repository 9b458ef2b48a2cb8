//! The front door: what a request is for, whose it is, and whether it may be made with its method.

use http::{HeaderMap, Method};

use super::headers::check_for;
use crate::recorder::access::loads::refuse_subresource;
use crate::recorder::access::scope::Scoping;
use crate::recorder::address::{Control, Own, Target, parse_target};
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
pub enum Route {
    /// An upstream or a demo stream, recorded in this scope.
    Fetch {
        /// Which.
        target: Target,
        /// Whose recording it is.
        scope: String,
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
    /// Those of an address, of a token or credential, and of `durablefetch-for`; [`ErrorCode::Subresource`].
    ///
    /// [`ErrorCode::Subresource`]: crate::words::ErrorCode::Subresource
    pub fn read(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        rules: &Rules<'_>,
    ) -> Result<Self, ProtocolError> {
        let target = parse_target(path, single(headers, name::URL)?, rules.own);
        // Whose it is comes before what it is: an answer about an address is an answer, too.
        let scope = match &target {
            Ok(Target::Page | Target::Healthz | Target::WellKnown(_)) => String::new(),
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
                Self::Fetch { target, scope }
            }
            Target::Control(call) => takes("POST", Self::Control { call, scope }),
            Target::Page => takes("GET, HEAD", Self::Page),
            Target::Healthz => takes("GET, HEAD", Self::Healthz),
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
        for path in ["/", "/healthz", "/robots.txt", "/favicon.ico"] {
            assert!(get(path).is_ok(), "{path}");
        }
        // What is no address is not told to strangers either.
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
}

//! Who may ask a recorder on loopback: Host, Origin, Sec-Fetch-Site, in this order.
//!
//! A recorder on loopback is reachable by every page that the user's browser shows. The Host rule keeps out
//! pages that bind a name of theirs to 127.0.0.1; the Origin rules keep out what other sites' pages send.

use http::header::HeaderMap;

use super::host::{hosts, is_loopback_authority};
use super::origin::{Admitted, Siblings, check_origin, is_loopback_origin, refuse_service_worker};
use super::pages::Pages;
use crate::words::header::is_of_proxy;
use crate::words::{ErrorCode, ProtocolError};

/// Who a recorder answers, beyond loopback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Pages that may ask besides loopback ones.
    pub pages: Pages,
}

impl Guard {
    /// Checks one request. `authority` is that of the request target, where it has one (HTTP/2, absolute form).
    ///
    /// # Errors
    /// [`ErrorCode::MisdirectedHost`], [`ErrorCode::ForwardedRequest`], [`ErrorCode::ForbiddenOrigin`] or
    /// [`ErrorCode::ServiceWorker`].
    pub fn check(&self, authority: Option<&str>, headers: &HeaderMap) -> Result<Admitted, ProtocolError> {
        check_host(authority, headers)?;
        check_forwarded(headers)?;
        let remedy = |origin: &str| self.pages.remedy(origin);
        let origin = check_origin(headers, Siblings::May, |origin| self.allows(origin), remedy)?;
        refuse_service_worker(headers)?;
        Ok(Admitted::new(origin, None, headers))
    }

    fn allows(&self, origin: &str) -> bool {
        self.pages.allow(origin) || is_loopback_origin(origin)
    }
}

fn check_host(authority: Option<&str>, headers: &HeaderMap) -> Result<(), ProtocolError> {
    for host in hosts(authority, headers)? {
        if !is_loopback_authority(host) {
            return Err(ProtocolError::new(
                ErrorCode::MisdirectedHost,
                format!("this recorder answers for localhost only, not for the Host `{host}`"),
            ));
        }
    }
    Ok(())
}

fn check_forwarded(headers: &HeaderMap) -> Result<(), ProtocolError> {
    match headers.keys().find(|name| is_of_proxy(name)) {
        None => Ok(()),
        Some(name) => Err(ProtocolError::new(
            ErrorCode::ForwardedRequest,
            format!(
                "the request came through a proxy (header {name}), and this recorder answers loopback only: to \
                 reach it through a proxy, start it with --public-origin"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::origin::checked;
    use super::super::pages::PageOrigin;
    use super::*;

    fn check(headers: &[(&'static str, &str)]) -> Result<Option<String>, ErrorCode> {
        let named = vec![PageOrigin::parse("https://app.example").unwrap()];
        let guard = Guard { pages: Pages { named, ..Pages::default() } };
        checked(headers, |map| guard.check(None, map))
    }

    #[test]
    fn only_loopback_hosts_are_answered() {
        for host in
            ["localhost", "localhost:8787", "a.localhost:1", "127.0.0.1:8787", "127.1.2.3", "[::1]:8787"]
        {
            assert_eq!(check(&[("host", host)]), Ok(None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example:8787", "10.0.0.1", "[::2]", "x@localhost", "", "a b"]
        {
            assert_eq!(check(&[("host", host)]), Err(ErrorCode::MisdirectedHost), "{host}");
        }
        assert_eq!(check(&[]), Err(ErrorCode::MisdirectedHost));
        assert_eq!(check(&[("host", "localhost"), ("host", "localhost")]), Err(ErrorCode::BadRequest));
    }

    #[test]
    fn only_loopback_and_named_origins_are_answered() {
        for origin in
            ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000", "https://app.example"]
        {
            assert_eq!(check(&[("host", "localhost"), ("origin", origin)]), Ok(Some(origin.into())));
        }
        for origin in
            ["null", "https://evil.example", "http://localhost.evil.example", "http://localhost:5173/x", ""]
        {
            let refused = check(&[("host", "localhost"), ("origin", origin)]);
            assert_eq!(refused, Err(ErrorCode::ForbiddenOrigin), "{origin}");
        }
    }

    #[test]
    fn what_other_sites_load_without_an_origin_is_refused() {
        let site = |site| check(&[("host", "localhost"), ("sec-fetch-site", site)]);
        for other in ["cross-site", "Cross-Site", "cross-site;x", "to-come", ""] {
            assert_eq!(site(other), Err(ErrorCode::ForbiddenOrigin), "{other}");
        }
        for ok in ["same-origin", "same-site", "none"] {
            assert_eq!(site(ok), Ok(None));
        }
    }

    #[test]
    fn a_proxy_nobody_told_of_is_refused() {
        for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"] {
            let mut map = HeaderMap::new();
            map.insert("host", "localhost".parse().unwrap());
            map.insert(name, "x".parse().unwrap());
            let error = Guard::default().check(None, &map).unwrap_err();
            assert_eq!(error.code, ErrorCode::ForwardedRequest);
        }
    }

    #[test]
    fn service_worker_scripts_are_refused() {
        assert_eq!(
            check(&[("host", "localhost"), ("service-worker", "script")]),
            Err(ErrorCode::ServiceWorker)
        );
    }

    #[test]
    fn other_headers_of_a_proxy_or_a_service_worker_are_nothing() {
        for (name, value) in [("x-forwarded", "x"), ("service-worker", "x"), ("x-forward-for", "x")] {
            assert_eq!(check(&[("host", "localhost"), (name, value)]), Ok(None), "{name}");
        }
    }

    #[test]
    fn an_origin_is_a_web_origin_on_loopback() {
        for origin in ["ftp://localhost", "ws://localhost", "http://10.0.0.1", "http://[::2]", "file://"] {
            let refused = check(&[("host", "localhost"), ("origin", origin)]);
            assert_eq!(refused, Err(ErrorCode::ForbiddenOrigin), "{origin}");
        }
    }

    #[test]
    fn the_host_of_the_target_counts_like_the_header() {
        let mut headers = HeaderMap::new();
        assert!(Guard::default().check(Some("localhost:1"), &headers).is_ok());
        headers.insert("host", "localhost:1".parse().unwrap());
        let refused = Guard::default().check(Some("evil.example"), &headers).unwrap_err();
        assert_eq!(refused.code, ErrorCode::MisdirectedHost);
    }
}

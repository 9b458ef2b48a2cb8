//! Who may ask a recorder on loopback: Host, Origin, Sec-Fetch-Site, in this order.
//!
//! A recorder on loopback is reachable by every page that the user's browser shows. The Host rule keeps out
//! pages that bind a name of theirs to 127.0.0.1; the Origin rules keep out what other sites' pages send.

use http::header::{self, HeaderMap, HeaderName};

use super::client_address::addresses;
use super::host::{hosts, is_loopback_authority};
use super::origin::{Admitted, Siblings, check_origin, is_loopback_origin, refuse_service_worker};
use super::pages::Pages;
use crate::words::header::{is_of_proxy, list};
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
        Some(_) if is_all_on_this_machine(headers) => Ok(()),
        Some(name) => Err(ProtocolError::new(
            ErrorCode::ForwardedRequest,
            format!(
                "the request came through a proxy (header {name}), and this recorder answers loopback only: to \
                 reach it through a proxy, start it with --public-origin"
            ),
        )),
    }
}

/// Whether a proxy on this machine asks for a page of this machine: a development server that mounts the recorder.
///
/// It says under which host it was asked, and a page that binds a name of its own to this machine has that name there. It
/// says who asked, where it says that; who listens on all interfaces is asked by others, too.
fn is_all_on_this_machine(headers: &HeaderMap) -> bool {
    let is_here = |name: &HeaderName| match name.as_str() {
        "x-forwarded-host" => {
            let mut hosts = list(headers, name.clone());
            hosts.next().is_some_and(is_loopback_authority) && hosts.next().is_none()
        }
        "x-forwarded-for" | "x-real-ip" => addresses(headers, name.clone()).is_some_and(|addresses| {
            addresses.iter().all(|address| address.is_some_and(|address| address.is_loopback()))
        }),
        "x-forwarded-proto" | "x-forwarded-port" => true,
        _ => false,
    };
    let mut of_proxies = headers.keys().filter(|name| is_of_proxy(name));
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    headers.contains_key("x-forwarded-host")
        && of_proxies.all(is_here)
        && origin.is_none_or(is_loopback_origin)
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
    fn a_development_server_of_this_machine_may_mount_the_recorder() {
        let mounted = |more: &[(&'static str, &'static str)]| {
            let host = [("host", "127.0.0.1:8787")];
            check(&[&host[..], more].concat())
        };
        let host = ("x-forwarded-host", "localhost:3000");
        for more in [
            &[host][..],
            // Next.
            &[host, ("x-forwarded-for", "::1"), ("x-forwarded-proto", "http"), ("x-forwarded-port", "3000")],
            &[host, ("x-forwarded-for", "::ffff:127.0.0.1")],
            &[host, ("x-forwarded-for", "127.0.0.1, 127.0.0.1"), ("x-real-ip", "127.0.0.1")],
            &[("x-forwarded-host", "app.localhost")],
            &[("x-forwarded-host", "[::1]:5173")],
        ] {
            assert_eq!(mounted(more), Ok(None), "{more:?}");
            let origin = "http://localhost:3000";
            assert_eq!(mounted(&[more, &[("origin", origin)]].concat()), Ok(Some(origin.into())), "{more:?}");
        }
        for more in [
            // Of a proxy that does not say for which page.
            &[("x-forwarded-for", "127.0.0.1")][..],
            &[("x-forwarded-proto", "http")],
            // DNS rebinding, and a phone in the same network.
            &[("x-forwarded-host", "evil.example:3000"), ("x-forwarded-for", "127.0.0.1")],
            &[("x-forwarded-host", "localhost.evil.example")],
            &[("x-forwarded-host", "localhost#.evil.example")],
            &[("x-forwarded-host", "192.168.1.5:3000"), ("x-forwarded-for", "192.168.1.66")],
            &[("x-forwarded-host", "127.0.0.1.nip.io")],
            // Somebody else at a server that listens on all interfaces.
            &[host, ("x-forwarded-for", "192.168.1.66")],
            &[host, ("x-forwarded-for", "127.0.0.1, 192.168.1.66")],
            &[host, ("x-forwarded-for", "192.168.1.66, 127.0.0.1")],
            &[host, ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.168.1.66")],
            &[host, ("x-forwarded-for", "")],
            &[host, ("x-forwarded-for", "unknown")],
            &[host, ("x-real-ip", "192.168.1.66")],
            // Said twice, or in words that are not known.
            &[host, ("x-forwarded-host", "localhost:3000")],
            &[("x-forwarded-host", "localhost:3000, evil.example")],
            &[("x-forwarded-host", "evil.example, localhost:3000")],
            &[("x-forwarded-host", "")],
            &[host, ("forwarded", "for=127.0.0.1")],
            &[host, ("x-forwarded-client-cert", "x")],
            &[host, ("x_forwarded_for", "127.0.0.1")],
            &[("x_forwarded_host", "localhost:3000")],
            // A page of elsewhere, a named one too.
            &[host, ("origin", "https://app.example")],
            &[host, ("origin", "http://evil.example:3000")],
            &[host, ("origin", "null")],
        ] {
            assert_eq!(mounted(more), Err(ErrorCode::ForwardedRequest), "{more:?}");
        }
        let cross_site = [host, ("sec-fetch-site", "cross-site")];
        assert_eq!(mounted(&cross_site), Err(ErrorCode::ForbiddenOrigin));
        let rebound = [("host", "evil.example"), host];
        assert_eq!(check(&rebound), Err(ErrorCode::MisdirectedHost));
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

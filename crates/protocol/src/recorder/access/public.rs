//! Who may ask a recorder that the internet can reach: Host, Origin, Sec-Fetch-Site, in this order.
//!
//! `docs/decisions/0003-host-behind-rewrites.md` says why a loopback Host may do.

use http::header::HeaderMap;
use url::Url;

use super::host::{hosts, is_loopback_authority};
use super::origin::{Admitted, Siblings, check_origin, refuse_service_worker};
use super::pages::Pages;
use crate::words::{ErrorCode, ProtocolError};

/// What a recorder with a public origin answers. Loopback has no privilege here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicGuard {
    origin: String,
    pages: Pages,
    hosts: Vec<String>,
}

impl PublicGuard {
    /// A guard for the recorder's own origin, as [`parse_origin`](super::parse_origin) returns it, and further pages that
    /// may ask. The recorder answers for the hosts of its own origin only.
    #[must_use]
    pub fn new(public_origin: &str, pages: Pages) -> Self {
        Self { origin: public_origin.to_owned(), pages, hosts: authorities(public_origin) }
    }

    /// The recorder's own origin.
    #[must_use]
    pub fn public_origin(&self) -> &str {
        &self.origin
    }

    /// The authorities that lead to the recorder: `host` and, for a default port, `host:port` too.
    #[must_use]
    pub fn authorities(&self) -> &[String] {
        &self.hosts
    }

    /// Checks one request. `authority` is that of the request target, where it has one.
    ///
    /// # Errors
    /// [`ErrorCode::MisdirectedHost`], [`ErrorCode::ForbiddenOrigin`] or [`ErrorCode::ServiceWorker`].
    pub fn check(&self, authority: Option<&str>, headers: &HeaderMap) -> Result<Admitted, ProtocolError> {
        for host in hosts(authority, headers)? {
            if !self.is_own(host) && !self.is_behind_a_proxy(host, headers) {
                let own = self.hosts.first().map_or("", String::as_str);
                return Err(ProtocolError::new(
                    ErrorCode::MisdirectedHost,
                    format!(
                        "this recorder answers for `{own}`, not for the Host `{host}`: a proxy in front of it has to \
                         pass the Host on (nginx: proxy_set_header Host $host)"
                    ),
                ));
            }
        }
        let allows = |origin: &str| self.origin == origin || self.pages.allow(origin);
        let remedy = |origin: &str| self.pages.remedy(origin);
        let origin = check_origin(headers, Siblings::MayNot, allows, remedy)?;
        refuse_service_worker(headers)?;
        Ok(Admitted::new(origin, Some(self.public_origin()), headers))
    }

    fn is_own(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Rewrites of Next.js put the recorder's own address into Host and the app's into `x-forwarded-host`. A page
    /// that binds a name of its own to this machine cannot do that: its Host is that name, whatever else it sends.
    fn is_behind_a_proxy(&self, host: &str, headers: &HeaderMap) -> bool {
        let mut forwarded = headers.get_all("x-forwarded-host").iter();
        let told = forwarded.next().and_then(|value| value.to_str().ok());
        is_loopback_authority(host)
            && forwarded.next().is_none()
            && told.is_some_and(|told| self.is_own(told))
    }
}

fn authorities(origin: &str) -> Vec<String> {
    let Ok(url) = Url::parse(origin) else { return Vec::new() };
    let Some(host) = url.host_str() else { return Vec::new() };
    match (url.port(), url.port_or_known_default()) {
        (Some(port), _) => vec![format!("{host}:{port}")],
        (None, Some(port)) => vec![host.to_owned(), format!("{host}:{port}")],
        (None, None) => vec![host.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::origin::checked;
    use super::super::pages::PageOrigin;
    use super::*;

    fn check(headers: &[(&'static str, &str)]) -> Result<Option<String>, ErrorCode> {
        let named = vec![PageOrigin::parse("https://app.example").unwrap()];
        let guard = PublicGuard::new("https://df.example", Pages { named, ..Pages::default() });
        checked(headers, |map| guard.check(None, map))
    }

    #[test]
    fn only_the_public_host_is_answered() {
        for host in ["df.example", "DF.example", "df.example:443"] {
            assert_eq!(check(&[("host", host)]), Ok(None), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "app.example", "df.example:80", "df.example.evil.example", ""]
        {
            assert_eq!(check(&[("host", host)]), Err(ErrorCode::MisdirectedHost), "{host}");
        }
        assert_eq!(check(&[]), Err(ErrorCode::MisdirectedHost));
    }

    #[test]
    fn a_proxy_on_this_machine_may_tell_the_public_host() {
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"] {
            assert_eq!(check(&[("host", host), ("x-forwarded-host", "df.example")]), Ok(None), "{host}");
            for other in ["evil.example", "app.example", "df.example, evil.example", ""] {
                let told = [("host", host), ("x-forwarded-host", other)];
                assert_eq!(check(&told), Err(ErrorCode::MisdirectedHost), "{other}");
            }
        }
        let rebound = [("host", "evil.example"), ("x-forwarded-host", "df.example")];
        assert_eq!(check(&rebound), Err(ErrorCode::MisdirectedHost));
        let cross_site =
            [("host", "127.0.0.1"), ("x-forwarded-host", "df.example"), ("sec-fetch-site", "cross-site")];
        assert_eq!(check(&cross_site), Err(ErrorCode::ForbiddenOrigin));
    }

    #[test]
    fn only_named_origins_are_answered_and_loopback_is_none() {
        for origin in ["https://df.example", "https://app.example"] {
            assert_eq!(check(&[("host", "df.example"), ("origin", origin)]), Ok(Some(origin.into())));
        }
        for origin in ["null", "http://localhost", "http://app.example", "https://evil.example"] {
            let refused = check(&[("host", "df.example"), ("origin", origin)]);
            assert_eq!(refused, Err(ErrorCode::ForbiddenOrigin), "{origin}");
        }
    }

    #[test]
    fn cross_site_loads_and_service_workers_are_refused_and_proxies_are_not() {
        let with = |name, value| check(&[("host", "df.example"), (name, value)]);
        for other in ["cross-site", "same-site", "to-come"] {
            assert_eq!(with("sec-fetch-site", other), Err(ErrorCode::ForbiddenOrigin), "{other}");
        }
        assert_eq!(with("sec-fetch-site", "same-origin"), Ok(None));
        assert_eq!(with("sec-fetch-site", "none"), Ok(None));
        assert_eq!(with("service-worker", "script"), Err(ErrorCode::ServiceWorker));
        assert_eq!(with("x-forwarded-for", "1.2.3.4"), Ok(None));
    }

    #[test]
    fn a_guard_knows_its_own_origin_and_the_authorities_that_lead_to_it() {
        for (origin, authorities) in [
            ("https://df.example", &["df.example", "df.example:443"][..]),
            ("http://df.example", &["df.example", "df.example:80"]),
            ("https://df.example:8443", &["df.example:8443"]),
        ] {
            let guard = PublicGuard::new(origin, Pages::default());
            assert_eq!(guard.public_origin(), origin);
            assert_eq!(guard.authorities(), authorities);
        }
    }

    #[test]
    fn two_hosts_told_by_a_proxy_are_none() {
        let told = [
            ("host", "127.0.0.1:8787"),
            ("x-forwarded-host", "df.example"),
            ("x-forwarded-host", "df.example"),
        ];
        assert_eq!(check(&told), Err(ErrorCode::MisdirectedHost));
    }

    #[test]
    fn the_host_of_the_target_counts_like_the_header() {
        let mut headers = HeaderMap::new();
        let guard = PublicGuard::new("https://df.example", Pages::default());
        assert!(guard.check(Some("df.example"), &headers).is_ok());
        headers.insert("host", "df.example".parse().unwrap());
        let refused = guard.check(Some("evil.example"), &headers).unwrap_err();
        assert_eq!(refused.code, ErrorCode::MisdirectedHost);
    }
}

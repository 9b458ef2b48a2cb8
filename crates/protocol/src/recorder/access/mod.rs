//! Who may ask a recorder, by where it can be reached: on loopback, or under a public origin.

pub mod allow;
pub mod allowance;
pub mod client_address;
mod climb;
pub mod cors;
pub mod destination;
mod host;
pub mod hush;
pub mod jwt;
pub(crate) mod loads;
pub mod local;
pub mod map;
mod origin;
mod pages;
pub mod public;
pub mod scope;
pub mod token;

use http::header::HeaderMap;

use self::local::Guard;
use self::map::Map;
use self::public::PublicGuard;
use crate::recorder::address::{Own, Upstream};
use crate::words::ProtocolError;

pub use self::origin::{Admitted, parse_origin};
pub use self::pages::{PageOrigin, Pages, ToldBy};
pub use self::scope::scope_name;

/// The rules for who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The recorder serves its own machine only.
    Local(Guard),
    /// The recorder answers under a public origin. Loopback has no privilege.
    Public(PublicGuard),
}

impl Access {
    /// The rules for a recorder with this public origin, as [`parse_origin`] returns it, or with none, and with further
    /// pages that may ask.
    #[must_use]
    pub fn new(public_origin: Option<&str>, pages: Pages) -> Self {
        match public_origin {
            Some(public) => Self::Public(PublicGuard::new(public, pages)),
            None => Self::Local(Guard { pages }),
        }
    }

    /// Checks one request. `authority` is that of the request target, where it has one.
    ///
    /// # Errors
    /// See [`Guard::check`] and [`PublicGuard::check`].
    pub fn check(&self, authority: Option<&str>, headers: &HeaderMap) -> Result<Admitted, ProtocolError> {
        match self {
            Self::Local(guard) => guard.check(authority, headers),
            Self::Public(guard) => guard.check(authority, headers),
        }
    }

    /// Whether all that is on this machine is the business of who asks.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether cookies may cross between who asks and this upstream: where it is the recorder's own public origin,
    /// or both ends are on loopback.
    #[must_use]
    pub fn cookies(&self, upstream: &Upstream) -> Cookies {
        let pass = match self {
            Self::Local(_) => upstream.is_loopback(),
            Self::Public(guard) => guard.public_origin() == upstream.url().origin().ascii_serialization(),
        };
        if pass { Cookies::Pass } else { Cookies::Drop }
    }

    /// Whether who asks may learn why an upstream could not be connected to. `allow_any`: all of the internet may be
    /// fetched. Where others may ask for anything, it would tell them what is around the recorder: see
    /// [`hush`](hush::hush).
    #[must_use]
    pub fn tells_why(&self, allow_any: bool) -> bool {
        self.is_local() || !allow_any
    }

    /// What crosses between who asks and this upstream. `maps` are the origins that the recorder fetches elsewhere.
    #[must_use]
    pub fn crossing(&self, upstream: &Upstream, maps: &[Map]) -> Crossing {
        let cookies = self.cookies(upstream);
        let is_mapped = || {
            let origin = upstream.url().origin().ascii_serialization();
            maps.iter().any(|map| map.is_of(&origin))
        };
        // Under a public origin, cookies pass to that origin alone.
        Crossing { cookies, is_stranger: !self.is_local() && cookies == Cookies::Drop && !is_mapped() }
    }

    /// What the recorder knows of its own address. `port` is where it listens.
    #[must_use]
    pub fn own(&self, base_path: &str, port: u16, maps: &[Map]) -> Own {
        let base_path = base_path.to_owned();
        match self {
            Self::Local(_) => Own { base_path, loopback_port: Some(port), ..Own::default() },
            Self::Public(guard) => Own {
                base_path,
                loopback_port: Some(port),
                authorities: guard.authorities().to_vec(),
                is_mapped: maps.iter().any(|map| map.is_of(guard.public_origin())),
            },
        }
    }
}

/// Whether cookies may cross: only where the upstream is the recorder's own app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Up and down.
    Pass,
    /// Neither way.
    Drop,
}

/// What crosses between who asks and an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// Whether cookies do.
    pub cookies: Cookies,
    /// Under a public origin: the upstream is neither that origin nor mapped, and nothing reaches it that the browser or
    /// the servers in front add for the app.
    pub is_stranger: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::address::Target;
    use crate::words::ErrorCode;

    fn upstream(url: &str) -> Upstream {
        Upstream::parse(url).unwrap()
    }

    fn named(origin: &str) -> Pages {
        Pages { named: vec![PageOrigin::parse(origin).unwrap()], ..Pages::default() }
    }

    #[test]
    fn cookies_cross_to_the_apps_own_origin_alone() {
        let public = Access::new(Some("https://app.example"), named("https://other.example"));
        for (url, cookies) in [
            ("https://app.example/api", Cookies::Pass),
            ("https://app.example:443/api", Cookies::Pass),
            ("http://app.example/api", Cookies::Drop),
            ("https://app.example:8443/", Cookies::Drop),
            ("https://api.app.example/", Cookies::Drop),
            ("https://other.example/", Cookies::Drop),
            ("http://localhost:3000/", Cookies::Drop),
        ] {
            assert_eq!(public.cookies(&upstream(url)), cookies, "{url}");
        }
        let local = Access::new(None, Pages::default());
        assert_eq!(local.cookies(&upstream("http://localhost:3000/")), Cookies::Pass);
        assert_eq!(local.cookies(&upstream("https://app.example/")), Cookies::Drop);
    }

    #[test]
    fn a_stranger_is_neither_the_public_origin_nor_mapped_and_loopback_knows_none() {
        let public = Access::new(Some("https://app.example"), named("https://admin.example"));
        let maps = [Map::parse("https://api.example=http://10.0.0.7:3000").unwrap()];
        for (url, is_stranger) in [
            ("https://app.example/api", false),
            ("https://api.example/v1", false),
            ("https://admin.example/", true),
            ("http://app.example/", true),
            ("https://app.example:8443/", true),
            ("http://10.0.0.7:3000/", true),
            ("http://localhost:3000/", true),
            ("https://third.example/", true),
        ] {
            let crossing = public.crossing(&upstream(url), &maps);
            assert_eq!(crossing.is_stranger, is_stranger, "{url}");
            assert_eq!(crossing.cookies, public.cookies(&upstream(url)));
            assert!(
                !Access::new(None, Pages::default()).crossing(&upstream(url), &maps).is_stranger,
                "{url}"
            );
        }
    }

    /// What an upstream URL is to a recorder under `https://app.example` at this path.
    fn resolve(base_path: &str, maps: &[&str], url: &str) -> Result<Target, ErrorCode> {
        let maps: Vec<_> = maps.iter().map(|map| Map::parse(map).unwrap()).collect();
        let own = Access::new(Some("https://app.example"), Pages::default()).own(base_path, 8787, &maps);
        own.resolve(upstream(url)).map_err(|error| error.code)
    }

    #[test]
    fn a_mounted_recorder_tells_itself_from_the_app_around_it() {
        let app = "https://app.example/api/chat";
        assert_eq!(resolve("/df", &[], app), Ok(Target::Upstream(upstream(app))));
        assert_eq!(resolve("/df", &[], "https://app.example/df/stop"), Err(ErrorCode::LoopDetected));
        assert_eq!(resolve("/df", &[], "https://app.example/df"), Err(ErrorCode::LoopDetected));
        assert_eq!(resolve("/df", &[], "https://app.example/df/demo/x"), Ok(Target::Demo("x".into())));
        let dfx = "https://app.example/dfx";
        assert_eq!(resolve("/df", &[], dfx), Ok(Target::Upstream(upstream(dfx))));
        // A proxy may have taken the path off: only its own streams are known to be the recorder's.
        assert_eq!(resolve("", &[], app), Ok(Target::Upstream(upstream(app))));
        assert_eq!(resolve("", &[], "https://app.example/demo/x"), Ok(Target::Demo("x".into())));
        let mapped = "https://app.example/demo/x";
        assert_eq!(
            resolve("", &["https://app.example=http://app:3000"], mapped),
            Ok(Target::Upstream(upstream(mapped)))
        );
        assert_eq!(
            resolve("", &["https://app.example=http://app:3000"], app),
            Ok(Target::Upstream(upstream(app)))
        );
        assert_eq!(resolve("", &[], "http://localhost:8787/x"), Err(ErrorCode::LoopDetected));
    }

    #[test]
    fn a_public_recorder_serves_more_than_its_own_machine() {
        assert!(Access::new(None, Pages::default()).is_local());
        for (public_origin, allow_any, tells) in [
            (None, true, true),
            (None, false, true),
            (Some("https://app.example"), false, true),
            (Some("https://app.example"), true, false),
        ] {
            assert_eq!(Access::new(public_origin, Pages::default()).tells_why(allow_any), tells);
        }
        assert!(!Access::new(Some("https://app.example"), Pages::default()).is_local());
    }

    #[test]
    fn a_local_recorder_knows_its_port_and_where_it_is_mounted() {
        let own = Access::new(None, Pages::default()).own("/df", 8787, &[]);
        assert_eq!((own.base_path.as_str(), own.loopback_port), ("/df", Some(8787)));
        assert!(own.authorities.is_empty() && !own.is_mapped);
    }
}

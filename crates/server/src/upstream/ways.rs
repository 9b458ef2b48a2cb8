//! Which upstreams may be fetched, and what bans are lifted for them.

use std::net::SocketAddr;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::address::Upstream;
use durablefetch_protocol::allow::{self, Allow};
use durablefetch_protocol::destination::{Lifted, Sender, check_literal};
use durablefetch_protocol::map::{self, Map};
use url::Url;

use crate::config::Config;

/// An upstream that redirects, and that answered from this address.
pub(crate) fn sender(remote: Option<SocketAddr>) -> Sender {
    Sender::redirecting(remote.is_some_and(|remote| remote.ip().is_loopback()))
}

/// What may be fetched.
#[derive(Debug)]
pub(crate) struct Ways {
    allow: Vec<Allow>,
    allow_any: bool,
    maps: Vec<Map>,
    /// Whether the recorder serves its own machine only.
    is_local: bool,
}

/// How to ask for an upstream URL that may be fetched.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Where to connect: the URL itself, unless it is mapped.
    pub(crate) url: Url,
    pub(crate) is_mapped: bool,
    /// For what its name resolves to.
    pub(crate) lifted: Lifted,
}

impl Ways {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            allow: config.allow.clone(),
            allow_any: config.allow_any,
            maps: config.maps.clone(),
            is_local: config.access().is_local(),
        }
    }

    /// Origins that are fetched elsewhere than where they say.
    pub(crate) fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// Refuses a URL outside of the allowlist, or of an address that is not to be connected to. To be asked for
    /// every URL before it is fetched; what names resolve to is checked when they are resolved.
    pub(crate) fn to(&self, upstream: &Upstream, sender: Sender) -> Result<Way, ProtocolError> {
        if !self.allow_any {
            allow::check(&self.allow, upstream, |origin| format!("start it with --allow {origin}/"))?;
        }
        let mapped = map::find(&self.maps, upstream);
        let named = mapped.is_some() || self.allow.iter().any(|entry| entry.covers(upstream));
        let lifted = Lifted::new(self.is_local, sender, named);
        let is_mapped = mapped.is_some();
        let url = mapped.unwrap_or_else(|| upstream.url().clone());
        let target = Upstream::parse(url.as_str())?;
        check_literal(&target, lifted).map_err(|refused| refused.explain(upstream))?;
        Ok(Way { url, is_mapped, lifted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str) -> Upstream {
        Upstream::parse(url).unwrap()
    }

    #[test]
    fn a_redirect_from_elsewhere_does_not_lead_to_this_machine() {
        let ways = Ways::new(&Config::new("unused"));
        let literal = upstream("http://127.0.0.1:3000/");
        assert!(ways.to(&literal, sender(Some(([127, 0, 0, 1], 80).into()))).is_ok());
        for elsewhere in [Some(([93, 184, 216, 34], 80).into()), None] {
            assert!(ways.to(&literal, sender(elsewhere)).is_err());
        }
        assert!(ways.to(&upstream("http://localhost:3000/"), Sender::Elsewhere).is_err());
        let name = ways.to(&upstream("http://app.example:3000/"), Sender::Elsewhere).unwrap();
        assert!(!name.lifted.own_machine && !name.lifted.named);
    }

    /// Whether a URL may be fetched, where the set-up is this.
    fn is_fine(set_up: impl FnOnce(&mut Config), url: &str) -> bool {
        let mut config = Config::new("unused");
        set_up(&mut config);
        Ways::new(&config).to(&upstream(url), Sender::OwnMachine).is_ok()
    }

    #[test]
    fn an_allow_entry_lifts_the_ban_for_its_urls_alone() {
        for allow_any in [false, true] {
            let fine = |url| {
                let set_up = |config: &mut Config| {
                    config.allow = vec![Allow::parse("http://10.0.0.1:81/v1").unwrap()];
                    config.allow_any = allow_any;
                };
                is_fine(set_up, url)
            };
            assert!(fine("http://10.0.0.1:81/v1/x"));
            for url in [
                "http://10.0.0.1/v1",
                "http://10.0.0.1:81/v2",
                "http://10.0.0.2:81/v1",
                "http://169.254.169.254/",
            ] {
                assert!(!fine(url), "{url}");
            }
            assert_eq!(fine("http://93.184.216.34/"), allow_any);
        }
    }

    #[test]
    fn under_a_public_origin_this_machine_has_no_privilege() {
        let public = |config: &mut Config| {
            config.public_origin = Some("https://app.example".into());
            config.allow_any = true;
        };
        assert!(!is_fine(public, "http://127.0.0.1:3000/"));
        assert!(!is_fine(public, "http://[::1]:3000/"));
        assert!(is_fine(public, "http://93.184.216.34/"));
        let named = |config: &mut Config| {
            public(config);
            config.allow = vec![Allow::parse("http://127.0.0.1:3000/").unwrap()];
        };
        assert!(is_fine(named, "http://127.0.0.1:3000/x") && !is_fine(named, "http://127.0.0.1:3001/x"));
    }

    #[test]
    fn a_mapped_origin_is_connected_to_elsewhere() {
        let mut config = Config::new("unused");
        config.public_origin = Some("https://app.example".into());
        config.allow = vec![Allow::parse("https://app.example/api/").unwrap()];
        config.maps = vec![Map::parse("https://app.example=http://10.0.0.7:3000").unwrap()];
        let ways = Ways::new(&config);
        let way = |url| ways.to(&upstream(url), Sender::OwnMachine).map(|way| way.url.to_string());
        assert_eq!(way("https://app.example/api/x?y").as_deref(), Ok("http://10.0.0.7:3000/api/x?y"));
        // What is not allowed is not had by being mapped, nor by its other name.
        for url in ["https://app.example/admin", "http://10.0.0.7:3000/api/x"] {
            assert!(way(url).is_err(), "{url}");
        }
    }
}

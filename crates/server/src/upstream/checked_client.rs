//! The HTTP clients that connect to upstreams, and only to addresses that were checked.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::address::Upstream;
use durablefetch_protocol::allow::{self, Allow};
use durablefetch_protocol::destination::{Lifted, Refused, Sender, check_literal};
use durablefetch_protocol::map::{self, Map};
use url::Url;

use crate::config::Config;
use crate::resolve::{Lookup, Resolver};

/// An upstream that redirects, and that answered from this address.
pub(crate) fn sender(remote: Option<SocketAddr>) -> Sender {
    Sender::redirecting(remote.is_some_and(|remote| remote.ip().is_loopback()))
}

/// One client for each set of lifted bans, since a client's resolver is not told for which URL it resolves.
#[derive(Debug)]
pub(crate) struct CheckedClients {
    allow: Vec<Allow>,
    allow_any: bool,
    maps: Vec<Map>,
    /// Whether the recorder serves its own machine only.
    is_local: bool,
    clients: [reqwest::Client; 4],
}

/// How to ask for an upstream URL that may be fetched.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Where to connect: the URL itself, unless it is mapped.
    pub(crate) url: Url,
    pub(crate) is_mapped: bool,
    lifted: Lifted,
}

impl CheckedClients {
    pub(crate) fn new(config: &Config) -> reqwest::Result<Self> {
        // Fails where one was installed before, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let all = |roots| {
            let one = |own_machine, named| client(&config.lookup, Lifted { own_machine, named }, roots);
            Ok([one(false, false)?, one(true, false)?, one(false, true)?, one(true, true)?])
        };
        let clients = all(Roots::System).or_else(|error: reqwest::Error| {
            tracing::warn!(
                "https upstreams cannot be verified ({}): install the system's CA certificates",
                causes(&error)
            );
            all(Roots::None)
        })?;
        Ok(Self {
            allow: config.allow.clone(),
            allow_any: config.allow_any,
            maps: config.maps.clone(),
            is_local: config.access().is_local(),
            clients,
        })
    }

    /// Refuses a URL outside of the allowlist, or of an address that is not to be connected to. To be asked for
    /// every URL before it is fetched; what names resolve to is checked when they are resolved.
    pub(crate) fn way(&self, upstream: &Upstream, sender: Sender) -> Result<Way, ProtocolError> {
        if !self.allow_any {
            allow::check(&self.allow, upstream)?;
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

    pub(crate) fn get(&self, way: &Way) -> &reqwest::Client {
        &self.clients[usize::from(way.lifted.own_machine) | usize::from(way.lifted.named) << 1]
    }
}

/// What the certificates of https upstreams are verified by.
#[derive(Debug, Clone, Copy)]
enum Roots {
    /// The system's CA certificates.
    System,
    /// Nothing, where the system has none: every handshake fails, and http upstreams work.
    None,
}

fn client(lookup: &Arc<dyn Lookup>, lifted: Lifted, roots: Roots) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // A request that crosses its server's closing of an idle connection is lost, and a POST may not
        // be sent twice. A start is rare and precious, a handshake is cheap.
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .dns_resolver(Resolver { lookup: Arc::clone(lookup), lifted });
    match roots {
        Roots::System => builder.build(),
        Roots::None => builder.tls_certs_only([]).build(),
    }
}

/// The address that an upstream's name was refused for, where that is why a request failed.
pub(crate) fn refused(error: &reqwest::Error) -> Option<Refused> {
    chain(error).find_map(|error| error.downcast_ref::<Refused>()).copied()
}

/// An error with all that caused it, in one line.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str) -> Upstream {
        Upstream::parse(url).unwrap()
    }

    #[tokio::test]
    async fn a_redirect_from_elsewhere_does_not_lead_to_this_machine() {
        let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let port = canary.local_addr().unwrap().port();
        let clients = CheckedClients::new(&Config::new("unused")).unwrap();

        let literal = upstream(&format!("http://127.0.0.1:{port}/"));
        assert!(clients.way(&literal, sender(Some(([127, 0, 0, 1], 80).into()))).is_ok());
        for elsewhere in [Some(([93, 184, 216, 34], 80).into()), None] {
            assert!(clients.way(&literal, sender(elsewhere)).is_err());
        }

        let named = upstream(&format!("http://localhost:{port}/"));
        let way = clients.way(&named, Sender::Elsewhere).unwrap();
        let error = clients.get(&way).get(way.url.clone()).send().await.unwrap_err();
        assert_eq!(refused(&error).unwrap().kind(), "loopback");
        assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    /// Whether a URL may be fetched, where the set-up is this.
    fn is_fine(set_up: impl FnOnce(&mut Config), url: &str) -> bool {
        let mut config = Config::new("unused");
        set_up(&mut config);
        CheckedClients::new(&config).unwrap().way(&upstream(url), Sender::OwnMachine).is_ok()
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
        let clients = CheckedClients::new(&config).unwrap();
        let way = |url| clients.way(&upstream(url), Sender::OwnMachine).map(|way| way.url.to_string());
        assert_eq!(way("https://app.example/api/x?y").as_deref(), Ok("http://10.0.0.7:3000/api/x?y"));
        // What is not allowed is not had by being mapped, nor by its other name.
        for url in ["https://app.example/admin", "http://10.0.0.7:3000/api/x"] {
            assert!(way(url).is_err(), "{url}");
        }
    }
}

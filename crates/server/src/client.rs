//! The HTTP clients that connect to upstreams, and only to addresses that were checked.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::address::Upstream;
use durablefetch_protocol::allow::{self, Allow};
use durablefetch_protocol::destination::{Lifted, Refused, check_literal};

use crate::config::Config;
use crate::resolve::{Lookup, Resolver};

/// Who sends the recorder to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Who asked the recorder, or an upstream on this machine. The recorder listens on loopback, so that both may
    /// know what else is here.
    OwnMachine,
    /// An upstream elsewhere, by a redirect. What is on this machine is none of its business.
    Elsewhere,
}

impl Sender {
    /// An upstream that answered from this address.
    pub(crate) fn of(remote: Option<SocketAddr>) -> Self {
        if remote.map(|remote| remote.ip()).as_ref().is_some_and(IpAddr::is_loopback) {
            Self::OwnMachine
        } else {
            Self::Elsewhere
        }
    }
}

/// One client for each sender, since a client's resolver is not told for whom it resolves.
#[derive(Debug)]
pub(crate) struct Clients {
    allow: Vec<Allow>,
    own_machine: reqwest::Client,
    elsewhere: reqwest::Client,
}

impl Clients {
    pub(crate) fn new(config: &Config) -> reqwest::Result<Self> {
        // Fails where one was installed before, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let both = |verified: bool| {
            let one = |sender| client(&config.lookup, lifted(&config.allow, sender), verified);
            Ok((one(Sender::OwnMachine)?, one(Sender::Elsewhere)?))
        };
        let (own_machine, elsewhere) = both(true).or_else(|error: reqwest::Error| {
            tracing::warn!(
                "https upstreams cannot be verified ({}): install the system's CA certificates",
                causes(&error)
            );
            both(false)
        })?;
        Ok(Self { allow: config.allow.clone(), own_machine, elsewhere })
    }

    /// Refuses a URL outside of the allowlist, or of an address that is not to be connected to. To be asked for
    /// every URL before it is fetched; what names resolve to is checked when they are resolved.
    pub(crate) fn check(&self, upstream: &Upstream, sender: Sender) -> Result<(), ProtocolError> {
        allow::check(&self.allow, upstream)?;
        check_literal(upstream, lifted(&self.allow, sender)).map_err(|refused| refused.explain(upstream))
    }

    pub(crate) fn get(&self, sender: Sender) -> &reqwest::Client {
        match sender {
            Sender::OwnMachine => &self.own_machine,
            Sender::Elsewhere => &self.elsewhere,
        }
    }
}

fn lifted(allow: &[Allow], sender: Sender) -> Lifted {
    // Whatever is fetched has passed the allowlist, so that with one every host that is resolved was named.
    Lifted { own_machine: sender == Sender::OwnMachine, named: !allow.is_empty() }
}

fn client(lookup: &Arc<dyn Lookup>, lifted: Lifted, verified: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // A request that crosses its server's closing of an idle connection is lost, and a POST may not
        // be sent twice. A start is rare and precious, a handshake is cheap.
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .dns_resolver(Resolver { lookup: Arc::clone(lookup), lifted });
    if verified { builder.build() } else { builder.tls_certs_only([]).build() }
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
        let clients = Clients::new(&Config::new("unused")).unwrap();

        let literal = upstream(&format!("http://127.0.0.1:{port}/"));
        assert!(clients.check(&literal, Sender::of(Some(([127, 0, 0, 1], 80).into()))).is_ok());
        for elsewhere in [Some(([93, 184, 216, 34], 80).into()), None] {
            assert!(clients.check(&literal, Sender::of(elsewhere)).is_err());
        }

        let named = upstream(&format!("http://localhost:{port}/"));
        let error = clients.get(Sender::Elsewhere).get(named.url().clone()).send().await.unwrap_err();
        assert_eq!(refused(&error).unwrap().kind(), "loopback");
        assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_allow_entry_lifts_the_ban_for_its_host_alone() {
        let mut config = Config::new("unused");
        config.allow = vec![Allow::parse("http://10.0.0.1:81/").unwrap()];
        let clients = Clients::new(&config).unwrap();
        for (url, sender, fine) in [
            ("http://10.0.0.1:81/x", Sender::OwnMachine, true),
            ("http://10.0.0.1:81/x", Sender::Elsewhere, true),
            ("http://10.0.0.1/x", Sender::OwnMachine, false),
            ("http://10.0.0.2:81/x", Sender::OwnMachine, false),
        ] {
            assert_eq!(clients.check(&upstream(url), sender).is_ok(), fine, "{url}");
        }
    }
}

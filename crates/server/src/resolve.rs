//! Names of upstreams to addresses, each checked before anything connects to it.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use durablefetch_protocol::address::is_localhost_name;
use durablefetch_protocol::destination::{Lifted, check_all};
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// The addresses of a name, as they are looked up.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks up names. What it answers is checked, so it need not be trusted.
pub trait Lookup: Debug + Send + Sync {
    /// All addresses of a name. Asked once for each request to an upstream, redirects included.
    fn lookup(&self, name: &str) -> Looking;
}

/// Asks the system.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> Looking {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// What an HTTP client asks: it gets addresses that were checked, or none. Since it connects to what it gets
/// here, no later answer of a name server comes between check and connection.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) lifted: Lifted,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { lookup, lifted } = self.clone();
        Box::pin(async move {
            // RFC 6761 gives `localhost` and what is below it to loopback, and not every system's resolver does.
            let found = if is_localhost_name(name.as_str()) {
                vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
            } else {
                lookup.lookup(name.as_str()).await?
            };
            check_all(found.iter().copied(), lifted)?;
            let addresses: Vec<_> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Always(&'static str);

    impl Lookup for Always {
        fn lookup(&self, _name: &str) -> Looking {
            let addresses = self.0.split(' ').map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(addresses) })
        }
    }

    async fn resolve(name: &str, answer: &'static str, lifted: Lifted) -> Result<Vec<String>, String> {
        let mut resolver = Resolver { lookup: Arc::new(Always(answer)), lifted };
        let found = resolver.call(name.parse().unwrap()).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn an_answer_is_given_whole_or_not_at_all() {
        let nothing = Lifted::default();
        let named = Lifted { named: true, ..nothing };
        assert_eq!(resolve("a.example", "1.1.1.1 8.8.8.8", nothing).await.unwrap(), ["1.1.1.1", "8.8.8.8"]);
        for answer in ["10.0.0.1", "1.1.1.1 10.0.0.1", "127.0.0.1", "1.1.1.1 ::1"] {
            assert!(resolve("a.example", answer, nothing).await.unwrap_err().contains("address"), "{answer}");
            assert!(resolve("a.example", answer, named).await.is_ok(), "{answer}");
        }
        for answer in ["169.254.169.254", "1.1.1.1 0.0.0.0", "fe80::1", "fd00:ec2::254"] {
            assert!(resolve("a.example", answer, named).await.is_err(), "{answer}");
        }
    }

    #[tokio::test]
    async fn localhost_is_loopback_whatever_name_servers_say() {
        let own = Lifted { own_machine: true, named: false };
        for name in ["localhost", "app.localhost", "localhost."] {
            assert_eq!(resolve(name, "10.0.0.1", own).await.unwrap(), ["::1", "127.0.0.1"], "{name}");
            assert!(resolve(name, "1.1.1.1", Lifted::default()).await.is_err(), "{name}");
        }
    }
}

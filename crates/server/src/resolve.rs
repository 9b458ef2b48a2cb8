//! Names of upstreams to addresses.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use durablefetch_protocol::address::is_localhost_name;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the system, but for `localhost` and what is below it: RFC 6761 gives those to loopback, and not every
/// system's resolver does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_localhost_name(name.as_str()) {
                let both =
                    [SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
                return Ok(Box::new(both.into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

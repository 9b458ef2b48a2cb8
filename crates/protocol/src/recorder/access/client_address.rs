//! Where a request comes from, behind proxies: one address, for an app that limits or logs by it.
//!
//! Each proxy on the way adds the address that *it* saw to `x-forwarded-for`. So the list is read from its end, for as long
//! as the address that was seen is that of a proxy which is trusted; what stands further left anybody may have written.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::words::header::list;

const FOR: &str = "x-forwarded-for";

/// An address, or a network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Reads `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
    ///
    /// # Errors
    /// A sentence with the form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        address.or_else(|_| text.parse::<IpNet>()).map(Self).map_err(|_| {
            format!("`{text}` is not an address and not a network: write 10.0.0.7, 10.0.0.0/8 or fd00::/8")
        })
    }
}

/// The proxies whose word counts for whom they ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl Default for TrustedProxies {
    /// Those of this machine.
    fn default() -> Self {
        let v4 = IpNet::new_assert(Ipv4Addr::LOCALHOST.into(), 8);
        Self([v4, IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST))].map(Network).to_vec())
    }
}

impl TrustedProxies {
    /// Those of these addresses and networks alone.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|Network(network)| network.contains(&address))
    }

    /// The address from which a request comes that somebody at `peer` sent with these headers.
    ///
    /// It is the last one that a trusted proxy saw. `forwarded` (RFC 7239) counts where there is no `x-forwarded-for`.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let seen = if headers.contains_key(FOR) {
            addresses(headers, HeaderName::from_static(FOR)).unwrap_or_default()
        } else {
            forwarded(headers)
        };
        for seen in seen.into_iter().rev() {
            if !self.trust(client) {
                break;
            }
            match seen {
                Some(address) => client = address,
                // A trusted proxy says nothing that can be read. What stands before it is not its word.
                None => break,
            }
        }
        client
    }
}

/// The addresses that a header lists; `None` for what is not one. No list where some of it is not text: that has a place in
/// it all the same.
pub(super) fn addresses(headers: &HeaderMap, name: HeaderName) -> Option<Vec<Option<IpAddr>>> {
    let is_text = headers.get_all(&name).iter().all(|value| value.to_str().is_ok());
    is_text.then(|| list(headers, name).map(address).collect())
}

/// An address as proxies write it: bare, with a port, in brackets, in quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse::<IpAddr>().ok().or_else(bracketed);
    address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

/// What each proxy saw by `forwarded`; `None` for one that says nothing of it that is an address.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let of_a_hop = |hop: &str| {
        let mut pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).and_then(|(_, value)| address(value))
    };
    list(headers, http::header::FORWARDED).map(of_a_hop).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::header::testing::map;

    fn trusting(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|text| Network::parse(text).unwrap()).collect())
    }

    fn client(trusted: &TrustedProxies, peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        trusted.client(peer.parse().unwrap(), &map(headers)).to_string()
    }

    #[test]
    fn the_last_address_that_a_trusted_proxy_saw_counts() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"]);
        for (peer, said, address) in [
            // Nobody says anything.
            ("127.0.0.1", None, "127.0.0.1"),
            ("203.0.113.7", None, "203.0.113.7"),
            // One proxy, several, and one that adds a line of its own.
            ("127.0.0.1", Some("203.0.113.7"), "203.0.113.7"),
            ("127.0.0.1", Some("203.0.113.7, 10.0.0.5"), "203.0.113.7"),
            ("127.0.0.1", Some("203.0.113.7,10.0.0.5,fd00::1"), "203.0.113.7"),
            // What the client wrote itself stands before it.
            ("127.0.0.1", Some("6.6.6.6, 203.0.113.7"), "203.0.113.7"),
            ("127.0.0.1", Some("127.0.0.1, 10.0.0.5, 203.0.113.7"), "203.0.113.7"),
            ("127.0.0.1", Some("6.6.6.6, 203.0.113.7, 10.0.0.5"), "203.0.113.7"),
            // From somebody who is not trusted, all of it is.
            ("203.0.113.7", Some("6.6.6.6"), "203.0.113.7"),
            ("203.0.113.7", Some("6.6.6.6, 10.0.0.5"), "203.0.113.7"),
            // All are trusted: the first.
            ("127.0.0.1", Some("10.1.1.1, 10.0.0.5"), "10.1.1.1"),
            // IPv6 and ports, as proxies write them.
            ("::1", Some("2001:db8::7"), "::1"),
            ("127.0.0.1", Some("2001:db8::7"), "2001:db8::7"),
            ("127.0.0.1", Some("[2001:db8::7]"), "2001:db8::7"),
            ("127.0.0.1", Some("[2001:db8::7]:4711"), "2001:db8::7"),
            ("127.0.0.1", Some("\"[2001:db8::7]:4711\""), "2001:db8::7"),
            ("127.0.0.1", Some("203.0.113.7:4711"), "203.0.113.7"),
            ("127.0.0.1", Some("::ffff:203.0.113.7"), "203.0.113.7"),
            ("::ffff:127.0.0.1", Some("203.0.113.7"), "203.0.113.7"),
            ("127.0.0.1", Some("203.0.113.7, ::ffff:10.0.0.5"), "203.0.113.7"),
            // What says nothing ends the list.
            ("127.0.0.1", Some(""), "127.0.0.1"),
            ("127.0.0.1", Some("unix:"), "127.0.0.1"),
            ("127.0.0.1", Some("unknown"), "127.0.0.1"),
            ("127.0.0.1", Some("6.6.6.6, unknown"), "127.0.0.1"),
            ("127.0.0.1", Some("6.6.6.6, unknown, 10.0.0.5"), "10.0.0.5"),
            ("127.0.0.1", Some("6.6.6.6,"), "127.0.0.1"),
            ("127.0.0.1", Some("6.6.6.6, 300.1.1.1"), "127.0.0.1"),
            ("127.0.0.1", Some("6.6.6.6, fe80::1%eth0"), "127.0.0.1"),
            ("127.0.0.1", Some("6.6.6.6 203.0.113.7"), "127.0.0.1"),
            ("127.0.0.1", Some("0x7f.1"), "127.0.0.1"),
            ("127.0.0.1", Some("evil.example"), "127.0.0.1"),
        ] {
            let headers: Vec<_> = said.iter().map(|said| (FOR, *said)).collect();
            assert_eq!(client(&trusted, peer, &headers), address, "{peer} {said:?}");
        }
        let two_lines = [(FOR, "6.6.6.6, 203.0.113.7"), (FOR, "10.0.0.5")];
        assert_eq!(client(&trusted, "127.0.0.1", &two_lines), "203.0.113.7");
        let mut not_text = map(&[(FOR, "6.6.6.6")]);
        not_text.append(FOR, http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(trusted.client("127.0.0.1".parse().unwrap(), &not_text).to_string(), "127.0.0.1");
    }

    #[test]
    fn forwarded_counts_where_nothing_else_does() {
        let trusted = TrustedProxies::default();
        for (said, address) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"),
            ("proto=https;for=203.0.113.7;by=10.0.0.1", "203.0.113.7"),
            ("for=6.6.6.6, for=203.0.113.7", "203.0.113.7"),
            ("for=6.6.6.6, for=_hidden", "127.0.0.1"),
            ("for=6.6.6.6, for=unknown", "127.0.0.1"),
            ("for=6.6.6.6, proto=https", "127.0.0.1"),
            ("203.0.113.7", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(client(&trusted, "127.0.0.1", &[("forwarded", said)]), address, "{said}");
        }
        // A front that writes one of the two passes what a client wrote into the other.
        let both = [("forwarded", "for=6.6.6.6"), (FOR, "203.0.113.7")];
        assert_eq!(client(&trusted, "127.0.0.1", &both), "203.0.113.7");
    }

    #[test]
    fn nothing_else_says_where_a_client_is() {
        for name in ["x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip", "x_forwarded_for"] {
            let said = client(&TrustedProxies::default(), "127.0.0.1", &[(name, "6.6.6.6")]);
            assert_eq!(said, "127.0.0.1", "{name}");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let trusted = trusting(&["10.0.0.7", " 192.168.0.0/16 ", "fd00::/8", "::ffff:198.51.100.1"]);
        for (address, is) in [
            ("10.0.0.7", true),
            ("10.0.0.8", false),
            ("192.168.9.9", true),
            ("fd12::1", true),
            ("fe80::1", false),
            ("198.51.100.1", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(trusted.trust(address.parse().unwrap()), is, "{address}");
        }
        for address in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(TrustedProxies::default().trust(address.parse().unwrap()), "{address}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0", "proxy.internal", "10.0.0.7:80", "*", "10.0.0.7/"] {
            assert!(Network::parse(bad).unwrap_err().contains("write 10.0.0.7"), "{bad}");
        }
    }
}

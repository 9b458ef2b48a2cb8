//! Which addresses a recorder may connect to: the guard against server-side request forgery.
//!
//! Names are resolved once, every address is checked, and the connection goes to a checked address; URLs
//! with literal addresses are checked the same way. The special ranges are those of the IANA special-purpose
//! address registries (RFC 6890) and the metadata services of the large clouds.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use crate::recorder::address::{Upstream, is_localhost_name};
use crate::words::{ErrorCode, ProtocolError};

/// What an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The internet.
    Public,
    /// This machine.
    Loopback,
    /// A network of somebody's own: private, carrier-grade NAT, unique local.
    Private,
    /// Nothing that a recorder has business with: link-local, metadata services, multicast, reserved ranges
    /// and forms that hide another address.
    Forbidden,
}

/// What lifts the ban on an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifted {
    /// The recorder serves its own machine only: it listens on loopback and has no public origin.
    pub own_machine: bool,
    /// The operator named this very host in an allow entry or mapped it.
    pub named: bool,
}

/// Who sends the recorder to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The client of the recorder, or an upstream on this machine. A recorder that serves its own machine only may tell
    /// both what else is here.
    OwnMachine,
    /// An upstream elsewhere, by a redirect. What is on this machine is none of its business.
    Elsewhere,
}

impl Sender {
    /// An upstream that redirects. `is_here`: it is on this machine.
    #[must_use]
    pub const fn redirecting(is_here: bool) -> Self {
        if is_here { Self::OwnMachine } else { Self::Elsewhere }
    }
}

impl Lifted {
    /// For a recorder that serves its own machine only (`is_local`) or not. `named`: the operator named the host.
    #[must_use]
    pub fn new(is_local: bool, sender: Sender, named: bool) -> Self {
        Self { own_machine: is_local && sender == Sender::OwnMachine, named }
    }
}

/// Metadata services whose addresses lie in ranges that are public, or private and so could be named.
const METADATA: [IpAddr; 6] = [
    // Alibaba Cloud, Azure.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Google Cloud, Oracle Cloud, Scaleway, Linode.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1)),
];

fn is_metadata(address: IpAddr) -> bool {
    // Amazon keeps fd00:ec2::/32 for what serves its machines: instance metadata (::254), the credentials of pods (::23),
    // time, names.
    let is_of_amazon = matches!(address, IpAddr::V6(v6) if v6.segments()[..2] == [0xfd00, 0xec2]);
    is_of_amazon || METADATA.contains(&address)
}

impl Destination {
    /// What this address leads to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if is_metadata(address) {
            return Self::Forbidden;
        }
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            [0, ..]                     // "this network"; Linux connects 0.0.0.0 to loopback
            | [169, 254, ..]            // link-local, most metadata services
            | [192, 0, 0, _]            // IETF protocol assignments, one metadata service
            | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] // documentation
            | [192, 88, 99, _]          // 6to4 relays
            | [198, 18..=19, ..]        // benchmarking
            | [224..=255, ..] => Self::Forbidden, // multicast, reserved, broadcast
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address.is_loopback() {
            return Self::Loopback;
        }
        match address.segments() {
            // NAT64 (RFC 6052) is how a host without IPv4 reaches all of it: what counts is the address within.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                match Self::of(IpAddr::V4(Ipv4Addr::new(a, b, c, d))) {
                    Self::Public => Self::Public,
                    Self::Loopback | Self::Private | Self::Forbidden => Self::Forbidden,
                }
            }
            [0xfc00..=0xfdff, ..] => Self::Private,
            // Global unicast, less what is carved out of it: Teredo and other assignments (2001::/23),
            // documentation (2001:db8::/32, 3fff::/20), 6to4 (2002::/16).
            [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => {
                Self::Forbidden
            }
            [0x2000..=0x3fff, ..] => Self::Public,
            // Unspecified, mapped and compatible IPv4, local NAT64, discard, link-local, site-local, multicast.
            _ => Self::Forbidden,
        }
    }

    /// Whether a recorder may connect there.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamNotAllowed`].
    pub fn check(self, lifted: Lifted) -> Result<(), ErrorCode> {
        let allowed = match self {
            Self::Public => true,
            Self::Loopback => lifted.own_machine || lifted.named,
            Self::Private => lifted.named,
            Self::Forbidden => false,
        };
        if allowed { Ok(()) } else { Err(ErrorCode::UpstreamNotAllowed) }
    }
}

/// An address that a recorder may not connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(IpAddr);

/// Checks every address of a host: one that may not be connected to refuses them all, since the server that answers
/// for a name with one such address did not mean well or did not mean us.
///
/// # Errors
/// The first address that is refused.
pub fn check_all(addresses: impl IntoIterator<Item = IpAddr>, lifted: Lifted) -> Result<(), Refused> {
    addresses
        .into_iter()
        .try_for_each(|address| Destination::of(address).check(lifted).map_err(|_| Refused(address)))
}

/// Checks the host of a URL that is an address already, or a name of this machine. Other names pass: what they resolve to
/// is to be checked with [`check_all`].
///
/// # Errors
/// The address.
pub fn check_literal(upstream: &Upstream, lifted: Lifted) -> Result<(), Refused> {
    match upstream.url().host() {
        Some(Host::Ipv4(address)) => check_all([address.into()], lifted),
        Some(Host::Ipv6(address)) => check_all([address.into()], lifted),
        Some(Host::Domain(name)) if is_localhost_name(name) => {
            check_all([Ipv4Addr::LOCALHOST.into()], lifted)
        }
        Some(Host::Domain(_)) | None => Ok(()),
    }
}

impl Refused {
    /// What kind of address it is, as an adjective.
    #[must_use]
    pub fn kind(self) -> &'static str {
        if is_metadata(self.0) {
            return "metadata service";
        }
        match (self.0, Destination::of(self.0)) {
            (_, Destination::Public) => "public",
            (_, Destination::Loopback) => "loopback",
            (IpAddr::V4(v4), Destination::Private) if v4.octets()[0] == 100 => "carrier-grade NAT",
            (IpAddr::V4(_), Destination::Private) => "private",
            (IpAddr::V6(_), Destination::Private) => "unique local",
            (IpAddr::V4(v4), Destination::Forbidden) => match v4.octets() {
                [0, ..] => "unspecified",
                [169, 254, ..] => "link-local",
                [224..=239, ..] => "multicast",
                _ => "reserved",
            },
            (IpAddr::V6(v6), Destination::Forbidden) => match v6.segments() {
                [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
                [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, ..] | [0x2002, ..] => "IPv4-in-IPv6",
                [0xfe80..=0xfebf, ..] => "link-local",
                [0xff00..=0xffff, ..] => "multicast",
                _ => "reserved",
            },
        }
    }

    /// The error for who asked for this upstream. It tells the kind of the address, not the address: who asks
    /// need not learn what a name is inside.
    #[must_use]
    pub fn explain(self, upstream: &Upstream) -> ProtocolError {
        let host = upstream.url().host_str().unwrap_or_default();
        let remedy = match Destination::of(self.0) {
            Destination::Forbidden => {
                "where a recorder never connects; --allow does not lift that".to_owned()
            }
            _ => {
                let origin = upstream.url().origin().ascii_serialization();
                format!(
                    "where this recorder does not connect unless the host is named: start it with --allow \
                     {origin}/, and with --allow for each other upstream"
                )
            }
        };
        let message = format!("the host `{host}` has a {} address, {remedy}", self.kind());
        ProtocolError::new(ErrorCode::UpstreamNotAllowed, message)
    }
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the name has a {} address", self.kind())
    }
}

impl core::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Destination {
        Destination::of(text.parse().unwrap())
    }

    #[test]
    fn the_internet_is_public() {
        for text in
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1"]
        {
            assert_eq!(of(text), Destination::Public, "{text}");
        }
        for text in ["2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "64:ff9b::101:101"] {
            assert_eq!(of(text), Destination::Public, "{text}");
        }
    }

    #[test]
    fn this_machine_is_loopback() {
        for text in ["127.0.0.1", "127.255.255.254", "::1"] {
            assert_eq!(of(text), Destination::Loopback, "{text}");
        }
    }

    #[test]
    fn somebodys_own_network_is_private() {
        for text in
            ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "fc00::1"]
        {
            assert_eq!(of(text), Destination::Private, "{text}");
        }
    }

    #[test]
    fn all_else_is_forbidden() {
        let v4 = [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let v6 = [
            "::",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd00:ec2::123",
            "fd00:ec2:0:1::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "fd00:a9fe:a9fe::1",
            "4000::1",
        ];
        for text in v4.into_iter().chain(v6) {
            assert_eq!(of(text), Destination::Forbidden, "{text}");
        }
    }

    #[test]
    fn a_name_lifts_the_ban_on_private_and_nothing_lifts_forbidden() {
        let nothing = Lifted::default();
        let own = Lifted { own_machine: true, named: false };
        let named = Lifted { own_machine: false, named: true };
        let allowed =
            |destination: Destination| [nothing, own, named].map(|lifted| destination.check(lifted).is_ok());
        assert_eq!(allowed(Destination::Public), [true, true, true]);
        assert_eq!(allowed(Destination::Loopback), [false, true, true]);
        assert_eq!(allowed(Destination::Private), [false, false, true]);
        assert_eq!(allowed(Destination::Forbidden), [false, false, false]);
    }

    #[test]
    fn one_address_that_is_refused_refuses_the_name() {
        let own = Lifted { own_machine: true, named: false };
        let all = |texts: &[&str]| check_all(texts.iter().map(|text| text.parse().unwrap()), own);
        assert_eq!(all(&["1.1.1.1", "127.0.0.1"]), Ok(()));
        assert_eq!(all(&["1.1.1.1", "10.0.0.1"]).unwrap_err().kind(), "private");
        assert_eq!(all(&["fe80::1", "1.1.1.1"]).unwrap_err().kind(), "link-local");
    }

    #[test]
    fn every_spelling_of_loopback_is_loopback_to_a_recorder_for_others() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
            "[::0.0.0.1]",
        ] {
            let upstream = Upstream::parse(&format!("http://{host}:8080/")).unwrap();
            let refused = check_literal(&upstream, Lifted::default()).expect_err(host);
            assert_eq!(refused.kind(), "loopback", "{host}");
        }
        for here in ["localhost", "LOCALHOST.", "app.localhost"] {
            let upstream = Upstream::parse(&format!("http://{here}:8080/")).unwrap();
            assert_eq!(check_literal(&upstream, Lifted::default()).unwrap_err().kind(), "loopback", "{here}");
            assert_eq!(check_literal(&upstream, Lifted { own_machine: true, named: false }), Ok(()));
        }
        let name = Upstream::parse("http://app.example/").unwrap();
        assert_eq!(check_literal(&name, Lifted::default()), Ok(()));
    }

    #[test]
    fn the_message_names_host_kind_and_remedy_and_no_address_or_path() {
        let explain = |address: &str, url: &str| {
            let error = Refused(address.parse().unwrap()).explain(&Upstream::parse(url).unwrap());
            assert_eq!(error.code, ErrorCode::UpstreamNotAllowed);
            error.message
        };
        let private = explain("10.1.2.3", "http://intern.example:81/a?b");
        for part in ["`intern.example`", "private address", "--allow http://intern.example:81/,"] {
            assert!(private.contains(part), "{private}");
        }
        assert!(!private.contains("10.1") && !private.contains("?b"), "{private}");
        let never = explain("169.254.1.1", "http://x.example/");
        assert!(never.contains("link-local") && never.contains("never connects"), "{never}");
    }

    #[test]
    fn kinds_are_told_apart() {
        for (address, kind) in [
            ("169.254.169.254", "link-local"),
            ("100.100.100.200", "metadata service"),
            ("fd00:ec2::254", "metadata service"),
            ("fd00:ec2::23", "metadata service"),
            ("fd20:ce::254", "metadata service"),
            ("fd20:ce::255", "unique local"),
            ("fd00:ec3::254", "unique local"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("fd00::1", "unique local"),
            ("0.0.0.0", "unspecified"),
            ("::", "unspecified"),
            ("::ffff:127.0.0.1", "IPv4-in-IPv6"),
            ("64:ff9b::a00:1", "IPv4-in-IPv6"),
            ("2002:a00:1::", "IPv4-in-IPv6"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("240.0.0.1", "reserved"),
            ("2001:db8::1", "reserved"),
        ] {
            let refused = Refused(address.parse().unwrap());
            assert_eq!(refused.kind(), kind, "{address}");
            assert_eq!(refused.to_string(), format!("the name has a {kind} address"));
        }
    }
}

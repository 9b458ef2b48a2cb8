//! Another machine, for which a private address of this one stands.

use std::io;
use std::net::{IpAddr, UdpSocket};

use crate::check::{Checked, Oops};

/// A private address of this machine. Nothing is sent to find it.
pub(super) fn address() -> Checked<IpAddr> {
    let towards = |from: &str, to: &str| -> io::Result<IpAddr> {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    };
    let found = [towards("0.0.0.0:0", "10.255.255.255:9"), towards("[::]:0", "[fd00::ffff]:9")];
    let is_private = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    };
    found.into_iter().flatten().find(is_private).ok_or_else(|| {
        Oops::new(
            "this case wants a private address of this machine: `ip addr add 10.1.2.3/32 dev lo` makes one",
        )
    })
}

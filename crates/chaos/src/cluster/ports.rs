//! Ports that are listened on again after a while.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// One that is free, and that the system gives to nobody who connects while nobody listens there.
pub(crate) fn port() -> Result<u16> {
    let below_those_that_it_gives = std::iter::repeat_with(|| fastrand::u16(10_000..32_000)).take(100);
    below_those_that_it_gives
        .into_iter()
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no port is free")
}

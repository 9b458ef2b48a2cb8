//! The connection that a request comes over.

use std::net::IpAddr;

/// The connection that a request comes over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Over {
    pub(crate) standing: Standing,
    /// Who is at its other end, or, where another process has passed the request on, at that one's.
    pub(crate) peer: IpAddr,
    /// Another process has passed it on.
    pub(crate) is_forwarded: bool,
}

/// Where a connection stands with [`Limits::connections`](crate::Limits::connections).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Within,
    /// It is one more than there may be: it is told so, and not kept.
    Beyond,
}

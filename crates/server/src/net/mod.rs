//! Sockets and threads: what a connection runs on.

pub(crate) mod connection;
pub mod descriptors;
pub mod detach;
pub(crate) mod peer;
pub mod service_manager;
pub mod signals;
pub(crate) mod threads;
pub(crate) mod tls;
pub(crate) mod transport;

/// The most bytes of a request head, over every version of HTTP and on every listener; over HTTP/1 also of a response that
/// wait for a slow reader outside the recording.
pub(crate) const HEAD_MAX: usize = 64 * 1024;

//! Sockets and threads: what a connection runs on.

pub(crate) mod connection;
pub mod descriptors;
pub mod signals;
pub(crate) mod threads;
pub(crate) mod tls;
pub(crate) mod transport;

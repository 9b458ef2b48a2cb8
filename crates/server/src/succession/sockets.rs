//! What is handed to a successor.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};

use crate::net::service_manager::ServiceManager;

/// All of it. On Windows nothing is ever handed over.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// Where this process was told to listen, and where it was told to answer for metrics.
    pub(crate) listen: SocketAddr,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) listener: TcpListener,
    pub(crate) metrics: Option<TcpListener>,
    pub(crate) lock: File,
    pub(crate) manager: ServiceManager,
}

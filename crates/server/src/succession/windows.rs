//! On Windows a second process on a data directory is an error: no socket that only its owner may open leads to the first.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use super::sockets::Sockets;
use crate::error::StartError;
use crate::net::service_manager::ServiceManager;
use crate::recorder::Recorder;

/// None is ever made.
#[derive(Debug)]
pub enum Offer {}

impl Offer {
    /// What it listens on.
    ///
    /// # Errors
    /// None.
    pub fn listener(&self) -> io::Result<TcpListener> {
        match *self {}
    }

    /// What it answers for metrics on.
    pub fn metrics(&mut self) -> Option<TcpListener> {
        match *self {}
    }

    /// The service manager that it was started by.
    #[must_use]
    pub fn manager(&self) -> ServiceManager {
        match *self {}
    }

    /// Tells that this process is the main one.
    pub fn announce(self) {
        match self {}
    }

    pub(crate) fn lock(&self) -> io::Result<File> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn take(&mut self, _: &Arc<Recorder>) -> Result<(), StartError> {
        match *self {}
    }
}

/// There is nobody to ask.
#[must_use]
pub fn ask(_: &Path, _: SocketAddr, _: Option<SocketAddr>) -> Option<Offer> {
    None
}

/// Nobody leaves anything.
#[must_use]
pub fn was_here(_: &Path) -> bool {
    false
}

/// There is nothing to remove.
pub(crate) fn leave(_: &Path) {}

/// Nobody comes to it.
#[derive(Debug)]
pub(crate) struct Desk(Sockets);

impl Desk {
    pub(crate) fn new(_: Arc<Recorder>, sockets: Sockets) -> Self {
        Self(sockets)
    }

    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn serve(self) {
        drop(self.0);
    }
}

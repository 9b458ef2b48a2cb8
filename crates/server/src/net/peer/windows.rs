//! Without a socket that only its owner may open a process is alone.

use std::io;
use std::path::Path;

use durablefetch_protocol::placement::Owner;

pub(crate) type Stream = tokio::io::Empty;

/// None is ever made.
#[derive(Debug)]
pub(crate) enum Accepted {}

impl Accepted {
    pub(crate) fn here(self) -> io::Result<Stream> {
        match self {}
    }
}

/// None of it is ever made.
#[derive(Debug)]
pub(crate) enum Listener {}

impl Listener {
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn accept(&self) -> io::Result<Option<Accepted>> {
        match *self {}
    }
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
pub(crate) fn bind(_: &Path, _: Owner) -> io::Result<Option<Listener>> {
    Ok(None)
}

pub(crate) async fn connect(_: &Path, _: Owner) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn lives(_: &Path, _: Owner) -> bool {
    false
}

pub(crate) fn remove(_: &Path, _: Owner) {}

pub(crate) fn remove_all(_: &Path) {}

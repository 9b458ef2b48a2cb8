//! Without a socket that only its owner may open nobody connects.

use std::io;
use std::path::Path;

use tokio::io::Empty;

/// None of it is ever made.
#[derive(Debug)]
pub(crate) enum Listener {}

impl Listener {
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(super) async fn accept(&self) -> io::Result<Option<Empty>> {
        match *self {}
    }
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
pub(crate) fn bind(_: &Path) -> io::Result<Option<Listener>> {
    Ok(None)
}

/// Fails.
///
/// # Errors
/// A sentence, always.
pub(crate) fn connect(_: &Path) -> Result<Empty, String> {
    Err("ls, show, du, rm and backup ask a recorder through a Unix domain socket, and there is none on Windows: run the \
         recorder on Linux, on macOS or in WSL for them; on Windows --metrics-listen tells how many recordings and bytes \
         are stored, and a copy of the data directory of a recorder that is stopped is a backup"
        .to_owned())
}

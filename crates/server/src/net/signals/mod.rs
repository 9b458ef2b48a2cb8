//! What ends the process: SIGTERM and SIGINT, or Ctrl-C and its like on Windows. The first one asks for an end, the second one
//! does not wait for it. Where a program has started this one, the end of stdin asks as well.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::future::{Future, pending};
use std::{io, thread};

use tokio::sync::oneshot;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// Resolves at the first SIGTERM, SIGINT or Ctrl-C, and where `until_stdin_closes` at the end of stdin. The second one ends the
/// process at once, with status 130: what is live then is found interrupted at the next start, as after a crash.
///
/// # Errors
/// Where the system does not let the process listen for signals, or has no thread for stdin.
pub fn shutdown(until_stdin_closes: bool) -> io::Result<impl Future<Output = ()>> {
    let mut ends = system::Ends::listen()?;
    let closed = until_stdin_closes.then(stdin_closes).transpose()?;
    Ok(async move {
        let closed = async {
            match closed {
                Some(closed) => _ = closed.await,
                None => pending().await,
            }
        };
        tokio::select! { () = ends.next() => {}, () = closed => {} }
        tracing::info!("shutting down: live recordings may finish; a second signal stops at once");
        tokio::spawn(async move {
            ends.next().await;
            std::process::exit(130);
        });
    })
}

/// Resolves once nothing more can come from stdin. A thread reads it: the runtime would wait for such a read when it ends.
fn stdin_closes() -> io::Result<oneshot::Receiver<()>> {
    let (closed, told) = oneshot::channel();
    thread::Builder::new().name("df-stdin".to_owned()).spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = closed.send(());
    })?;
    Ok(told)
}

/// SIGHUPs, which ask for the set-up to be read again. Windows has none.
pub struct Hangups(system::Reloads);

impl Hangups {
    /// Listens for them.
    ///
    /// # Errors
    /// Where the system has no room for a handler.
    pub fn listen() -> io::Result<Self> {
        system::Reloads::listen().map(Self)
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        self.0.next().await;
    }
}

//! SIGTERM and SIGINT: the first one asks for an end, the second one does not wait for it.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first SIGTERM or SIGINT. The second one ends the process at once, with status 130: what is
/// live then is found interrupted at the next start, as after a crash.
///
/// # Errors
/// Where the system does not let the process listen for signals.
pub fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("shutting down: live recordings may finish; a second signal stops at once");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(130);
        });
    })
}

/// SIGHUPs, which ask for the certificate to be read again.
///
/// # Errors
/// Where the system has no room for a handler.
pub fn hangups() -> std::io::Result<tokio::signal::unix::Signal> {
    signal(SignalKind::hangup())
}

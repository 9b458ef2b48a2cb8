//! SIGTERM and SIGINT: the first one asks for an end, the second one does not wait for it. Where a program has started this
//! one, the end of stdin asks as well.

use std::future::{Future, pending};
use std::{io, thread};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Resolves at the first SIGTERM or SIGINT, and where `until_stdin_closes` at the end of stdin. The second signal ends the
/// process at once, with status 130: what is live then is found interrupted at the next start, as after a crash.
///
/// # Errors
/// Where the system does not let the process listen for signals, or has no thread for stdin.
pub fn shutdown(until_stdin_closes: bool) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let closed = until_stdin_closes.then(stdin_closes).transpose()?;
    Ok(async move {
        let closed = async {
            match closed {
                Some(closed) => _ = closed.await,
                None => pending().await,
            }
        };
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {}, () = closed => {} }
        tracing::info!("shutting down: live recordings may finish; a second signal stops at once");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
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

/// SIGHUPs, which ask for the set-up to be read again.
///
/// # Errors
/// Where the system has no room for a handler.
pub fn hangups() -> io::Result<tokio::signal::unix::Signal> {
    signal(SignalKind::hangup())
}

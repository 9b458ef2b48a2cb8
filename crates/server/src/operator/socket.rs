//! The socket: who may connect, and what a connection is.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixListener;

use super::{SOCKET, answers};
use crate::recorder::Recorder;

/// Listens in the data directory, which this process has locked: what is there is left over.
pub(crate) fn bind(data: &Path) -> io::Result<UnixListener> {
    let path = data.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = at(data, |path| UnixListener::bind(path))?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Gives a way to the socket that is short enough for an address, whatever the directory's path.
pub(super) fn at<T>(data: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let directory = fs::File::open(data)?;
    with(Path::new(&format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd())))
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: UnixListener, recorder: Arc<Recorder>) {
    let own = rustix::process::geteuid().as_raw();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("an operator's connection cannot be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        // The file's rights say so already, but for the moment between making it and taking it from others.
        if !stream.peer_cred().is_ok_and(|peer| [own, 0].contains(&peer.uid())) {
            continue;
        }
        let recorder = Arc::clone(&recorder);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let recorder = Arc::clone(&recorder);
                async move { Ok::<_, Infallible>(answers::answer(&recorder, request).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new());
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!("an operator's connection ended: {error}");
            }
        });
    }
}

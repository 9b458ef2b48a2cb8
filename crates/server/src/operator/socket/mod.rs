//! The socket: who may connect, and what a connection is.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::answers;
use crate::recorder::Recorder;

#[cfg(unix)]
pub(super) use unix::connect;
#[cfg(unix)]
pub(crate) use unix::{Listener, bind};
#[cfg(windows)]
pub(super) use windows::connect;
#[cfg(windows)]
pub(crate) use windows::{Listener, bind};

/// Answers until it is dropped.
pub(crate) async fn serve(listener: &Listener, recorder: &Arc<Recorder>) {
    loop {
        let stream = match listener.accept().await {
            Ok(Some(stream)) => stream,
            // Of another user.
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!("an operator's connection cannot be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let recorder = Arc::clone(recorder);
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

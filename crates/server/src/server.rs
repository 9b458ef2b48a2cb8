//! The accept loop, from the first connection to the last.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::app::{App, Threads};
use crate::config::Config;
use crate::connection::Connection;
use crate::error::StartError;
use crate::{route, sweep};

/// How long a connection may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a request head, and of a response that wait for a slow reader outside the recording.
const BUFFER_MAX: usize = 64 * 1024;
/// How long readers may take to get the last bytes after everything has ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// A recorder that is ready to serve.
pub struct Recorder {
    listener: TcpListener,
    app: Arc<App>,
    threads: Threads,
}

/// Opens a recorder and serves until `shutdown` resolves and what is live has drained.
///
/// # Errors
/// See [`Recorder::open`].
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartError> {
    Recorder::open(listener, config)?.serve(shutdown).await;
    Ok(())
}

impl Recorder {
    /// Opens the store, recovers what the last process left, and gets ready to serve.
    ///
    /// # Errors
    /// Where the listener is not on loopback, or the data directory cannot be used.
    pub fn open(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(StartError::Listener)?;
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback(address));
        }
        let (app, threads) = App::open(config, address.port())?;
        Ok(Self { listener, app, threads })
    }

    /// Serves until `shutdown` resolves; then lets live recordings finish for as long as the set-up says, and
    /// ends the rest as interrupted.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, app, threads } = self;
        let housekeeping = tokio::spawn(sweep::run(Arc::clone(&app)));
        let connections = GracefulShutdown::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => connect(stream, &app, &connections),
                    Err(error) => {
                        // Out of descriptors, mostly: it passes when a connection closes.
                        tracing::warn!("a connection cannot be accepted: {error}");
                        sleep(Duration::from_millis(50)).await;
                    }
                },
                () = &mut shutdown => break,
            }
        }
        drop(listener);
        app.drain();
        if timeout(app.config.drain, app.quiet()).await.is_err() {
            let interrupted = app.interrupt();
            tracing::warn!(interrupted, "live recordings did not finish in time");
            app.quiet().await;
        }
        if timeout(GOODBYE, connections.shutdown()).await.is_err() {
            tracing::debug!("some readers did not take the last bytes in time");
        }
        housekeeping.abort();
        let _ = housekeeping.await;
        if tokio::task::spawn_blocking(move || threads.close(&app)).await.is_err() {
            tracing::error!("storage was not closed in order");
        }
    }
}

fn connect(stream: TcpStream, app: &Arc<App>, connections: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection stays without TCP_NODELAY: {error}");
    }
    let (connection, watches) = Connection::new(stream);
    let app = Arc::clone(app);
    let service = service_fn(move |request| route::handle(Arc::clone(&app), watches.clone(), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(BUFFER_MAX);
    builder.http2().timer(TokioTimer::new());
    let serving = builder.serve_connection(connection, service).into_owned();
    let serving = connections.watch(serving);
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::debug!("a connection ended: {error}");
        }
    });
}

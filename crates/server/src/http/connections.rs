//! A client's connection: on which thread it is served, in which version of HTTP, and how long it may have nothing to ask.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::over::{self, Over};
use super::route;
use crate::net::HEAD_MAX;
use crate::net::connection::{Connection, Watches};
use crate::net::threads::Threads;
use crate::net::tls::Tls;
use crate::net::transport::Transport;
use crate::placement::Placement;
use crate::recorder::Recorder;

/// Connections beyond the limit that are told so, at a time.
const REFUSED_MAX: usize = 64;

/// Tells a connection that the recorder is closing: one that has asked for something, and one that has not.
pub(crate) type Watching = (Watcher, watch::Receiver<()>);

/// Hands a connection to a thread that serves it to its end, or lets one that is too many know it. Beyond
/// [`REFUSED_MAX`] of these it is closed without a word, so that the descriptors last.
pub(crate) fn serve(
    stream: TcpStream,
    threads: &Threads,
    recorder: &Arc<Recorder>,
    tls: Option<&Tls>,
    watcher: Watching,
) {
    let open = Open::new(recorder);
    let limit = recorder.config.limits.connections;
    if open.number > limit + REFUSED_MAX {
        tracing::debug!("a connection is closed unanswered: {limit} may be open");
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection stays without TCP_NODELAY: {error}");
    }
    let Ok(stream) = stream.into_std() else { return };
    let recorder = Arc::clone(recorder);
    let acceptor = tls.map(|tls| tls.acceptor().clone());
    threads.run(move || async move {
        // Here, so that it is this thread that the system tells of what comes.
        match TcpStream::from_std(stream) {
            Ok(stream) => serve_to_its_end(stream, recorder, open, acceptor, watcher).await,
            Err(error) => tracing::warn!("a connection cannot be served: {error}"),
        }
    });
}

/// Serves one connection to its end.
async fn serve_to_its_end(
    stream: TcpStream,
    recorder: Arc<Recorder>,
    open: Open,
    acceptor: Option<TlsAcceptor>,
    (watcher, mut serving): Watching,
) {
    // Counted for as long as it is served.
    let standing = if open.number > recorder.config.limits.connections {
        over::Standing::Beyond
    } else {
        over::Standing::Within
    };
    let Ok(peer) = stream.peer_addr() else {
        return tracing::debug!("a connection ended before it was served");
    };
    let over = Over { standing, peer: peer.ip(), is_forwarded: false };
    let patience = recorder.config.limits.request_timeout;
    let stream = match acceptor {
        None => Transport::Plain(stream),
        Some(acceptor) => match timeout(patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Transport::Tls(Box::new(stream)),
            Ok(Err(error)) => return tracing::debug!("a TLS handshake failed: {error}"),
            Err(_) => return tracing::debug!("a TLS handshake took too long"),
        },
    };
    let is_http1 = tokio::select! {
        first = timeout(patience, stream.is_http1()) => match first {
            Ok(Ok(is_http1)) => is_http1,
            Ok(Err(error)) => return tracing::debug!("a connection ended: {error}"),
            Err(_) => return tracing::debug!("a connection was idle for too long"),
        },
        // Nothing is sent on it: this comes when all are gone.
        _ = serving.changed() => return,
    };
    let placement = Arc::clone(&recorder.placement);
    let (connection, watches) = Connection::new(stream, patience);
    let watching = watches.clone();
    // Boxed, so that its 5 KiB last until there is an answer, and not as long as the connection.
    let service = service_fn(move |request| {
        Box::pin(route::handle(Arc::clone(&recorder), watches.request(), over, request))
    });
    let served = if is_http1 {
        drop(serving);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(HEAD_MAX)
            .max_header_size(HEAD_MAX)
            .keep_alive(standing == over::Standing::Within);
        watcher.watch(builder.serve_connection(connection, service)).await
    } else {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD_MAX as u32)
            .keep_alive_interval(patience)
            .keep_alive_timeout(patience);
        let mut connection = pin!(builder.serve_connection(connection, service));
        let (mut idle, mut ends) = (pin!(idle(&watching, patience)), pin!(ends(&placement, serving)));
        let mut is_told = false;
        let served = loop {
            tokio::select! {
                biased;
                served = &mut connection => break served,
                () = &mut idle => return tracing::debug!("a connection was idle for too long"),
                () = &mut ends, if !is_told => {
                    is_told = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        // For as long as it is there, the recorder waits for the connection.
        drop(watcher);
        served
    };
    if let Err(error) = served {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Waits until the other end should ask over another connection: the recorder closes, or another process is better off to be
/// asked.
async fn ends(placement: &Placement, mut serving: watch::Receiver<()>) {
    let mut changes = placement.changes();
    tokio::select! {
        // Nothing is sent on it: this comes when all are gone.
        _ = serving.changed() => {}
        _ = changes.wait_for(|_| placement.sends_away()) => {}
    }
}

/// One open connection, counted until it is dropped.
struct Open {
    recorder: Arc<Recorder>,
    /// How many are open, with this one.
    number: usize,
}

impl Open {
    fn new(recorder: &Arc<Recorder>) -> Self {
        let number = recorder.connections.fetch_add(1, Ordering::AcqRel) + 1;
        Self { recorder: Arc::clone(recorder), number }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.recorder.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until nothing has been asked on an HTTP/2 connection for this long, or up to twice as long. Looks after its
/// bodies meanwhile. HTTP/1 has timeouts of its own.
async fn idle(watches: &Watches, patience: Duration) {
    let mut was_idle = false;
    loop {
        sleep(patience).await;
        watches.look();
        let is_idle = watches.is_idle();
        if is_idle && was_idle {
            return;
        }
        was_idle = is_idle;
    }
}

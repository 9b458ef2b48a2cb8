//! `/metrics`, `/healthz` and `/readyz` on a listener of their own, for a recorder whose public one does not tell them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::access::local::Guard;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::net::HEAD_MAX;
use crate::observe::metrics;
use crate::readiness::Readiness;
use crate::recorder::Recorder;

/// Connections at a time. They are few, since they take descriptors of those that are kept back: the main listener
/// goes on being served, whatever comes here. One more closes the oldest, so that who has a question is always answered.
const CONNECTIONS_MAX: usize = 32;

/// Who can reach the listener.
#[derive(Debug, Clone, Copy)]
enum Audience {
    /// This machine's user, and a page that binds a name of its own to loopback, which is not to read them.
    Machine,
    /// Everybody that the operator lets through.
    Network,
}

/// Answers until it is dropped.
pub(crate) async fn run(listener: &TcpListener, recorder: &Arc<Recorder>) {
    let audience = match listener.local_addr() {
        Ok(address) if address.ip().is_loopback() => Audience::Machine,
        _ => Audience::Network,
    };
    let patience = recorder.config.limits.request_timeout;
    let (mut open, mut oldest) = (JoinSet::new(), VecDeque::new());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while open.try_join_next().is_some() {}
        oldest.retain(|connection: &AbortHandle| !connection.is_finished());
        if oldest.len() >= CONNECTIONS_MAX
            && let Some(connection) = oldest.pop_front()
        {
            connection.abort();
        }
        let recorder = Arc::clone(recorder);
        let service = service_fn(move |request: Request<Incoming>| {
            let (recorder, parts) = (Arc::clone(&recorder), request.into_parts().0);
            async move { Ok::<_, Infallible>(answer(&recorder, audience, &parts).await) }
        });
        oldest.push_back(open.spawn(async move {
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(patience)
                .max_buf_size(HEAD_MAX)
                .max_header_size(HEAD_MAX);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!("a connection for metrics ended: {error}");
            }
        }));
    }
}

async fn answer(recorder: &Arc<Recorder>, audience: Audience, request: &Parts) -> Response<Full<Bytes>> {
    let authority = request.uri.authority().map(|authority| authority.as_str());
    let refused = match audience {
        Audience::Machine => Guard::default().check(authority, &request.headers).is_err(),
        Audience::Network => false,
    };
    let (status, content_type, body) = match request.uri.path() {
        // These tell nothing of anybody, and who probes a container names it by its address.
        "/healthz" => (StatusCode::OK, "application/json", Bytes::from_static(br#"{"ok":true}"#)),
        "/readyz" => {
            let readiness = Readiness::of(&recorder.unready().await);
            (readiness.status(), "application/json", readiness.json().into())
        }
        _ if refused => (StatusCode::FORBIDDEN, "text/plain", Bytes::from_static(b"for this machine only\n")),
        "/metrics" => (StatusCode::OK, metrics::CONTENT_TYPE, recorder.metrics_text().into()),
        _ => {
            let addresses = Bytes::from_static(b"see /metrics, /healthz and /readyz\n");
            (StatusCode::NOT_FOUND, "text/plain", addresses)
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

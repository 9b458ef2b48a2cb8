//! `/metrics` and `/healthz` on a listener of their own, for a recorder whose public one does not tell them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::guard::Guard;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::app::App;
use crate::meters;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers until it is dropped.
pub(crate) async fn run(listener: TcpListener, app: Arc<App>) {
    // A page that binds a name of its own to loopback is not to read them.
    let on_loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let app = Arc::clone(&app);
        let service = service_fn(move |request| {
            let response = answer(&app, on_loopback, &request);
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!("a connection for metrics ended: {error}");
            }
        });
    }
}

fn answer(app: &App, on_loopback: bool, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let refused = on_loopback && Guard::default().check(authority, request.headers()).is_err();
    let (status, content_type, body) = match request.uri().path() {
        _ if refused => (StatusCode::FORBIDDEN, "text/plain", Bytes::from_static(b"for this machine only\n")),
        "/metrics" => (StatusCode::OK, meters::CONTENT_TYPE, app.metrics().into()),
        "/healthz" => (StatusCode::OK, "application/json", Bytes::from_static(br#"{"ok":true}"#)),
        _ => (StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"see /metrics and /healthz\n")),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

//! What other processes of this data directory or of the cluster ask this one: what they pass on, and things of their own.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use durablefetch_protocol::ProtocolError;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use serde_json::{Value, json};

use super::report::{self, Lines};
use crate::http::over::{Over, Standing};
use crate::http::respond::Logged;
use crate::http::route;
use crate::keys::quota;
use crate::net::connection::{Answering, Connection};
use crate::net::peer;
use crate::net::transport::Transport;
use crate::operator;
use crate::recorder::Recorder;

type Body = Either<Logged, Either<Lines, Full<Bytes>>>;

/// Serves one connection to its end: of a process of this data directory, or of one of the cluster.
pub(crate) async fn serve(stream: Transport, recorder: Arc<Recorder>) {
    let patience = recorder.config.limits.request_timeout;
    let (connection, watches) = Connection::new(stream, patience);
    let service = service_fn(move |request| {
        let (recorder, answering) = (Arc::clone(&recorder), watches.request());
        Box::pin(
            async move { Ok::<_, std::convert::Infallible>(answer(&recorder, answering, request).await) },
        )
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(peer::HEADERS_MAX)
        .max_buf_size(peer::HEAD_MAX)
        .max_header_size(peer::HEAD_MAX);
    if let Err(error) = builder.serve_connection(connection, service).await {
        tracing::debug!("a connection of another process ended: {error}");
    }
}

async fn answer(
    recorder: &Arc<Recorder>,
    answering: Answering,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let client = request.headers_mut().remove(peer::FORWARDED);
    let client = client.and_then(|value| value.to_str().ok()?.parse::<IpAddr>().ok());
    if let Some(client) = client {
        let over = Over { standing: Standing::Within, peer: client, is_forwarded: true };
        let Ok(answer) = route::handle(Arc::clone(recorder), answering, over, request).await;
        return answer.map(Either::Left);
    }
    let path = request.uri().path().to_owned();
    if recorder.cluster.is_some() && ![peer::LIVE, peer::DELETE].contains(&path.as_str()) {
        // The others of a cluster have no more to ask of their own.
        let mut response = Response::new(Either::Right(Either::Right(Full::default())));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    if path == peer::REPORT {
        return Response::new(Either::Right(Either::Left(report::lines(recorder))));
    }
    let asked = match request.into_body().collect().await {
        Ok(body) => serde_json::from_slice(&body.to_bytes()).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let (status, value) = match asked_by_peer(recorder, &path, &asked).await {
        Ok(value) => (StatusCode::OK, value),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error.message })),
    };
    let mut response = Response::new(Either::Right(Either::Right(Full::new(value.to_string().into()))));
    *response.status_mut() = status;
    response
}

async fn asked_by_peer(recorder: &Arc<Recorder>, path: &str, asked: &Value) -> Result<Value, ProtocolError> {
    match path {
        peer::ROOM => Ok(json!({ "made": quota::make_room_for_another(recorder).await? })),
        peer::END_LONGEST => {
            Ok(json!({ "ended": quota::end_longest_of(recorder, asked["scope"].as_str()).await }))
        }
        path => operator::asked(recorder, path, asked).await,
    }
}

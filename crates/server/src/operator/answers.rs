//! What the socket answers. Only the commands of the same program ask, so what it says may change with each version.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{listing, live, remove};
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::bodies::Hold;

/// An answer, or one that says that files are held and holds them until who asked goes away.
pub(super) type Body = Either<Full<Bytes>, Holding>;

/// The body of an answer that does not end by itself.
#[derive(Debug)]
pub(super) struct Holding {
    first: Option<Bytes>,
    _hold: Hold,
}

impl http_body::Body for Holding {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            // The connection watches for its other end.
            None => Poll::Pending,
        }
    }
}

pub(super) async fn answer(recorder: &Arc<Recorder>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let asked: Value = match body.collect().await {
        Ok(body) => serde_json::from_slice(&body.to_bytes()).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    if recorder.cluster.is_none() && parts.uri.path() == "/hold" {
        let holding = Holding { first: Some(Bytes::from_static(b"held\n")), _hold: recorder.bodies.hold() };
        return Response::new(Either::Right(holding));
    }
    let answered = match parts.method {
        Method::POST => self::asked(recorder, parts.uri.path(), &asked).await,
        _ => Err(ErrorCode::NotFound.into()),
    };
    let (status, value) = match answered {
        Ok(value) => (StatusCode::OK, value),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error.message })),
    };
    let mut response = Response::new(Either::Left(Full::new(value.to_string().into())));
    *response.status_mut() = status;
    response
}

/// The answer to one command.
pub(crate) async fn asked(
    recorder: &Arc<Recorder>,
    path: &str,
    asked: &Value,
) -> Result<Value, ProtocolError> {
    let text = |name: &str| asked[name].as_str();
    match path {
        "/ls" => listing::list(recorder, asked).await,
        "/show" => match text("recording").and_then(RecordingId::parse) {
            Some(id) => listing::show(recorder, id).await,
            None => Err(not_an_id()),
        },
        peer::LIVE => Ok(live::here(recorder)),
        peer::DELETE => remove::here(recorder, asked).await,
        "/du" => listing::usage(recorder).await,
        "/hold" => Err(in_a_cluster()),
        "/rm" => match (text("scope"), text("recording").map(RecordingId::parse)) {
            (Some(scope), _) => remove::scope(recorder, scope).await,
            (None, Some(Some(id))) => remove::one(recorder, id).await,
            (None, _) => Err(not_an_id()),
        },
        _ => Err(ErrorCode::NotFound.into()),
    }
}

fn in_a_cluster() -> ProtocolError {
    let message = "this recorder is one of a cluster, whose recordings are in its database: back that up, with `pg_dump` for \
                   one, its schema `df`";
    ProtocolError::new(ErrorCode::BadRequest, message)
}

fn not_an_id() -> ProtocolError {
    ProtocolError::new(
        ErrorCode::BadRequest,
        "that is not the id of a recording; `durablefetch ls` shows them",
    )
}

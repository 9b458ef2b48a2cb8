//! Responses: bodies of recordings, errors, JSON. All carry `durablefetch-state`.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use durablefetch_protocol::admission::Ending;
use durablefetch_protocol::control::ErrorBody;
use durablefetch_protocol::headers::{add_always, add_inert, encode_status_text};
use durablefetch_protocol::{ProtocolError, name};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::ext::ReasonPhrase;

use crate::admit::Admitted;
use crate::connection::Watch;
use crate::finish;
use crate::reader::{Broken, Reader};
use crate::shared::Head;

/// A response's body.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// A recording's.
    Reader(Box<Reader>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Reader(reader) => Pin::new(reader.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Reader(reader) => reader.size_hint(),
        }
    }
}

/// A response of the recorder's own.
pub(crate) fn own(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body = body.into();
    let mut response = Response::new(Body::Whole(Some(body).filter(|body| !body.is_empty())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if !content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    headers.insert(name::STATE, HeaderValue::from_static(name::NONE));
    add_always(headers);
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    // Our own types: strings, numbers and booleans, which always serialise.
    own(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// An error.
pub(crate) fn error(error: &ProtocolError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &ErrorBody::from(error));
    response.headers_mut().insert(name::ERROR, HeaderValue::from_static(error.code.as_str()));
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    own(status, "", Bytes::new())
}

/// The answer to a fetch or continuation.
pub(crate) fn admitted(admitted: Admitted, watch: Watch) -> Response<Body> {
    match admitted {
        Admitted::NoContent => empty(StatusCode::NO_CONTENT),
        Admitted::Again(stored) => match finish::from_stored(&stored) {
            Some((head, body)) => {
                let mut response = upstreams(&head, Body::Whole(Some(body.into())));
                response.headers_mut().insert(name::STATE, HeaderValue::from_static(name::UNRECORDED));
                response
            }
            None => error(&durablefetch_protocol::ErrorCode::StorageFailed.into()),
        },
        Admitted::Body { shared, entry, from, ending, starter, unrecorded } => {
            let Some(head) = shared.head().cloned() else {
                return error(&durablefetch_protocol::ErrorCode::Internal.into());
            };
            let view = shared.view();
            let cookies = if starter { shared.take_cookies() } else { Vec::new() };
            let (id, len, state) = (shared.id, view.len, view.state);
            let reader = Reader::new(shared, entry, from, len, ending, watch);
            let mut response = upstreams(&head, Body::Reader(Box::new(reader)));
            let headers = response.headers_mut();
            for cookie in cookies {
                headers.append(header::SET_COOKIE, cookie);
            }
            if unrecorded {
                headers.insert(name::STATE, HeaderValue::from_static(name::UNRECORDED));
                return response;
            }
            headers.insert(name::STATE, HeaderValue::from_static(state.as_str()));
            insert(headers, name::RECORDING, &id.to_string());
            headers.insert(name::OFFSET, HeaderValue::from(from));
            if !state.is_live() {
                headers.insert(name::LENGTH, HeaderValue::from(len));
            }
            if ending == Ending::Clean && !matches!(head.status.as_u16(), 204 | 205) {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len.saturating_sub(from)));
            }
            response
        }
    }
}

/// An upstream's head, made inert, around a body.
pub(crate) fn upstreams(head: &Head, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    let headers = response.headers_mut();
    add_inert(headers);
    add_always(headers);
    if let Some(text) = encode_status_text(&head.reason) {
        headers.insert(name::STATUS_TEXT, text);
    }
    if let Ok(reason) = ReasonPhrase::try_from(head.reason.as_slice()) {
        response.extensions_mut().insert(reason);
    }
    response
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A handler never fails: whatever goes wrong is an answer.
pub(crate) type Answer = Result<Response<Body>, Infallible>;

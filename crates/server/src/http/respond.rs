//! Responses: the protocol's heads, and the bodies that go with them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use durablefetch_protocol::access::Admitted as Allowed;
use durablefetch_protocol::admission::{Ending, Part};
use durablefetch_protocol::response_head::{self, Head};
use durablefetch_protocol::{ErrorCode, ProtocolError, kept};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::ext::ReasonPhrase;

use crate::http::body::{Broken, RecordingBody};
use crate::http::passed::PassedBody;
use crate::keys::admit::Admitted;
use crate::net::connection::Watch;
use crate::observe::log::{BodyEnd, Line};
use crate::readiness::Readiness;

/// The content type of what is told to programs.
const JSON: &str = "application/json";

/// A handler never fails: whatever goes wrong is an answer.
pub(crate) type Answer = Result<Response<Logged>, Infallible>;

/// A response's body.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// A recording's.
    Recording(Box<RecordingBody>),
    /// That of another process's answer.
    Passed(Box<PassedBody>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Recording(body) => Pin::new(body.as_mut()).poll_frame(cx),
            Self::Passed(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Recording(_) => false,
            Self::Passed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Recording(body) => body.size_hint(),
            Self::Passed(body) => body.size_hint(),
        }
    }
}

/// A body that writes the request's line when it ends.
#[derive(Debug)]
pub(crate) struct Logged {
    body: Body,
    line: Box<Line>,
    has_ended: bool,
}

impl Logged {
    pub(crate) fn new(body: Body, line: Line) -> Self {
        Self { body, line: Box::new(line), has_ended: false }
    }

    fn ends(&mut self, end: BodyEnd) {
        self.has_ended = true;
        self.line.ends(end);
    }
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => this.line.gave(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(Some(Err(Broken))) => this.ends(BodyEnd::Broken),
            Poll::Ready(None) => this.ends(BodyEnd::Whole),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Logged {
    /// A connection asks for nothing more once it has as much as was announced, and none at all for a broken body that it
    /// resets.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let is_broken = match &self.body {
            Body::Recording(body) => body.is_broken(),
            Body::Passed(body) => body.is_broken(),
            Body::Whole(_) => false,
        };
        let is_whole = self.line.is_head()
            || http_body::Body::is_end_stream(self)
            || http_body::Body::size_hint(self).exact() == Some(0);
        if is_whole {
            self.ends(BodyEnd::Whole);
        } else if is_broken {
            self.ends(BodyEnd::Broken);
        }
    }
}

pub(crate) fn response(status: u16, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    // Statuses come from the protocol's table or from an upstream's valid response.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// A response of the recorder's own.
pub(crate) fn own(allowed: &Allowed, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    response(200, response_head::own(Some(content_type), allowed), Body::Whole(Some(body.into())))
}

/// Whether the recorder takes starts.
pub(crate) fn ready(allowed: &Allowed, readiness: &Readiness) -> Response<Body> {
    let status = readiness.status();
    let headers = if status.is_success() {
        response_head::own(Some(JSON), allowed)
    } else {
        response_head::unready(JSON, allowed)
    };
    response(status.as_u16(), headers, Body::Whole(Some(readiness.json().into())))
}

/// A JSON answer.
pub(crate) fn json(allowed: &Allowed, value: &impl serde::Serialize) -> Response<Body> {
    // Our own types: strings, numbers and booleans, which always serialise.
    own(allowed, JSON, serde_json::to_vec(value).unwrap_or_default())
}

/// An error.
pub(crate) fn error(allowed: &Allowed, error: &ProtocolError) -> Response<Body> {
    let body = Body::Whole(Some(response_head::error_body(error).into()));
    response(error.code.status(), response_head::error(error.code, allowed), body)
}

/// The error of a method that an address does not take. `methods` are those that it takes.
pub(crate) fn wrong_method(allowed: &Allowed, methods: &'static str) -> Response<Body> {
    let error = ProtocolError::from(ErrorCode::MethodNotAllowed);
    let body = Body::Whole(Some(response_head::error_body(&error).into()));
    response(error.code.status(), response_head::wrong_method(methods, allowed), body)
}

/// The answer to a preflight.
pub(crate) fn preflight(allowed: &Allowed, request: &HeaderMap) -> Response<Body> {
    response(204, response_head::preflight(allowed, request), Body::Whole(None))
}

/// The answer to a fetch or continuation.
pub(crate) fn admitted(allowed: &Allowed, admitted: Admitted, watch: Watch) -> Response<Body> {
    match admitted {
        Admitted::NoContent => response(204, response_head::own(None, allowed), Body::Whole(None)),
        Admitted::Again(stored) => match kept::from_stored(&stored) {
            Some((head, body)) => passing(allowed, &head, &[], Body::Whole(Some(body.into()))),
            None => error(allowed, &ErrorCode::StorageFailed.into()),
        },
        Admitted::Body { reading, from, ending, part, unrecorded } => {
            let recording = Arc::clone(&reading.recording);
            let Some(head) = recording.head() else {
                return error(allowed, &ErrorCode::Internal.into());
            };
            let seen = recording.progress();
            if recording.is_given_up() && from < seen.len() {
                return error(allowed, &ErrorCode::StorageFull.into());
            }
            let cookies = if part == Part::Starter { recording.take_cookies() } else { Vec::new() };
            let body = RecordingBody::new(reading, from, seen.len(), ending, watch);
            let body = Body::Recording(Box::new(body));
            if unrecorded {
                return passing(allowed, head, &cookies, body);
            }
            let mut headers = head.serving(&seen, from, &cookies, allowed);
            if ending == Ending::Clean && !Head::is_bodyless(head.status) {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(seen.len().saturating_sub(from)));
            }
            with_reason(response(head.status, headers, body), head)
        }
    }
}

/// An upstream's answer that is not recorded.
pub(crate) fn passing(allowed: &Allowed, head: &Head, cookies: &[HeaderValue], body: Body) -> Response<Body> {
    with_reason(response(head.status, head.passing(cookies, allowed), body), head)
}

fn with_reason(mut response: Response<Body>, head: &Head) -> Response<Body> {
    if let Ok(reason) = ReasonPhrase::try_from(head.reason.as_slice()) {
        response.extensions_mut().insert(reason);
    }
    response
}

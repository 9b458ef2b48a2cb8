//! The names of requests, and the line at the end of each: docs/logs.md lists its fields.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use durablefetch_protocol::name;
use http::header::HeaderMap;
use http::{Request, Response};
use tracing::Span;

use crate::observe::redact;

/// Gives every request a name: where the recorder's life began, and a number.
#[derive(Debug)]
pub(crate) struct Log {
    life: u32,
    next: AtomicU64,
    node: Option<Arc<str>>,
}

/// What the lines about a request, and about the recording that it starts, say of it.
#[derive(Debug)]
pub(crate) struct Asker {
    life: u32,
    number: u64,
    method: String,
    url: String,
    traceparent: Option<String>,
    node: Option<Arc<str>>,
}

impl Asker {
    /// What the process is called that it has asked.
    pub(crate) fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }
}

/// The request's name.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.life, self.number)
    }
}

/// How the body of an answer has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// The asker was given all of it.
    Whole,
    /// The asker went away.
    Left,
    /// The recorder broke it off, as what it followed had broken.
    Broken,
}

impl BodyEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Left => "left",
            Self::Broken => "broken",
        }
    }
}

/// The line of one request. It is written when this is dropped: with the body, or before, where the asker did not wait for
/// the head.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) asker: Arc<Asker>,
    since: Instant,
    /// Whose recordings it asks for, as [`scope_name`] names it.
    pub(crate) scope: Option<String>,
    /// Whether it may know who answers: it was let in, and is about recordings.
    pub(crate) is_told_who: bool,
    /// The first byte that a continuation asks for.
    pub(crate) offset: Option<u64>,
    /// One of a program that looks whether the recorder is well, or of a browser by itself: seen with `debug`.
    pub(crate) is_routine: bool,
    head: Option<Head>,
    bytes: u64,
    end: BodyEnd,
}

#[derive(Debug)]
struct Head {
    ms: u64,
    status: u16,
    state: Option<String>,
    error: Option<String>,
    recording: Option<String>,
}

impl Log {
    /// `life` differs from one start of a recorder to the next; `node` is what the process is called.
    pub(crate) fn new(life: u32, node: Option<&str>) -> Self {
        Self { life, next: AtomicU64::new(0), node: node.map(Arc::from) }
    }

    /// The line of a request that has come.
    pub(crate) fn line<B>(&self, request: &Request<B>) -> Line {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let url = request.headers().get(name::URL).map_or_else(
            || redact::url(request.uri().path()),
            |value| redact::url(value.to_str().unwrap_or("(not ASCII)")),
        );
        let method = redact::text(request.method().as_str()).into_owned();
        let traceparent = traceparent(request.headers());
        let asker = Asker { life: self.life, number, method, url, traceparent, node: self.node.clone() };
        Line {
            asker: Arc::new(asker),
            since: Instant::now(),
            scope: None,
            is_told_who: false,
            offset: None,
            is_routine: false,
            head: None,
            bytes: 0,
            end: BodyEnd::Left,
        }
    }
}

impl Line {
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// The span in which the request is answered.
    pub(crate) fn span(&self) -> Span {
        let Asker { method, url, .. } = &*self.asker;
        tracing::info_span!("request", request = %self.asker, %method, url)
    }

    /// The head goes out.
    pub(crate) fn answered<B>(&mut self, response: &Response<B>) {
        let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        self.head = Some(Head {
            ms: self.ms(),
            status: response.status().as_u16(),
            state: text(name::STATE),
            error: text(name::ERROR),
            recording: text(name::RECORDING),
        });
    }

    /// So many more bytes of the body were given to the connection.
    pub(crate) fn gave(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(crate) fn ends(&mut self, end: BodyEnd) {
        self.end = end;
    }

    /// Whether the asker wants no body.
    pub(crate) fn is_head(&self) -> bool {
        self.asker.method == "HEAD"
    }

    fn ms(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let head = self.head.as_ref();
        macro_rules! say {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    target: "durablefetch::request",
                    request = %self.asker,
                    node = self.asker.node(),
                    method = self.asker.method,
                    url = self.asker.url,
                    scope = self.scope,
                    traceparent = self.asker.traceparent,
                    status = head.map(|head| head.status),
                    state = head.and_then(|head| head.state.as_deref()),
                    error = head.and_then(|head| head.error.as_deref()),
                    recording = head.and_then(|head| head.recording.as_deref()),
                    offset = self.offset,
                    head_ms = head.map(|head| head.ms),
                    ms = self.ms(),
                    bytes = self.bytes,
                    end = self.end.as_str(),
                    $message
                )
            };
        }
        match (self.is_routine, head) {
            (true, _) => say!(debug, "answered"),
            (false, Some(_)) => say!(info, "answered"),
            (false, None) => say!(info, "left before it was answered"),
        }
    }
}

/// The trace that a request belongs to, where it is of the form of <https://www.w3.org/TR/trace-context/>.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    (lengths == [2, 32, 16, 2] && parts.iter().all(is_hex)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_trace_is_taken_for_one() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (sent, logged) in [
            (trace, true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false),
            ("00-s3cr3t-of-as-many-characters-000-00f067aa0ba902b7-01", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), sent.parse().unwrap())]);
            assert_eq!(traceparent(&headers).as_deref(), logged.then_some(sent), "{sent}");
        }
    }
}

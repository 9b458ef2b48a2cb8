//! Which log lines belong to which request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use durablefetch_protocol::name;
use http::{Request, Response};
use tracing::Span;

use crate::observe::redact;

/// Gives every request an id: where the recorder's life began, and a number.
#[derive(Debug)]
pub(crate) struct Log {
    life: u32,
    next: AtomicU64,
}

impl Log {
    /// `life` differs from one start of a recorder to the next.
    pub(crate) fn new(life: u32) -> Self {
        Self { life, next: AtomicU64::new(0) }
    }

    /// The span in which a request is answered. What it says of the request may stand in a log.
    pub(crate) fn span<B>(&self, request: &Request<B>) -> Span {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let url = request.headers().get(name::URL).map_or_else(
            || redact::url(request.uri().path()),
            |value| redact::url(value.to_str().unwrap_or("(not ASCII)")),
        );
        let method = redact::text(request.method().as_str());
        tracing::info_span!("request", id = format!("{:08x}-{number}", self.life), %method, url)
    }
}

/// Says how a request was answered.
pub(crate) fn answered<B>(response: &Response<B>, since: Instant) {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    tracing::debug!(
        status = response.status().as_u16(),
        state = text(name::STATE),
        error = text(name::ERROR),
        ms = since.elapsed().as_millis() as u64,
        "answered"
    );
}

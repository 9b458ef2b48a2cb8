//! An answer whose head is here.

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::response_head::Head;
use http::HeaderValue;

/// An answer whose head is here, and whose body is to be read.
pub(crate) struct Opened<B> {
    pub(crate) head: Head,
    /// For the one who started it, and only where cookies may pass.
    pub(crate) cookies: Vec<HeaderValue>,
    /// What the upstream said of the length, where it did not code the body.
    pub(crate) length: Option<HeaderValue>,
    pub(crate) body: B,
}

impl<B> Opened<B> {
    /// The same answer with its body seen as another type.
    pub(crate) fn map<C>(self, body: impl FnOnce(B) -> C) -> Opened<C> {
        let Self { head, cookies, length, body: this } = self;
        Opened { head, cookies, length, body: body(this) }
    }
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) struct NotOpened {
    pub(crate) error: ProtocolError,
    /// Whether the upstream may have heard of the request: where it provably has not, the request may be made again.
    pub(crate) heard: bool,
}

impl NotOpened {
    pub(crate) fn heard(error: impl Into<ProtocolError>) -> Self {
        Self { error: error.into(), heard: true }
    }

    pub(crate) fn unheard(error: impl Into<ProtocolError>) -> Self {
        Self { error: error.into(), heard: false }
    }
}

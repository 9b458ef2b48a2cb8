//! Where the bytes of a recording come from.

use durablefetch_protocol::answer::Head;
use durablefetch_protocol::demo::{CONTENT_TYPE, Script};
use http::{HeaderMap, HeaderValue, header};

use crate::upstream::Upward;

/// What a pump reads.
pub(crate) enum Source {
    /// An upstream, over HTTP.
    Upstream(Upward),
    /// The built-in event stream.
    Demo(Script),
}

impl Source {
    /// Adds the request's body.
    pub(crate) fn with_body(self, body: Vec<u8>) -> Self {
        match self {
            Self::Upstream(upward) => Self::Upstream(Upward { body, ..upward }),
            Self::Demo(script) => Self::Demo(script),
        }
    }
}

/// The head of every demo stream.
pub(crate) fn demo_head() -> Head {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))]);
    Head { status: 200, reason: b"OK".to_vec(), headers }
}

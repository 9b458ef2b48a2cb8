//! Where the bytes of a recording come from.

use crate::upstream::Upward;

/// What a pump reads.
pub(crate) enum Source {
    /// An upstream, over HTTP.
    Upstream(Upward),
    /// The built-in event stream.
    Demo,
}

impl Source {
    /// Adds the request's body.
    pub(crate) fn with_body(self, body: Vec<u8>) -> Self {
        match self {
            Self::Upstream(upward) => Self::Upstream(Upward { body, ..upward }),
            Self::Demo => Self::Demo,
        }
    }
}

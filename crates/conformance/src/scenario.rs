//! Fast-forward: brings a fresh key into any state of the admission table.

use crate::check::{Checked, holds};
use crate::client::{Open, Response};
use crate::context::Context;
use crate::upstream::{Call, Endpoint};

/// A start whose upstream has not answered yet.
pub struct Connecting {
    /// The upstream path.
    pub at: Endpoint,
    /// The request at the upstream.
    pub call: Call,
    /// The request that started it, still without an answer.
    pub starter: Open,
}

/// A recording whose upstream has answered and not ended.
pub struct Live {
    /// The upstream path.
    pub at: Endpoint,
    /// The request at the upstream.
    pub call: Call,
    /// The response of the request that started it.
    pub reader: Response,
    /// The recording's id.
    pub recording: String,
}

/// A recording that has ended.
pub struct Ended {
    /// The upstream path.
    pub at: Endpoint,
    /// The recording's id.
    pub recording: String,
}

impl Live {
    /// The upstream ends, and the reader with it.
    pub async fn ends(self) -> Checked<Ended> {
        let Self { at, call, mut reader, recording } = self;
        call.end().await?;
        reader.ends().await?;
        Ok(Ended { at, recording })
    }
}

impl Context {
    /// A key in state `connecting`.
    pub async fn connecting(&self) -> Checked<Connecting> {
        let at = self.endpoint();
        let starter = self.get(&at).open().await?;
        let call = at.accept().await?;
        Ok(Connecting { at, call, starter })
    }

    /// A key in state `streaming`: the upstream has sent `first`, and the reader has read it.
    pub async fn streaming(&self, first: &str) -> Checked<Live> {
        let Connecting { at, mut call, starter } = self.connecting().await?;
        call.head(200, &[("content-type", "text/event-stream")]).await?;
        call.send(first).await?;
        let mut reader = starter.response().await?;
        reader.is(200)?;
        reader.next(first).await?;
        let recording = reader.recording()?;
        holds("a recording has an id", !recording.is_empty())?;
        Ok(Live { at, call, reader, recording })
    }

    /// A key in state `complete` that holds `body`.
    pub async fn complete(&self, body: &str) -> Checked<Ended> {
        self.streaming(body).await?.ends().await
    }

    /// A key in state `stopped` that holds `body`.
    pub async fn stopped(&self, body: &str) -> Checked<Ended> {
        let Live { at, call: _call, mut reader, recording } = self.streaming(body).await?;
        self.stop(&at).await?;
        reader.ends().await?;
        Ok(Ended { at, recording })
    }

    /// A key in state `failed` that holds `body`: the upstream broke its connection.
    pub async fn failed(&self, body: &str) -> Checked<Ended> {
        let Live { at, call, mut reader, recording } = self.streaming(body).await?;
        call.reset();
        reader.breaks().await?;
        self.until_state(&at, "failed").await?;
        Ok(Ended { at, recording })
    }
}

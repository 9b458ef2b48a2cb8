//! Where the bytes of a recording come from.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;
use durablefetch_protocol::demo::Script;
use tokio::time::{sleep, timeout};

use crate::upstream::demo::Demo;
use crate::upstream::http::{UpstreamBody, UpstreamRequest, Upstreams};
use crate::upstream::opened::{NotOpened, Opened};

/// What is to be asked.
#[derive(Debug)]
pub(crate) enum Source {
    /// An upstream, over HTTP.
    Http(Box<UpstreamRequest>),
    /// The built-in event stream.
    Demo(Script),
    /// Panics: before the head (0), or after this many chunks.
    #[cfg(test)]
    Panic {
        /// When.
        at: usize,
    },
}

/// An answer's body.
pub(crate) enum SourceBody {
    Http(UpstreamBody),
    Demo(Demo),
    #[cfg(test)]
    Panic {
        at: usize,
    },
}

impl Source {
    /// Asks, and waits so long for the head.
    pub(crate) async fn open(
        self,
        upstreams: &Upstreams,
        patience: Duration,
    ) -> Result<Opened<SourceBody>, NotOpened> {
        let opened = timeout(patience, self.ask(upstreams)).await;
        opened.unwrap_or(Err(NotOpened::heard(ErrorCode::UpstreamTimeout)))
    }

    async fn ask(self, upstreams: &Upstreams) -> Result<Opened<SourceBody>, NotOpened> {
        match self {
            Self::Http(request) => Ok(upstreams.open(*request).await?.map(SourceBody::Http)),
            Self::Demo(script) => {
                if !script.held.is_zero() {
                    sleep(script.held).await;
                }
                Ok(Demo::open(script).map(SourceBody::Demo))
            }
            #[cfg(test)]
            Self::Panic { at: 0 } => panic!("a test wants this"),
            #[cfg(test)]
            Self::Panic { at } => Ok(Demo::open(Script::of("")).map(|_| SourceBody::Panic { at })),
        }
    }
}

impl SourceBody {
    /// The next chunk; `None` where the body ends as HTTP says a body ends.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Http(body) => body.poll_chunk(cx),
            #[cfg(test)]
            Self::Panic { at: 0 } => panic!("a test wants this"),
            #[cfg(test)]
            Self::Panic { at } => {
                *at -= 1;
                Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
            }
            Self::Demo(demo) => demo.poll_chunk(cx).map(|chunk| chunk.map(Ok)),
        }
    }
}

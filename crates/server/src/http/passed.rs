//! The body of another process's answer, passed on as it comes. Where that process breaks it off, or dies, it is broken
//! here as well: a cut never looks like an end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::http::body::Broken;
use crate::net::connection::Watch;
use crate::recorder::Recorder;

/// What another process sends, for a client of this one.
pub(crate) struct PassedBody {
    recorder: Arc<Recorder>,
    body: Incoming,
    is_broken: bool,
    watch: Watch,
}

impl PassedBody {
    pub(crate) fn new(recorder: &Arc<Recorder>, body: Incoming, watch: Watch) -> Self {
        Self { recorder: Arc::clone(recorder), body, is_broken: false, watch }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }
}

impl std::fmt::Debug for PassedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassedBody").field("is_broken", &self.is_broken).finish_non_exhaustive()
    }
}

impl Body for PassedBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        while !this.is_broken {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.watch.sent();
                    this.recorder.metrics.bytes_out.increment(bytes.len() as u64);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Err(_)) => this.is_broken = true,
            }
        }
        this.watch.poll_break(cx).map(|()| Some(Err(Broken)))
    }

    fn is_end_stream(&self) -> bool {
        !self.is_broken && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

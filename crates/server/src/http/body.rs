//! A reader: the response body that follows a recording. It holds an offset and nothing else.

use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use durablefetch_protocol::admission::Ending;
use durablefetch_protocol::recording::Got;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::keys::reading::Reading;
use crate::net::connection::Watch;
use crate::observe::metrics::Metrics;
use crate::storage::bodies;

/// The most bytes that are read from storage at once.
const READ_MAX: usize = 128 * 1024;

/// A body that follows a recording.
#[derive(Debug)]
pub(crate) struct RecordingBody {
    reading: Reading,
    /// The recorder's, at hand for every chunk.
    metrics: Arc<Metrics>,
    offset: u64,
    /// What is read from storage goes through it. It comes back once the connection has sent the last part.
    buffer: BytesMut,
    /// The body file, while it is read from.
    file: Option<Arc<File>>,
    pending: Option<JoinHandle<io::Result<Bytes>>>,
    ending: Ending,
    /// Where a clean end is.
    until: Option<u64>,
    watch: Watch,
}

impl RecordingBody {
    /// A reader from `offset`. `len` is the stored length, for the endings that do not follow.
    pub(crate) fn new(reading: Reading, offset: u64, len: u64, ending: Ending, watch: Watch) -> Self {
        let metrics = Arc::clone(&reading.recorder.metrics);
        metrics.readers.increment(1.0);
        let until = (ending == Ending::Clean).then_some(len);
        let buffer = BytesMut::new();
        Self { reading, metrics, offset, buffer, file: None, pending: None, ending, until, watch }
    }

    fn deliver(&mut self, bytes: Bytes) -> Frame<Bytes> {
        self.offset += bytes.len() as u64;
        self.watch.sent();
        self.metrics.bytes_out.increment(bytes.len() as u64);
        Frame::data(bytes)
    }

    fn poll_unreadable(
        &mut self,
        cx: &mut Context<'_>,
        error: &io::Error,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        tracing::error!(recording = %self.reading.recording.id, "a body file cannot be read: {error}");
        self.watch.poll_break(cx).map(|()| Some(Err(Broken)))
    }

    /// The body file: the writer's while it writes, and one of our own once the recording has ended, which holds none
    /// open.
    fn file(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = self.file.clone().or_else(|| self.reading.recording.file()) {
            return Ok(file);
        }
        let opened = self.reading.recorder.bodies.open_stored(self.reading.recording.id)?;
        let file = Arc::new(opened.ok_or_else(|| io::Error::other("the body file is missing"))?);
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Bytes from the file up to `until`: at once where they are in the page cache.
    fn read_stored(&mut self, until: u64) -> io::Result<Option<Bytes>> {
        if !self.reading.recording.has_ended() {
            self.metrics.ring_misses.increment(1);
        }
        let file = self.file()?;
        let len = usize::try_from(until - self.offset).unwrap_or(READ_MAX).min(READ_MAX);
        let offset = self.offset;
        self.buffer.resize(len, 0);
        if let Ok(n @ 1..) = bodies::read_cached(&file, &mut self.buffer, offset) {
            return Ok(Some(self.buffer.split_to(n).freeze()));
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        self.pending = Some(tokio::task::spawn_blocking(move || {
            let n = bodies::read_at(&file, &mut buffer, offset)?;
            if n == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body file is too short"));
            }
            buffer.truncate(n);
            Ok(buffer.freeze())
        }));
        Ok(None)
    }
}

impl http_body::Body for RecordingBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            if let Some(pending) = &mut this.pending {
                let read = ready!(Pin::new(pending).poll(cx));
                this.pending = None;
                match read.map_err(io::Error::other).and_then(|bytes| bytes) {
                    Ok(bytes) => return Poll::Ready(Some(Ok(this.deliver(bytes)))),
                    Err(error) => return this.poll_unreadable(cx, &error),
                }
            }
            if this.until == Some(this.offset) {
                return Poll::Ready(None);
            }
            match this.reading.read(this.offset, cx.waker()) {
                Got::Bytes(bytes) => {
                    // It has caught up, and hardly falls behind again.
                    this.buffer = BytesMut::new();
                    return Poll::Ready(Some(Ok(this.deliver(bytes))));
                }
                Got::Stored(until) => match this.read_stored(until) {
                    Ok(Some(bytes)) => return Poll::Ready(Some(Ok(this.deliver(bytes)))),
                    Ok(None) => {}
                    Err(error) => return this.poll_unreadable(cx, &error),
                },
                Got::Wait => return Poll::Pending,
                Got::Ended(state) if state.ends_clean() && this.ending != Ending::Broken => {
                    return Poll::Ready(None);
                }
                Got::Ended(_) | Got::Gone => return this.watch.poll_break(cx).map(|()| Some(Err(Broken))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.until {
            Some(until) => SizeHint::with_exact(until - self.offset),
            None => SizeHint::default(),
        }
    }
}

impl Drop for RecordingBody {
    fn drop(&mut self) {
        self.metrics.readers.decrement(1.0);
    }
}

/// The recording did not end as a body ends; the connection is broken, so that no one mistakes it for an end.
#[derive(Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the recording did not end as a body ends")
    }
}

impl std::error::Error for Broken {}

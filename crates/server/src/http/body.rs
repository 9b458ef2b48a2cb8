//! A reader: the response body that follows a recording. It holds an offset and nothing else.

use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use durablefetch_protocol::ErrorCode;
use durablefetch_protocol::admission::Ending;
use durablefetch_protocol::recording::Got;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::keys::reading::Reading;
use crate::net::connection::{Stalls, Watch};
use crate::readers::SHARE_MIN;
use crate::recorder::Recorder;
use crate::recording::Recording;
use crate::storage::bodies;

/// The most bytes that are read from storage at once.
const READ_MAX: usize = 128 * 1024;
/// The most bytes given to an HTTP/2 stream at once, which may keep them for as long as its reader gives it no window.
const H2_PIECE: usize = 16 * 1024;

/// A body that follows a recording.
pub(crate) struct RecordingBody {
    hold: Hold,
    recorder: Arc<Recorder>,
    recording: Arc<Recording>,
    offset: u64,
    /// Bytes given to an HTTP/1 connection since it was seen to have sent all.
    unsent: usize,
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
        let (recorder, recording) = (Arc::clone(&reading.recorder), Arc::clone(&reading.recording));
        recorder.metrics.readers.increment(1.0);
        let until = (ending == Ending::Clean).then_some(len);
        let hold = if watch.is_h2() {
            let held = Arc::new(Held {
                reading: Mutex::new(Some(reading)),
                recording: Arc::clone(&recording),
                offset: AtomicU64::new(offset),
                seen: AtomicU64::new(u64::MAX),
            });
            let body: Weak<Held> = Arc::downgrade(&held);
            watch.look_after(body);
            Hold::Shared(held)
        } else {
            Hold::Own(reading)
        };
        Self {
            hold,
            recorder,
            recording,
            offset,
            unsent: 0,
            buffer: BytesMut::new(),
            file: None,
            pending: None,
            ending,
            until,
            watch,
        }
    }

    /// What it follows has broken.
    pub(crate) fn is_broken(&self) -> bool {
        let state = self.recording.progress().state();
        !state.is_live() && !state.ends_clean() || self.ending == Ending::Broken
    }

    /// Its HTTP/1 connection has as much to send as it may have.
    fn has_enough(&self) -> bool {
        self.unsent >= SHARE_MIN && !self.watch.is_h2() && self.unsent >= self.recorder.readers.share()
    }

    /// The most bytes that it may give now.
    fn most(&self) -> usize {
        if self.watch.is_h2() { H2_PIECE } else { self.recorder.readers.share().min(READ_MAX) }
    }

    fn deliver(&mut self, bytes: Bytes) -> Frame<Bytes> {
        self.offset += bytes.len() as u64;
        if let Hold::Shared(held) = &self.hold {
            held.offset.store(self.offset, Ordering::Relaxed);
        }
        self.unsent += bytes.len();
        self.watch.sent();
        self.recorder.metrics.bytes_out.increment(bytes.len() as u64);
        Frame::data(bytes)
    }

    fn poll_unreadable(
        &mut self,
        cx: &mut Context<'_>,
        error: &io::Error,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        tracing::error!(recording = %self.recording.id, "a body file cannot be read: {error}");
        self.recorder.metrics.storage_error(ErrorCode::StorageFailed);
        self.watch.poll_break(cx).map(|()| Some(Err(Broken)))
    }

    /// The body file: the writer's while it writes, and one of our own once the recording has ended, which holds none
    /// open. `None` where it is not there.
    fn file(&mut self) -> io::Result<Option<Arc<File>>> {
        let known = self.file.clone().or_else(|| self.recording.file());
        if known.is_some() {
            return Ok(known);
        }
        self.file = self.recorder.bodies.open_stored(self.recording.id)?.map(Arc::new);
        Ok(self.file.clone())
    }

    /// Bytes from the file up to `until`: at once where they are in the page cache.
    fn read_stored(&mut self, until: u64) -> io::Result<Option<Bytes>> {
        if !self.recording.has_ended() {
            self.recorder.metrics.ring_misses.increment(1);
        }
        let file = self.file()?;
        let most = self.most();
        let len = usize::try_from(until - self.offset).unwrap_or(most).min(most);
        let offset = self.offset;
        let Some(file) = file else {
            self.read_shared(offset, len);
            return Ok(None);
        };
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

    /// Bytes from the store of the cluster.
    fn read_shared(&mut self, offset: u64, len: usize) {
        let (recorder, id) = (Arc::clone(&self.recorder), self.recording.id);
        self.pending = Some(tokio::spawn(async move {
            match &recorder.cluster {
                Some(cluster) => cluster.read(id, offset, len).await,
                None => Err(io::Error::other("the body file is missing")),
            }
        }));
    }
}

impl std::fmt::Debug for RecordingBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingBody").field("recording", &self.recording.id).finish_non_exhaustive()
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
            if this.has_enough() {
                // Its connection has enough for now.
                ready!(this.watch.poll_sent(cx));
                this.unsent = 0;
            }
            match this.hold.read(this.offset, cx.waker()) {
                Got::Bytes(mut bytes) => {
                    if bytes.len() > SHARE_MIN {
                        bytes.truncate(this.most());
                    }
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
        self.recorder.metrics.readers.decrement(1.0);
    }
}

/// A body's hold on its recording.
enum Hold {
    /// Over HTTP/1, whose connection ends with a reader that takes nothing.
    Own(Reading),
    Shared(Arc<Held>),
}

impl Hold {
    /// What there is at `offset`, and nothing any more once it is let go of.
    fn read(&mut self, offset: u64, waker: &Waker) -> Got {
        match self {
            Self::Own(reading) => reading.read(offset, waker),
            Self::Shared(held) => {
                held.lock().as_mut().map_or(Got::Gone, |reading| reading.read(offset, waker))
            }
        }
    }
}

/// The hold of a body over HTTP/2, which is taken from a reader that takes nothing.
#[derive(Debug)]
struct Held {
    reading: Mutex<Option<Reading>>,
    recording: Arc<Recording>,
    /// What was given to the connection.
    offset: AtomicU64,
    /// The same at the last look.
    seen: AtomicU64,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Option<Reading>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stalls for Held {
    fn look(&self) {
        let offset = self.offset.load(Ordering::Relaxed);
        let has_more = self.recording.progress().len() > offset;
        let stalls = self.seen.swap(offset, Ordering::Relaxed) == offset;
        if stalls && has_more {
            tracing::debug!(recording = %self.recording.id, "a reader takes nothing and is let go of");
            let reading = self.lock().take();
            drop(reading);
        }
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

//! One connection, and how it is broken.
//!
//! A cut must never look like an end. Over HTTP/1 that takes a reset: an HTTP/1.0 reader, as many proxies are,
//! reads until the connection closes, and an orderly close is its end. Over HTTP/2 the stream alone is reset.
//! Either way what was accepted for the reader goes out first.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::net::transport::Transport;

/// A reader that takes nothing for this long before a reset is reset all the same.
const STALLED: Duration = Duration::from_secs(5);
/// Where nobody tells when all is sent: over HTTP/2, where another task sends, and on systems that do not say what the other
/// side has. A reset drops the rest. This is ample for what was let through, and who gets less asks for more.
const SENT: Duration = Duration::from_millis(100);

/// What a connection and the bodies on it know of each other.
#[derive(Debug, Default)]
struct State {
    /// How often everything that was to be sent had been handed to the system.
    flushes: AtomicU64,
    waiting: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
    reset: AtomicBool,
    /// Requests and bodies that have an [`Answering`].
    answering: AtomicUsize,
    /// Bodies over HTTP/2.
    bodies: Mutex<Vec<Weak<dyn Stalls>>>,
}

/// A body's view of its connection.
#[derive(Debug)]
pub(crate) struct Watch {
    answering: Answering,
    /// How often it had been flushed when something was last given to it.
    sent_at: Option<u64>,
    is_h2: bool,
    patience: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    /// Something was given to the connection to be sent.
    pub(crate) fn sent(&mut self) {
        self.sent_at = Some(self.answering.0.flushes.load(Ordering::Acquire));
    }

    pub(crate) fn is_h2(&self) -> bool {
        self.is_h2
    }

    /// Ready once all that was given to the connection is with the system. Over HTTP/1 the connection is reset
    /// as soon as the body fails.
    pub(crate) fn poll_break(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_h2 {
            return self.patience.get_or_insert_with(|| Box::pin(sleep(SENT))).as_mut().poll(cx);
        }
        ready!(self.poll_sent(cx));
        self.answering.0.reset.store(true, Ordering::Release);
        Poll::Ready(())
    }

    /// Ready once all that was given to an HTTP/1 connection is with the system.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let state = &self.answering.0;
        let flushes = state.flushes.load(Ordering::Acquire);
        // A body that is asked for the first time has had its head given to the connection just now.
        let sent_at = *self.sent_at.get_or_insert(flushes);
        if flushes == sent_at {
            state.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(cx.waker().clone());
            state.waiting.store(true, Ordering::SeqCst);
            if state.flushes.load(Ordering::SeqCst) == sent_at {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Has a body be looked at from time to time, as long as it lives.
    pub(crate) fn look_after(&self, body: Weak<dyn Stalls>) {
        self.answering.0.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }
}

/// A body on a connection that has others: it alone can tell that its reader takes nothing.
pub(crate) trait Stalls: Send + Sync + std::fmt::Debug {
    /// Breaks it if there was something for its reader since the last look, and the reader has taken nothing.
    fn look(&self);
}

/// Counts the requests of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Watches(Arc<State>);

impl Watches {
    /// Whether no request is being answered on the connection.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.answering.load(Ordering::Acquire) == 0
    }

    /// Looks at each body.
    pub(crate) fn look(&self) {
        let mut bodies = self.0.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.retain(|body| body.strong_count() > 0);
        bodies.iter().filter_map(Weak::upgrade).for_each(|body| body.look());
    }

    /// A request came.
    pub(crate) fn request(&self) -> Answering {
        Answering::new(&self.0)
    }
}

/// A request is being answered, or its body is being sent, until this is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Arc<State>);

impl Answering {
    fn new(state: &Arc<State>) -> Self {
        state.answering.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(state))
    }

    /// For the body of the answer.
    pub(crate) fn watch(&self, version: http::Version) -> Watch {
        Watch {
            answering: Self::new(&self.0),
            sent_at: None,
            is_h2: version == http::Version::HTTP_2,
            patience: None,
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A socket that knows when everything was sent, and resets itself where a body on it was broken.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Option<TokioIo<Transport>>,
    state: Arc<State>,
    /// How long the other side may take nothing of what is there for it.
    patience: Duration,
    /// It takes nothing. Made at the first time.
    stall: Option<Pin<Box<Sleep>>>,
    is_stalling: bool,
}

impl Connection {
    /// One whose other side may take nothing for so long.
    pub(crate) fn new(stream: Transport, patience: Duration) -> (Self, Watches) {
        let state = Arc::new(State::default());
        let stream = Some(TokioIo::new(stream));
        let connection =
            Self { stream, state: Arc::clone(&state), patience, stall: None, is_stalling: false };
        (connection, Watches(state))
    }

    /// What came of a write. One that has waited for too long fails, and the connection is reset: the other side may ask
    /// for the rest.
    fn written<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_stalling = false;
            return written;
        }
        let this = &mut *self;
        let patience = this.patience;
        let stall = this.stall.get_or_insert_with(|| Box::pin(sleep(patience)));
        if !std::mem::replace(&mut this.is_stalling, true) {
            stall.as_mut().reset(Instant::now() + patience);
        }
        ready!(stall.as_mut().poll(cx));
        this.state.reset.store(true, Ordering::Release);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn stream(self: Pin<&mut Self>) -> io::Result<Pin<&mut TokioIo<Transport>>> {
        self.get_mut().stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Read for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

impl Write for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream()?.poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream()?.poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper calls this when its buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().stream()?.poll_flush(cx);
        ready!(self.as_mut().written(cx, flushed))?;
        self.state.flushes.fetch_add(1, Ordering::SeqCst);
        if self.state.waiting.swap(false, Ordering::SeqCst) {
            let waiting =
                std::mem::take(&mut *self.state.wakers.lock().unwrap_or_else(PoisonError::into_inner));
            waiting.into_iter().for_each(Waker::wake);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.reset.load(Ordering::Acquire) {
            // An orderly close would look like an end to an HTTP/1.0 reader.
            return Poll::Ready(Ok(()));
        }
        self.stream()?.poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.state.reset.load(Ordering::Acquire) {
            return;
        }
        let Some(stream) = self.stream.take() else { return };
        let Some(stream) = stream.into_inner().into_socket() else { return };
        let resetting = Resetting(stream);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(reset(resetting)));
        }
    }
}

/// A socket that is closed with a reset, even where a shutdown takes it away from a reader that waits for its last bytes.
struct Resetting(TcpStream);

impl Drop for Resetting {
    fn drop(&mut self) {
        if let Err(error) = SockRef::from(&self.0).set_linger(Some(Duration::ZERO)) {
            tracing::debug!("a connection cannot be reset: {error}");
        }
    }
}

/// Closes with a reset once the reader's system has everything: a reset drops what is on its way.
async fn reset(stream: Resetting) {
    let Some(mut left) = unsent(&stream.0) else { return sleep(SENT).await };
    let mut since = Instant::now();
    let mut pause = Duration::from_micros(200);
    while left > 0 && since.elapsed() < STALLED {
        // The system tells no one when the other side has acknowledged; it can only be asked.
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
        let now = unsent(&stream.0).unwrap_or(0);
        if now < left {
            (left, since) = (now, Instant::now());
        }
    }
}

/// Bytes that the other side has not acknowledged, where the system tells.
#[cfg(target_os = "linux")]
fn unsent(stream: &TcpStream) -> Option<u32> {
    use rustix::ioctl::{Getter, ioctl};
    /// `SIOCOUTQ`, tcp(7).
    const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;
    // SAFETY: the kernel writes one int for this opcode, whatever the descriptor is.
    #[expect(unsafe_code, reason = "no safe wrapper knows this ioctl")]
    let queued = unsafe { ioctl(stream, Getter::<SIOCOUTQ, i32>::new()) };
    Some(queued.ok().and_then(|queued| u32::try_from(queued).ok()).unwrap_or(0))
}

/// macOS and Windows have calls for it that no safe wrapper knows, and that nobody has tried here.
#[cfg(not(target_os = "linux"))]
fn unsent(_: &TcpStream) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_busy_until_the_last_request_and_body_are_done() {
        let watches = Watches(Arc::default());
        let _driver = watches.clone();
        assert!(watches.is_idle());
        let (first, second) = (watches.request(), watches.request());
        let body = first.watch(http::Version::HTTP_2);
        drop(first);
        drop(second);
        assert!(!watches.is_idle(), "a body is being sent");
        drop(body);
        assert!(watches.is_idle());
    }
}

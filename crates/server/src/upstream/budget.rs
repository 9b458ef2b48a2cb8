//! How much an upstream may send before the head of its answer, and whether anything was sent to it.
//!
//! Interim answers (1xx) are skipped, and nothing says how many there may be: one that sends them without an end would
//! keep a core busy for as long as a head may take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Some hundred thousand interim answers. More than what HTTP/2 lets an upstream send behind its head before that is
/// seen here (hyper's window of 2 MiB): what has answered is not to fail.
const BEFORE_HEAD: usize = 4 * 1024 * 1024;

/// What is known of a connection's bytes by who does not own it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicBool,
    writes: AtomicUsize,
}

impl Traffic {
    /// Says that the head is here: from now on anything may come.
    pub(crate) fn answered(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// How often it was tried to write. As long as this stays the same, nothing has left this machine.
    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(Ordering::Acquire)
    }

    /// Counted before the bytes are handed on: what fails half-way has been tried.
    fn writing(&self) {
        self.0.writes.fetch_add(1, Ordering::Release);
    }
}

/// A connection on which so much may be read before the head.
#[derive(Debug)]
pub(crate) struct Budget<T> {
    stream: T,
    left: usize,
    traffic: Traffic,
}

impl<T> Budget<T> {
    pub(crate) fn new(stream: T) -> (Self, Traffic) {
        let traffic = Traffic::default();
        (Self { stream, left: BEFORE_HEAD, traffic: traffic.clone() }, traffic)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Budget<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.traffic.0.answered.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        match self.left.checked_sub(buffer.filled().len() - before) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(io::Error::other(format!("{BEFORE_HEAD} bytes came, and no answer")))),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Budget<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traffic.writing();
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.traffic.writing();
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

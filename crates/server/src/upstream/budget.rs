//! How much an upstream may send before the head of its answer.
//!
//! Interim answers (1xx) are skipped, and nothing says how many there may be: one that sends them without an end would
//! keep a core busy for as long as a head may take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Some hundred thousand interim answers. More than what HTTP/2 lets an upstream send behind its head before that is
/// seen here (hyper's window of 2 MiB): what has answered is not to fail.
const BEFORE_HEAD: usize = 4 * 1024 * 1024;

/// Says that the head is here: from now on anything may come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answered(Arc<AtomicBool>);

impl Answered {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection on which so much may be read before the head.
#[derive(Debug)]
pub(crate) struct Budget<T> {
    stream: T,
    left: usize,
    answered: Answered,
}

impl<T> Budget<T> {
    pub(crate) fn new(stream: T) -> (Self, Answered) {
        let answered = Answered::default();
        (Self { stream, left: BEFORE_HEAD, answered: answered.clone() }, answered)
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
        if self.answered.0.load(Ordering::Relaxed) {
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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

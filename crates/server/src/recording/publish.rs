//! The pump's side: what the upstream sends, and how it ends.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::ring::Ring;
use http::HeaderValue;

use crate::error::StoreError;
use crate::recording::waiting::Wake;
use crate::recording::writer::{HURRY_BYTES, Writer};
use crate::recording::{BodyFile, Recording, Start, Writing};

impl Recording {
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// The pump's waker is woken at an end, and by the writer where the pump waits for it.
    pub(crate) fn register_pump(&self, cx: &Context<'_>) {
        self.pump.register(cx.waker());
    }

    pub(crate) fn put_cookies(&self, cookies: Vec<HeaderValue>) {
        *self.cookies.lock().unwrap_or_else(PoisonError::into_inner) = cookies;
    }

    pub(crate) fn take_cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut *self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The upstream has answered. False where the recording has ended meanwhile.
    pub(crate) fn set_head(&self, head: Head, start: Start) -> bool {
        let mut inner = self.lock();
        if !inner.progress.head() {
            return false;
        }
        let _ = self.head.set(head);
        inner.start = start;
        drop(inner);
        self.changed.notify_waiters();
        true
    }

    /// Publishes a chunk. Whom it wakes is added to `wake`, to be woken by the caller, who may have more. False
    /// without room for more: see [`Recording::poll_room`].
    pub(crate) fn publish(
        self: &Arc<Self>,
        chunk: Bytes,
        ring: usize,
        writer: &Writer,
        wake: &mut Vec<Wake>,
    ) -> bool {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if !inner.progress.chunk(chunk.len()) {
            return false;
        }
        let Some(held) = inner.ring.as_mut() else { return false };
        held.set_capacity(ring);
        held.push(chunk);
        if matches!(inner.writing, Writing::GivenUp { .. }) {
            held.written(held.end());
        }
        let (unwritten, room) = (held.end() - held.written_end(), !held.is_full());
        inner.waiting.drain_into(wake);
        let queue = unwritten > 0
            && !matches!(inner.writing, Writing::Starved)
            && !std::mem::replace(&mut inner.dirty, true);
        let hurry = unwritten >= HURRY_BYTES && !std::mem::replace(&mut inner.hurried, true);
        drop(guard);
        if queue {
            writer.dirty(Arc::clone(self));
        }
        if hurry {
            writer.hurry(Arc::clone(self));
        }
        room
    }

    /// Whether the upstream may send more. Where not, the writer wakes the pump.
    pub(crate) fn poll_room(self: &Arc<Self>, writer: &Writer) -> Poll<Result<(), StoreError>> {
        let mut inner = self.lock();
        match &inner.writing {
            Writing::GivenUp { .. } if self.readers() > 0 => {}
            Writing::Failed(error) | Writing::GivenUp { error, .. } => {
                return Poll::Ready(Err(error.clone()));
            }
            Writing::Fine | Writing::Starved => {}
        }
        inner.pump_waits = inner.ring.as_ref().is_some_and(Ring::is_full);
        if !inner.pump_waits {
            return Poll::Ready(Ok(()));
        }
        drop(inner);
        writer.hurry(Arc::clone(self));
        Poll::Pending
    }

    /// Whether everything is written. Where not, the writer wakes the pump.
    pub(crate) fn poll_written(self: &Arc<Self>, writer: &Writer) -> Poll<Result<(), StoreError>> {
        let mut inner = self.lock();
        if let Some(error) = inner.writing.error() {
            return Poll::Ready(Err(error.clone()));
        }
        // What was deleted meanwhile is written no more.
        if inner.file != BodyFile::Kept
            || inner.ring.as_ref().is_none_or(|ring| ring.written_end() == ring.end())
        {
            return Poll::Ready(Ok(()));
        }
        let is_over = inner.progress.decided() == Some(End::Fail(ErrorCode::StorageFull));
        if is_over && matches!(inner.writing, Writing::Starved) {
            // It ended for want of room, and does not wait for any.
            inner.writing.feed();
            if let Some(ring) = &mut inner.ring {
                ring.written(ring.end());
            }
            return Poll::Ready(Ok(()));
        }
        inner.pump_waits = true;
        drop(inner);
        writer.hurry(Arc::clone(self));
        Poll::Pending
    }

    /// The pump looks again whether it may go on.
    pub(crate) fn wake_pump(&self) {
        self.pump.wake();
    }

    /// Storage could not take the end: whatever the upstream said, the recording fails.
    pub(crate) fn fail_storage(&self, code: ErrorCode) {
        self.lock().progress.fail(code);
        self.ended.store(true, Ordering::Release);
    }

    /// The end is on disk, or there is nothing to be kept: readers and waiters may see it.
    pub(crate) fn seal(&self, end: End) {
        let mut inner = self.lock();
        inner.progress.decide(end);
        inner.progress.seal();
        if inner.start == Start::Pending {
            inner.start = Start::Nothing(inner.progress.decided().unwrap_or(end).no_head());
        }
        self.ended.store(true, Ordering::Release);
        let mut wake = Vec::new();
        inner.waiting.drain_into(&mut wake);
        if let Some(ring) = &mut inner.ring {
            ring.set_capacity(0);
        }
        drop(inner);
        self.close_file();
        wake.into_iter().for_each(Wake::wake);
        self.changed.notify_waiters();
    }
}

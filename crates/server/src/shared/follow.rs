//! The readers' side: what there is at an offset.

use std::sync::atomic::Ordering;
use std::task::Waker;

use bytes::Bytes;
use durablefetch_protocol::State;
use durablefetch_protocol::recording::Next;
use durablefetch_protocol::ring::Slice;

use crate::shared::Shared;

/// Small chunks are joined to about this much for a reader that is behind.
const JOIN_MAX: usize = 64 * 1024;

/// What there is for a reader.
#[derive(Debug)]
pub(crate) enum Got {
    Bytes(Bytes),
    /// Storage has the bytes up to this offset.
    Stored(u64),
    /// Nothing yet; the waker is registered.
    Wait,
    Ended(State),
    /// Superseded or deleted.
    Gone,
}

impl Shared {
    /// One reader more, where there are fewer than `most`.
    pub(crate) fn enter(&self, most: usize) -> bool {
        let more = |readers| (readers < most as u64).then_some(readers + 1);
        self.readers.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    pub(crate) fn leave(&self, slot: &mut Option<usize>) {
        if slot.is_some() {
            self.lock().wakers.unregister(slot);
        }
        if self.readers.fetch_sub(1, Ordering::AcqRel) == 1 && self.is_given_up() {
            self.pump.wake();
        }
    }

    /// What there is at `offset`; registers the waker where there is nothing yet.
    pub(crate) fn read(&self, offset: u64, slot: &mut Option<usize>, waker: &Waker) -> Got {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.gone {
            return Got::Gone;
        }
        match inner.machine.next(offset) {
            Next::Ended(state) => Got::Ended(state),
            Next::Wait => {
                inner.wakers.register(slot, waker);
                Got::Wait
            }
            Next::Read(available) => match inner.ring.as_ref().map(|ring| ring.read_joined(offset, JOIN_MAX))
            {
                Some(Slice::Bytes(bytes)) => Got::Bytes(bytes),
                Some(Slice::Behind(until)) => Got::Stored(until),
                None | Some(Slice::Tail) => Got::Stored(offset + available),
            },
        }
    }
}

//! The readers' side: what there is at an offset.

use std::sync::atomic::Ordering;
use std::task::Waker;

use durablefetch_protocol::recording::Got;

use crate::recording::Recording;

impl Recording {
    /// One reader more, where there are fewer than `most`.
    pub(crate) fn enter(&self, most: usize) -> bool {
        let more = |readers| (readers < most as u64).then_some(readers + 1);
        self.readers.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    pub(crate) fn leave(&self, slot: &mut Option<usize>) {
        if slot.is_some() {
            self.lock().waiting.unregister(slot);
        }
        if self.readers.fetch_sub(1, Ordering::AcqRel) == 1 && self.is_given_up() {
            self.pump.wake();
        }
    }

    /// What there is at `offset`; registers the waker where there is nothing yet.
    pub(crate) fn read(&self, offset: u64, slot: &mut Option<usize>, waker: &Waker) -> Got {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.is_gone() {
            return Got::Gone;
        }
        let got = inner.course.look(inner.ring.as_ref(), offset);
        if got == Got::Wait {
            inner.waiting.register(slot, waker);
        }
        got
    }
}

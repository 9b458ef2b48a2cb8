//! The readers' side: what there is at an offset.

use std::sync::atomic::Ordering;
use std::task::Waker;

use durablefetch_protocol::recording::Got;

use crate::recording::Recording;

impl Recording {
    /// One reader more, where there are fewer than `most`.
    pub(crate) fn enter(&self, most: usize) -> bool {
        let more = |readers| (readers < most as u64).then_some(readers + 1);
        let entered = self.readers.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        if entered {
            self.entered.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    /// A reader goes. True where it was the last one.
    pub(crate) fn leave(&self, slot: &mut Option<usize>) -> bool {
        if slot.is_some() {
            self.lock().waiting.unregister(slot);
        }
        let was_last = self.readers.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last && self.is_given_up() {
            self.pump.wake();
        }
        was_last
    }

    /// What there is at `offset`; registers the waker where there is nothing yet.
    pub(crate) fn read(&self, offset: u64, slot: &mut Option<usize>, waker: &Waker) -> Got {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let got = inner.progress.look(inner.ring.as_ref(), offset);
        if got == Got::Wait {
            inner.waiting.register(slot, waker);
        }
        got
    }
}

//! The readers that wait at the tail of a recording.

use std::task::Waker;

use crate::net::threads::Home;

/// A reader that is to be woken, on the thread that it lives on.
#[derive(Debug)]
pub(crate) struct Wake {
    waker: Waker,
    home: Home,
}

impl Wake {
    pub(crate) fn wake(self) {
        self.home.wake(self.waker);
    }
}

/// A slab of wakers. A reader keeps its slot from one wait to the next.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    slots: Vec<Option<Wake>>,
    free: Vec<usize>,
}

impl Waiting {
    /// Wakes `waker` at the next change. `slot` is the reader's, empty before its first wait.
    pub(crate) fn register(&mut self, slot: &mut Option<usize>, waker: &Waker) {
        let index = *slot.get_or_insert_with(|| {
            self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            })
        });
        match &mut self.slots[index] {
            Some(known) => known.waker.clone_from(waker),
            empty => *empty = Some(Wake { waker: waker.clone(), home: Home::here() }),
        }
    }

    /// The reader leaves.
    pub(crate) fn unregister(&mut self, slot: &mut Option<usize>) {
        if let Some(index) = slot.take() {
            self.slots[index] = None;
            self.free.push(index);
        }
    }

    /// Takes all that wait, to be woken once the lock is released.
    pub(crate) fn drain_into(&mut self, out: &mut Vec<Wake>) {
        out.extend(self.slots.iter_mut().filter_map(Option::take));
    }
}

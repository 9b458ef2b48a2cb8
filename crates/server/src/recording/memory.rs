//! The memory that all rings share.

use std::sync::atomic::{AtomicUsize, Ordering};

use durablefetch_protocol::limits::RING_MAX;

/// The least a ring gets, however many there are: below it every reader would read from storage.
const RING_MIN: usize = 4 * 1024;

/// Divides a number of bytes evenly over the live recordings.
#[derive(Debug)]
pub(crate) struct Memory {
    total: usize,
    live: AtomicUsize,
}

impl Memory {
    pub(crate) fn new(total: usize) -> Self {
        Self { total, live: AtomicUsize::new(0) }
    }

    /// How many bytes each ring may hold now.
    pub(crate) fn ring(&self) -> usize {
        (self.total / self.live.load(Ordering::Relaxed).max(1)).clamp(RING_MIN, RING_MAX)
    }

    pub(crate) fn set_live(&self, live: usize) {
        self.live.store(live, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_shrink_as_recordings_come() {
        let memory = Memory::new(1 << 20);
        assert_eq!(memory.ring(), RING_MAX);
        memory.set_live(16);
        assert_eq!(memory.ring(), (1 << 20) / 16);
        memory.set_live(1_000_000);
        assert_eq!(memory.ring(), RING_MIN);
    }
}

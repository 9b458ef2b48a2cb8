//! All readers together: how many there may be, and how much each may have on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counted::Counted;

/// Bytes on their way to all HTTP/1 readers, unless there are so many that each has [`SHARE_MIN`].
const ON_THE_WAY: usize = 64 << 20;
/// Each may have so many, however many there are.
pub(crate) const SHARE_MIN: usize = 8 << 10;
const SHARE_MAX: usize = 256 << 10;

/// The readers of a recorder.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    count: Arc<AtomicUsize>,
    most: usize,
}

impl Readers {
    /// So many at most.
    pub(crate) fn new(most: usize) -> Self {
        Self { count: Arc::default(), most }
    }

    /// One more, where there are fewer than there may be.
    pub(crate) fn enter(&self) -> Option<Counted> {
        Counted::below(self.most, &self.count)
    }

    /// Bytes that one reader may have on its way: given to its connection, and not yet with the system.
    pub(crate) fn share(&self) -> usize {
        (ON_THE_WAY / self.count.load(Ordering::Relaxed).max(1)).clamp(SHARE_MIN, SHARE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_back_and_many_share_what_is_on_its_way() {
        let readers = Readers::new(2);
        assert_eq!(readers.share(), SHARE_MAX);
        let (first, _second) = (readers.enter().unwrap(), readers.enter().unwrap());
        assert!(readers.enter().is_none());
        drop(first);
        assert!(readers.enter().is_some());
        readers.count.store(1024, Ordering::Relaxed);
        assert_eq!(readers.share(), 64 << 10);
        readers.count.store(1_000_000, Ordering::Relaxed);
        assert_eq!(readers.share(), SHARE_MIN);
    }
}

//! Request bodies in memory: how many bytes all of them may have together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// All request bodies of a recorder.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    bytes: Arc<AtomicU64>,
    most: u64,
}

/// What one request body takes of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Upload {
    uploads: Uploads,
    bytes: u64,
}

/// A request body that is here.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    pub(crate) bytes: Bytes,
    /// `None` for no body.
    pub(crate) upload: Option<Upload>,
}

impl Uploads {
    /// So many bytes at most.
    pub(crate) fn new(most: u64) -> Self {
        Self { bytes: Arc::default(), most }
    }

    /// A body of which nothing is there yet.
    pub(crate) fn begin(&self) -> Upload {
        Upload { uploads: self.clone(), bytes: 0 }
    }
}

impl Upload {
    /// So many bytes more. False where there is no room for them, and they are not counted.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let Uploads { bytes: all, most } = &self.uploads;
        let more = |now: u64| now.checked_add(bytes).filter(|sum| sum <= most);
        let grown = all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.uploads.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_the_room_and_give_it_back() {
        let uploads = Uploads::new(10);
        let (mut one, mut other) = (uploads.begin(), uploads.begin());
        assert!(one.grow(6) && other.grow(4) && !other.grow(1) && !one.grow(u64::MAX));
        drop(one);
        assert!(other.grow(6) && !other.grow(1));
        drop(other);
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 0);
    }
}

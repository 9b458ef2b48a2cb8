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
pub(crate) struct Room {
    uploads: Uploads,
    bytes: u64,
}

/// A request body that is being read.
#[derive(Debug)]
pub(crate) struct Upload {
    bytes: Vec<u8>,
    /// How long it is to be, as its client says.
    said: usize,
    room: Room,
}

/// A request body that is here.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    pub(crate) bytes: Bytes,
    /// `None` for no body.
    pub(crate) room: Option<Room>,
}

impl Uploads {
    /// So many bytes at most.
    pub(crate) fn new(most: u64) -> Self {
        Self { bytes: Arc::default(), most }
    }

    /// A body of which nothing is there yet, and whose client says that it is so long; 0 where nothing is said.
    pub(crate) fn begin(&self, said: u64) -> Upload {
        let said = usize::try_from(said).unwrap_or(usize::MAX);
        Upload { bytes: Vec::new(), said, room: self.room() }
    }

    fn room(&self) -> Room {
        Room { uploads: self.clone(), bytes: 0 }
    }
}

impl Upload {
    /// Adds bytes. False where there is no memory for them.
    pub(crate) fn push(&mut self, data: &[u8]) -> bool {
        let (needed, had) = (self.bytes.len() + data.len(), self.bytes.capacity());
        if needed > had {
            // Ever more at a time, and no more than were said.
            let doubled = had.saturating_mul(2);
            let capacity = if needed <= self.said { doubled.min(self.said) } else { doubled }.max(needed);
            if !self.room.grow((capacity - had) as u64) {
                return false;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        true
    }

    /// All of it is here.
    pub(crate) fn finish(self) -> Uploaded {
        Uploaded { bytes: self.bytes.into(), room: Some(self.room) }
    }
}

impl Room {
    /// So many bytes more. False where there is no room for them, and they are not counted.
    fn grow(&mut self, bytes: u64) -> bool {
        let Uploads { bytes: all, most } = &self.uploads;
        let more = |now: u64| now.checked_add(bytes).filter(|sum| sum <= most);
        let grown = all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Room {
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
        let (mut one, mut other) = (uploads.room(), uploads.room());
        assert!(one.grow(6) && other.grow(4) && !other.grow(1) && !one.grow(u64::MAX));
        drop(one);
        assert!(other.grow(6) && !other.grow(1));
        drop(other);
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_body_counts_by_what_it_holds_and_holds_no_more_than_was_said() {
        let uploads = Uploads::new(100);
        let mut body = uploads.begin(10);
        assert!(body.push(b"six is") && body.push(b" ten"));
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 10);
        assert!(body.push(b"!"), "more than was said");
        let body = body.finish();
        assert_eq!((&body.bytes[..], uploads.bytes.load(Ordering::Relaxed)), (&b"six is ten!"[..], 20));
        let mut large = uploads.begin(0);
        assert!(large.push(&[0; 80]) && !large.push(b"x"));
        drop((large, body));
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 0);
    }
}

//! Request bodies in memory: how many bytes all of them may have together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memmap2::{MmapMut, MmapOptions};

/// From so many bytes on a body has pages of its own. They go back to the system with it, and a body that grows stays
/// where it is: an allocator keeps what it is given back, and holds a body twice while it moves it.
const PAGED: usize = 256 << 10;

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
    held: Held,
    /// How much of it is counted.
    capacity: usize,
    /// How long it is to be, as its client says.
    said: usize,
    room: Room,
}

/// Where the bytes of a body are.
#[derive(Debug)]
enum Held {
    Small(Vec<u8>),
    Paged(Pages),
}

/// Pages, and how many of their bytes are the body's. Those that nothing was written to take no memory.
#[derive(Debug)]
struct Pages {
    map: MmapMut,
    len: usize,
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
        Upload { held: Held::Small(Vec::new()), capacity: 0, said, room: self.room() }
    }

    fn room(&self) -> Room {
        Room { uploads: self.clone(), bytes: 0 }
    }
}

impl Upload {
    /// Adds bytes. False without memory for them.
    pub(crate) fn push(&mut self, data: &[u8]) -> bool {
        let (needed, had) = (self.held.bytes().len() + data.len(), self.capacity);
        if needed > had {
            // Ever more at a time, and no more than were said.
            let doubled = had.saturating_mul(2);
            let capacity = if needed <= self.said { doubled.min(self.said) } else { doubled }.max(needed);
            if !self.room.grow((capacity - had) as u64) || !self.held.hold(capacity, self.said) {
                return false;
            }
            self.capacity = capacity;
        }
        self.held.add(data);
        true
    }

    /// All of it is here.
    pub(crate) fn finish(self) -> Uploaded {
        let bytes = match self.held {
            Held::Small(bytes) => bytes.into(),
            Held::Paged(pages) => Bytes::from_owner(pages),
        };
        Uploaded { bytes, room: Some(self.room) }
    }
}

impl Held {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Paged(pages) => pages.as_ref(),
        }
    }

    /// Has room for so many bytes, of a body that is to be so long. False where the system gives none.
    fn hold(&mut self, capacity: usize, said: usize) -> bool {
        let fits = match self {
            Self::Small(bytes) if capacity < PAGED => {
                bytes.reserve_exact(capacity - bytes.len());
                true
            }
            Self::Small(_) => false,
            Self::Paged(pages) => pages.map.len() >= capacity,
        };
        if fits {
            return true;
        }
        let Ok(map) = MmapOptions::new().len(capacity.max(said)).no_reserve_swap().map_anon() else {
            return false;
        };
        let mut pages = Pages { map, len: 0 };
        pages.add(self.bytes());
        *self = Self::Paged(pages);
        true
    }

    fn add(&mut self, data: &[u8]) {
        match self {
            Self::Small(bytes) => bytes.extend_from_slice(data),
            Self::Paged(pages) => pages.add(data),
        }
    }
}

impl Pages {
    fn add(&mut self, data: &[u8]) {
        let end = self.len + data.len();
        self.map[self.len..end].copy_from_slice(data);
        self.len = end;
    }
}

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        &self.map[..self.len]
    }
}

impl Room {
    /// So many bytes more. False without room for them, and they are not counted.
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

    #[test]
    fn a_body_is_what_came_wherever_it_is_held() {
        let bytes: Vec<u8> = (0..3 * PAGED).map(|at| (at % 251) as u8).collect();
        for length in [0, 1, PAGED - 1, PAGED, PAGED + 1, 3 * PAGED] {
            // As long as it was said, longer, and of no said length.
            for said in [length, length / 2, PAGED + 7, 0] {
                for part in [1 << 10, 70_000, usize::MAX] {
                    let uploads = Uploads::new(8 * PAGED as u64);
                    let mut body = uploads.begin(said as u64);
                    assert!(bytes[..length].chunks(part).all(|part| body.push(part)));
                    let body = body.finish();
                    assert!(body.bytes == bytes[..length], "{length} {said} {part}");
                    let counted = uploads.bytes.load(Ordering::Relaxed) as usize;
                    assert!(
                        (length..=2 * length.max(1)).contains(&counted),
                        "{length} {said} {part}: {counted}"
                    );
                    // A clone, for a redirect, outlives it.
                    let clone = body.bytes.clone();
                    drop(body);
                    assert!(clone == bytes[..length]);
                    assert_eq!(uploads.bytes.load(Ordering::Relaxed), 0);
                }
            }
        }
    }
}

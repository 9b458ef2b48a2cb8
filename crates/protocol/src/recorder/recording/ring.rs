//! The ring: the newest bytes of a recording, in memory, between the upstream and its readers.
//!
//! A byte leaves the ring only once it is written to storage, so that a reader finds every byte either here
//! or there. A ring full of unwritten bytes makes the upstream wait. No reader has a queue: a slow one
//! falls behind the ring and reads from storage.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Chunks up to this many bytes are copied into blocks of the ring's own. A chunk is a part of the buffer that the
/// network was read into, mostly a small one of 8 KiB or more, which would stay for as long as its chunk.
const COPIED_MAX: usize = 8 * 1024;
/// A block is about as long as what the ring holds, within these bounds.
const BLOCK: core::ops::RangeInclusive<usize> = 512..=16 * 1024;

/// The newest bytes of one recording.
#[derive(Debug)]
pub struct Ring {
    chunks: VecDeque<Bytes>,
    /// Offset of the first byte held.
    start: u64,
    /// Offset after the last byte held: the published length.
    end: u64,
    /// Bytes before this offset are in storage.
    written: u64,
    capacity: usize,
    /// Room for the next chunks.
    block: BytesMut,
}

/// What the ring has for a reader at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slice {
    /// The bytes from the offset on, as far as one chunk goes; never empty.
    Bytes(Bytes),
    /// The offset is the published end.
    Tail,
    /// The offset lies before the ring: read storage up to this offset.
    Behind(u64),
}

impl Ring {
    /// An empty ring of at most `capacity` written bytes (unwritten ones are held besides, see [`Ring::is_full`]).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { chunks: VecDeque::new(), start: 0, end: 0, written: 0, capacity, block: BytesMut::new() }
    }

    /// Publishes bytes. Empty ones are nothing.
    pub fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            let bytes = if bytes.len() <= COPIED_MAX { self.copied(&bytes) } else { bytes };
            self.end += bytes.len() as u64;
            self.chunks.push_back(bytes);
            self.trim();
        }
    }

    fn copied(&mut self, bytes: &[u8]) -> Bytes {
        if self.block.capacity() < bytes.len() {
            let len = self.held().clamp(*BLOCK.start(), *BLOCK.end());
            self.block = BytesMut::with_capacity(len.max(bytes.len()));
        }
        self.block.extend_from_slice(bytes);
        self.block.split().freeze()
    }

    /// Storage holds every byte before `offset`.
    pub fn written(&mut self, offset: u64) {
        debug_assert!(offset <= self.end, "written past the published end");
        self.written = self.written.max(offset.min(self.end));
        self.trim();
    }

    /// Lets at most `capacity` bytes stay from now on, as the budget over all recordings allows.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.trim();
    }

    /// Whether the upstream has to wait: as many bytes are unwritten as the ring may hold.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.end - self.written >= self.capacity.max(1) as u64
    }

    /// The published length.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The offset up to which storage has the bytes.
    #[must_use]
    pub const fn written_end(&self) -> u64 {
        self.written
    }

    /// Bytes held in memory.
    #[must_use]
    pub const fn held(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The unwritten chunks from `written_end` on, for the writer.
    #[must_use]
    pub fn unwritten(&self) -> Vec<Bytes> {
        let mut at = self.end;
        let mut out = Vec::new();
        for chunk in self.chunks.iter().rev() {
            let chunk_start = at - chunk.len() as u64;
            if at <= self.written {
                break;
            }
            let skip = self.written.saturating_sub(chunk_start) as usize;
            out.push(chunk.slice(skip..));
            at = chunk_start;
        }
        out.reverse();
        out
    }

    /// What there is for a reader at `offset`.
    #[must_use]
    pub fn read(&self, offset: u64) -> Slice {
        if offset >= self.end {
            return Slice::Tail;
        }
        if offset < self.start {
            return Slice::Behind(self.start);
        }
        // Readers are mostly at the newest chunk: look from the end.
        let mut at = self.end;
        for chunk in self.chunks.iter().rev() {
            at -= chunk.len() as u64;
            if at <= offset {
                return Slice::Bytes(chunk.slice((offset - at) as usize..));
            }
        }
        Slice::Behind(self.start)
    }

    /// What there is for a reader at `offset`, with small chunks joined to at most `max` bytes: a reader that
    /// has fallen behind catches up in few steps. One chunk alone is never copied.
    #[must_use]
    pub fn read_joined(&self, offset: u64, max: usize) -> Slice {
        let first = match self.read(offset) {
            Slice::Bytes(first) => first,
            other => return other,
        };
        let after = offset + first.len() as u64;
        if after == self.end || first.len() >= max {
            return Slice::Bytes(first);
        }
        let mut at = self.end;
        let mut rest = 0;
        for chunk in self.chunks.iter().rev() {
            if at <= after {
                break;
            }
            at -= chunk.len() as u64;
            rest += 1;
        }
        let mut room = max - first.len();
        let mut joined = BytesMut::with_capacity(max.min((self.end - offset) as usize));
        joined.extend_from_slice(&first);
        for chunk in self.chunks.range(self.chunks.len() - rest..) {
            if chunk.len() > room {
                break;
            }
            room -= chunk.len();
            joined.extend_from_slice(chunk);
        }
        Slice::Bytes(joined.freeze())
    }

    fn trim(&mut self) {
        while let Some(first) = self.chunks.front() {
            let first_end = self.start + first.len() as u64;
            if self.held() <= self.capacity || first_end > self.written {
                break;
            }
            self.start = first_end;
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(capacity: usize, chunks: &[&'static str]) -> Ring {
        let mut ring = Ring::new(capacity);
        for chunk in chunks {
            ring.push(Bytes::from_static(chunk.as_bytes()));
        }
        ring
    }

    #[test]
    fn readers_find_every_byte_at_its_offset() {
        let ring = ring(100, &["abc", "", "de", "f"]);
        assert_eq!((ring.end(), ring.written_end()), (6, 0));
        assert_eq!(ring.read(0), Slice::Bytes("abc".into()));
        assert_eq!(ring.read(2), Slice::Bytes("c".into()));
        assert_eq!(ring.read(3), Slice::Bytes("de".into()));
        assert_eq!(ring.read(5), Slice::Bytes("f".into()));
        assert_eq!(ring.read(6), Slice::Tail);
    }

    #[test]
    fn small_chunks_are_joined_for_who_is_behind() {
        let ring = ring(100, &["abc", "de", "f", "ghi"]);
        assert_eq!(ring.read_joined(0, 100), Slice::Bytes("abcdefghi".into()));
        assert_eq!(ring.read_joined(1, 5), Slice::Bytes("bcdef".into()));
        assert_eq!(ring.read_joined(1, 2), Slice::Bytes("bc".into()), "one chunk goes whole");
        assert_eq!(ring.read_joined(3, 4), Slice::Bytes("def".into()));
        assert_eq!(ring.read_joined(6, 100), Slice::Bytes("ghi".into()));
        assert_eq!(ring.read_joined(9, 100), Slice::Tail);
    }

    #[test]
    fn a_small_chunk_does_not_keep_the_buffer_it_came_in() {
        let mut ring = Ring::new(1 << 20);
        let buffer = Bytes::from(vec![7; 64 * 1024]);
        for small in buffer.chunks(150) {
            ring.push(buffer.slice_ref(small));
        }
        assert!(buffer.is_unique());
        assert_eq!(ring.held(), 64 * 1024);
        let mut at = 0;
        while let Slice::Bytes(bytes) = ring.read_joined(at, 1000) {
            assert!(bytes.iter().all(|byte| *byte == 7));
            at += bytes.len() as u64;
        }
        assert_eq!(at, 64 * 1024);
        ring.push(buffer.clone());
        assert!(!buffer.is_unique(), "a large one is not copied");
    }

    /// How many chunks lie one after the other in one allocation, for each allocation.
    fn chunks_per_block(ring: &Ring) -> Vec<usize> {
        let mut counts = Vec::new();
        let mut at = 0;
        let mut expected = core::ptr::null();
        while let Slice::Bytes(chunk) = ring.read(at) {
            match counts.last_mut() {
                Some(count) if chunk.as_ptr() == expected => *count += 1,
                _ => counts.push(1),
            }
            expected = chunk.as_ptr_range().end;
            at += chunk.len() as u64;
        }
        counts
    }

    #[test]
    fn small_chunks_fill_blocks_that_grow_with_the_ring_up_to_16_kib() {
        let mut ring = Ring::new(1 << 20);
        for _ in 0..512 {
            ring.push(Bytes::from(vec![7; 128]));
        }
        assert_eq!(chunks_per_block(&ring), [4, 4, 8, 16, 32, 64, 128, 128, 128]);
    }

    #[test]
    fn chunks_of_up_to_8_kib_are_small() {
        for (len, copied) in [(8 * 1024, true), (8 * 1024 + 1, false)] {
            let mut ring = Ring::new(1 << 20);
            let buffer = Bytes::from(vec![7; len]);
            ring.push(buffer.clone());
            assert_eq!(buffer.is_unique(), copied, "{len}");
        }
    }

    #[test]
    fn a_byte_leaves_only_once_it_is_written() {
        let mut ring = ring(2, &["abc", "de", "f"]);
        assert_eq!(ring.held(), 6);
        assert!(ring.is_full());
        ring.written(3);
        assert_eq!(ring.written_end(), 3);
        assert_eq!((ring.held(), ring.read(0)), (3, Slice::Behind(3)));
        assert!(ring.is_full());
        ring.written(6);
        assert_eq!((ring.held(), ring.is_full()), (1, false));
        assert_eq!(ring.read(4), Slice::Behind(5));
        assert_eq!(ring.read(5), Slice::Bytes("f".into()));
    }

    #[test]
    fn a_chunk_half_written_stays_and_its_rest_is_unwritten() {
        let mut ring = ring(1, &["abc", "de"]);
        ring.written(1);
        assert_eq!(ring.read(0), Slice::Bytes("abc".into()));
        assert_eq!(ring.unwritten(), ["bc", "de"]);
        ring.written(3);
        assert_eq!(ring.unwritten(), ["de"]);
        ring.written(5);
        assert!(ring.unwritten().is_empty());
    }

    #[test]
    fn a_smaller_budget_lets_written_bytes_go() {
        let mut ring = ring(100, &["abc", "de"]);
        ring.written(5);
        assert_eq!(ring.held(), 5);
        ring.set_capacity(0);
        assert_eq!((ring.held(), ring.read(5)), (0, Slice::Tail));
        assert!(!ring.is_full(), "an empty ring takes the next chunk");
    }

    #[test]
    fn one_chunk_alone_goes_as_it_is_and_many_up_to_the_bound() {
        let few = ring(100, &["abc", "de"]);
        let at = |slice| match slice {
            Slice::Bytes(bytes) => bytes.as_ptr(),
            other => panic!("{other:?}"),
        };
        assert_eq!(at(few.read_joined(3, 100)), at(few.read(3)), "the newest is not copied");
        assert_eq!(at(few.read_joined(0, 1)), at(few.read(0)), "nor one that is large enough");
        let many = ring(100, &["abc", "d", "e", "f", "g", "h", "i"]);
        assert_eq!(many.read_joined(0, 8), Slice::Bytes("abcdefgh".into()));
    }
}

//! The writer thread: puts what the pumps published into the body files, 64 KiB or 5 to 50 ms at a time.
//!
//! A pump tells it once that a recording has become dirty; further chunks until the next sweep cost nothing.
//! Nobody waits for a sweep: a task that needs a recording written, because it ends or its ring is full, says so, and
//! that one is written at once.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error::StoreError;
use crate::recording::Recording;
use crate::recording::sync::Syncer;
use crate::recording::work::{List, Work};
use crate::storage::bodies::{Bodies, write_all_at};

/// How long a byte waits for company before it is written, at least and at most. It is what `kill -9` can take of a
/// recording that ends interrupted anyway.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_millis(50);
/// What each recording in flight adds to the wait: with few of them a write for every word of a language model is
/// cheap, with many it is most of what a word costs. `docs/decisions/0005-what-a-chunk-costs.md` has what was measured.
const WAIT_EACH: Duration = Duration::from_millis(1);
/// As many unwritten bytes of one recording are written at once.
pub(crate) const HURRY_BYTES: u64 = 64 * 1024;

#[derive(Debug, Default)]
struct Queue {
    dirty: Vec<Arc<Recording>>,
    /// Those that somebody waits for; they are dirty too.
    urgent: Vec<Arc<Recording>>,
    closed: bool,
    /// There was no room for these.
    starved: Vec<Arc<Recording>>,
}

#[derive(Debug, Default)]
struct Shelf {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Recordings in flight.
    live: AtomicUsize,
    /// The file system has no room.
    full: Notify,
}

/// A handle to the writer thread.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    shelf: Arc<Shelf>,
}

impl Writer {
    pub(crate) fn spawn(bodies: Bodies, syncer: Syncer) -> io::Result<(Self, thread::JoinHandle<()>)> {
        let shelf = Arc::new(Shelf::default());
        let theirs = Arc::clone(&shelf);
        let thread =
            thread::Builder::new().name("df-writer".into()).spawn(move || run(&theirs, &bodies, &syncer))?;
        Ok((Self { shelf }, thread))
    }

    /// The recording has something to be written or removed, and had not before.
    pub(crate) fn dirty(&self, recording: Arc<Recording>) {
        let mut queue = lock(&self.shelf.queue);
        queue.dirty.push(recording);
        if queue.dirty.len() == 1 {
            self.shelf.changed.notify_one();
        }
    }

    /// Somebody waits for this one: it is written before the next sweep.
    pub(crate) fn hurry(&self, recording: Arc<Recording>) {
        let mut queue = lock(&self.shelf.queue);
        queue.urgent.push(recording);
        if queue.urgent.len() == 1 {
            self.shelf.changed.notify_one();
        }
    }

    /// So many recordings are in flight.
    pub(crate) fn set_live(&self, live: usize) {
        self.shelf.live.store(live, Ordering::Relaxed);
    }

    /// Waits until the file system had no room for something.
    pub(crate) async fn full(&self) {
        self.shelf.full.notified().await;
    }

    /// The file system had no room.
    pub(crate) fn starve(&self) {
        self.shelf.full.notify_one();
    }

    /// Those that there was no room for until now: [`full`](Self::full) tells of those that come later.
    pub(crate) fn take_starved(&self) -> Vec<Arc<Recording>> {
        // First this: one that comes in between is told of again.
        std::pin::pin!(self.shelf.full.notified()).enable();
        std::mem::take(&mut lock(&self.shelf.queue).starved)
    }

    /// Writes what there is and ends the thread.
    pub(crate) fn close(&self) {
        lock(&self.shelf.queue).closed = true;
        self.shelf.changed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the first byte after a sweep waits for others, where so many recordings are in flight.
fn wait(live: usize) -> Duration {
    let wait = WAIT_EACH.saturating_mul(u32::try_from(live).unwrap_or(u32::MAX));
    wait.clamp(*WAIT.start(), *WAIT.end())
}

fn run(shelf: &Shelf, bodies: &Bodies, syncer: &Syncer) {
    let mut batch = Vec::new();
    let mut until = None;
    loop {
        let mut queue = lock(&shelf.queue);
        let list = loop {
            if !queue.urgent.is_empty() {
                break List::Urgent;
            }
            if queue.closed {
                break List::Dirty;
            }
            if queue.dirty.is_empty() {
                until = None;
                queue = shelf.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = Instant::now();
            let due = until.get_or_insert_with(|| now + wait(shelf.live.load(Ordering::Relaxed)));
            let left = due.saturating_duration_since(now);
            if left.is_zero() {
                break List::Dirty;
            }
            (queue, _) = shelf.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner);
        };
        match list {
            List::Dirty => {
                until = None;
                std::mem::swap(&mut queue.dirty, &mut batch);
                if batch.is_empty() {
                    // Closed, and everything is written.
                    return;
                }
            }
            List::Urgent => std::mem::swap(&mut queue.urgent, &mut batch),
        }
        drop(queue);
        for recording in batch.drain(..) {
            if sweep(&recording, list, bodies, syncer) {
                lock(&shelf.queue).starved.push(recording);
                shelf.full.notify_one();
            }
        }
    }
}

/// Does what is to be done for one recording. True where there was no room.
fn sweep(recording: &Arc<Recording>, list: List, bodies: &Bodies, syncer: &Syncer) -> bool {
    let (from, chunks) = match recording.take_work(list) {
        Work::Write { from, chunks } => (from, chunks),
        Work::Remove => {
            bodies.remove(recording.id);
            recording.set_emptied();
            return recording.written(Ok(0));
        }
        Work::Empty => {
            if let Err(error) = recording.file_or_create(bodies).and_then(|file| file.set_len(0)) {
                tracing::warn!(recording = %recording.id, "a body file cannot be emptied: {error}");
            }
            recording.set_emptied();
            return recording.written(Ok(0));
        }
    };
    if chunks.is_empty() {
        return recording.written(Ok(from));
    }
    let total: usize = chunks.iter().map(bytes::Bytes::len).sum();
    let written = recording.file_or_create(bodies).and_then(|file| {
        // What fits is there after all; the next try writes it once more.
        write_chunks(&file, &chunks, from)?;
        // In a cluster nobody reads the file after this process.
        if recording.pieces().is_none() && recording.mark_unsynced() {
            syncer.add(Arc::clone(recording));
        }
        Ok(from + total as u64)
    });
    recording.written(written.map_err(StoreError::from))
}

/// Writes all chunks from `offset` on; small ones in one call.
fn write_chunks(file: &File, chunks: &[bytes::Bytes], mut offset: u64) -> io::Result<()> {
    if let [one] = chunks {
        return write_all_at(file, one, offset);
    }
    let mut joined = Vec::new();
    for chunk in chunks {
        if joined.is_empty() && chunk.len() >= 16 * 1024 {
            write_all_at(file, chunk, offset)?;
            offset += chunk.len() as u64;
            continue;
        }
        joined.extend_from_slice(chunk);
        if joined.len() as u64 >= HURRY_BYTES {
            write_all_at(file, &joined, offset)?;
            offset += joined.len() as u64;
            joined.clear();
        }
    }
    if joined.is_empty() { Ok(()) } else { write_all_at(file, &joined, offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_waits_a_millisecond_for_each_recording_in_flight_from_5_to_50() {
        for (live, ms) in [(0, 5), (1, 5), (5, 5), (6, 6), (49, 49), (50, 50), (51, 50), (usize::MAX, 50)] {
            assert_eq!(wait(live), Duration::from_millis(ms), "{live}");
        }
    }
}

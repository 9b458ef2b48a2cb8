//! The memory that the rings of one isolate share, and how many recordings are in flight in it.

use std::cell::Cell;

use durablefetch_protocol::limits::RING_MAX;

/// An isolate has 128 MB for everything; the rings of all its objects get a quarter.
const TOTAL: usize = 32 << 20;
/// The least a ring gets, however many there are: below it every reader would read from storage.
const RING_MIN: usize = 4 << 10;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// Recordings in flight in this isolate.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// One more is in flight.
pub(crate) fn takes_off() {
    LIVE.set(LIVE.get() + 1);
}

/// One has ended.
pub(crate) fn lands() {
    LIVE.set(LIVE.get().saturating_sub(1));
}

/// How many bytes each ring may hold now.
pub(crate) fn ring() -> usize {
    (TOTAL / live().max(1)).clamp(RING_MIN, RING_MAX)
}

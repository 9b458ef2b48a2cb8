//! What the recordings of one isolate share: memory for bytes, and time for writing them.

use std::cell::Cell;
use std::time::Duration;

use durablefetch_protocol::limits::RING_MAX;

/// An isolate has 128 MB for everything; the rings of all its objects get an eighth, and what is not written yet
/// another.
const TOTAL: usize = 16 << 20;
/// The least a ring gets, however many there are: below it every reader would read from storage.
const RING_MIN: usize = 4 << 10;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// Recordings in flight in this isolate.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// What a recording in flight takes; dropping it gives it back.
pub(crate) struct Seat(());

impl Seat {
    /// One more is in flight.
    pub(crate) fn take() -> Self {
        LIVE.set(LIVE.get() + 1);
        Self(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(1));
    }
}

/// How many bytes each ring may hold now.
pub(crate) fn ring() -> usize {
    (TOTAL / live().max(1)).clamp(RING_MIN, RING_MAX)
}

/// Every write is a commit of one object's own database: a row on the bill and, on workerd, an fsync that the whole
/// isolate waits for. Alone, a recording commits up to 100 times a second; three of them together eleven times, and more
/// of them no more often than that lets their bytes wait as long as they may. `docs/decisions/0002-worker-commits.md`.
const FLUSH_ALONE: Duration = Duration::from_millis(10);
/// No byte waits longer than this. What a crash can take is the end of a recording that it interrupts anyway.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// How long the first byte that is not written waits for more: `FLUSH_ALONE` · n³ where n recordings are in flight.
pub(crate) fn flush_after() -> Duration {
    let live = u32::try_from(live()).unwrap_or(u32::MAX).max(1);
    FLUSH_ALONE.saturating_mul(live.saturating_pow(3)).min(FLUSH_MAX)
}

/// This many unwritten bytes of one recording do not wait.
pub(crate) fn unwritten() -> u64 {
    ring() as u64
}

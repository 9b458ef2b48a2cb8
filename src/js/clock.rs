//! The time, never going back.

use std::cell::Cell;

use crate::js::sys;

thread_local! {
    static CLOCK: Cell<(f64, f64)> = const { Cell::new((0.0, 0.0)) };
}

/// Milliseconds since some moment. Built on the wall clock, which goes on while the machine sleeps: that is how
/// the reader knows of it. A wall clock that is set back stands still here instead.
pub(crate) fn now() -> u64 {
    let wall = sys::date_now();
    CLOCK.with(|clock| {
        let (last, sum) = clock.get();
        let sum = sum + (wall - last).max(0.0);
        clock.set((wall, sum));
        sum as u64
    })
}

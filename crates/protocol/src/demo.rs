//! The built-in event stream, for trying a recorder in two tabs.

use core::time::Duration;

/// How many events it has.
pub const EVENTS: u32 = 20;
/// The time between two of them; the first comes at once.
pub const EVERY: Duration = Duration::from_secs(1);
/// Its `content-type`.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// The event of this number, from 1 to [`EVENTS`]; `None` after the last. `at_ms` is the wall clock.
#[must_use]
pub fn event(n: u32, at_ms: u64) -> Option<String> {
    (1..=EVENTS)
        .contains(&n)
        .then(|| format!("id: {n}\ndata: {{\"event\":{n},\"of\":{EVENTS},\"at\":{at_ms}}}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twenty_events() {
        assert_eq!((0..30).filter_map(|n| event(n, 1)).count(), 20);
        assert_eq!(event(1, 7).unwrap(), "id: 1\ndata: {\"event\":1,\"of\":20,\"at\":7}\n\n");
    }
}

//! The built-in event stream, for trying a recorder in two tabs, and for measuring the way to it.

use core::time::Duration;

/// How many events it has.
pub const EVENTS: u32 = 20;
/// The time between two of them; the first comes at once.
pub const EVERY: Duration = Duration::from_secs(1);
/// Its `content-type`.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";
/// The longest that a [silent](Script::of) stream may be silent, in seconds.
pub const SILENCE_MAX_S: u64 = 600;

/// What a demo stream sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    events: u32,
    /// The time between two events; the first comes at once.
    pub every: Duration,
}

impl Script {
    /// The script of the stream of this id. `silent-{seconds}-{anything}` sends one event, is silent for so long (1 to
    /// [`SILENCE_MAX_S`]) and sends another: what cuts it in between has an idle timeout. All others send
    /// [`EVENTS`], one [each second](EVERY).
    #[must_use]
    pub fn of(id: &str) -> Self {
        let seconds = id
            .strip_prefix("silent-")
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(s, _)| s.parse().ok());
        match seconds.filter(|seconds| (1..=SILENCE_MAX_S).contains(seconds)) {
            Some(seconds) => Self { events: 2, every: Duration::from_secs(seconds) },
            None => Self { events: EVENTS, every: EVERY },
        }
    }

    /// The event of this number, from 1; `None` after the last. `at_ms` is the wall clock.
    #[must_use]
    pub fn event(self, n: u32, at_ms: u64) -> Option<String> {
        let of = self.events;
        (1..=of)
            .contains(&n)
            .then(|| format!("id: {n}\ndata: {{\"event\":{n},\"of\":{of},\"at\":{at_ms}}}\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twenty_events() {
        let ordinary = Script::of("");
        assert_eq!((0..30).filter_map(|n| ordinary.event(n, 1)).count(), 20);
        assert_eq!(ordinary.event(1, 7).unwrap(), "id: 1\ndata: {\"event\":1,\"of\":20,\"at\":7}\n\n");
    }

    #[test]
    fn a_silent_stream_says_something_twice() {
        let silent = Script::of("silent-90-x");
        assert_eq!(silent.every, Duration::from_secs(90));
        assert_eq!((0..30).filter_map(|n| silent.event(n, 1)).count(), 2);
        for other in ["silent", "silent-90", "silent-0-x", "silent-601-x", "silent-x-x", "silent--1-x", "abc"]
        {
            assert_eq!(Script::of(other), Script::of(""), "{other}");
        }
    }
}

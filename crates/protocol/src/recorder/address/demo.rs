//! The built-in event stream, for trying a recorder in two tabs, and for measuring the way to it.

use core::time::Duration;

/// How many events it has.
pub const EVENTS: u32 = 20;
/// The time between two of them; the first comes at once.
pub const EVERY: Duration = Duration::from_secs(1);
/// Its `content-type`.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";
/// The longest that a stream of a [measuring kind](Script::of) may take, in seconds.
pub const SILENCE_MAX_S: u64 = 600;
/// The largest header that a stream of the kind `head` has, in bytes.
pub const HEAD_MAX: usize = 32 * 1024;
/// The name of that header.
pub const PADDING: &str = "x-demo-padding";

/// What a demo stream sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    events: u32,
    /// The time between two events; the first comes at once.
    pub every: Duration,
    /// How long the head is held back.
    pub held: Duration,
    /// Bytes of a header that is there to be large; 0 for none.
    pub padding: usize,
    /// Its `content-type`.
    pub content_type: &'static str,
}

/// [`EVENTS`] events, one each [`EVERY`].
const ORDINARY: Script =
    Script { events: EVENTS, every: EVERY, held: Duration::ZERO, padding: 0, content_type: CONTENT_TYPE };

impl Script {
    /// The script of the stream of this id. Those of the form `{kind}-{n}-{anything}` are there to measure with:
    ///
    /// | kind | n | |
    /// |---|---|---|
    /// | `silent` | seconds | one event, silence for so long, another: what cuts it in between has an idle timeout |
    /// | `talking` | seconds | an event each second for so long: what cuts it limits how long an answer may take |
    /// | `held` | seconds | the head comes after so long: what cuts it waits for heads no longer |
    /// | `head` | bytes | a head that is so much larger: what refuses it has a small buffer |
    /// | `plain` | events | `text/plain`, which more is done to on the way than to an event stream |
    ///
    /// Seconds are 1 to [`SILENCE_MAX_S`], bytes 1 to [`HEAD_MAX`]. All others send [`EVENTS`], one [each second](EVERY).
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self::measuring(id).unwrap_or(ORDINARY)
    }

    fn measuring(id: &str) -> Option<Self> {
        let (kind, rest) = id.split_once('-')?;
        let n: u64 = rest.split_once('-')?.0.parse().ok()?;
        let most = if kind == "head" { HEAD_MAX as u64 } else { SILENCE_MAX_S };
        if !(1..=most).contains(&n) {
            return None;
        }
        match kind {
            "silent" => Some(Self { events: 2, every: Duration::from_secs(n), ..ORDINARY }),
            // One at once, and one after each second.
            "talking" => Some(Self { events: n as u32 + 1, ..ORDINARY }),
            "held" => Some(Self { events: 1, held: Duration::from_secs(n), ..ORDINARY }),
            "head" => Some(Self { events: 1, padding: n as usize, ..ORDINARY }),
            "plain" => Some(Self { events: n as u32, content_type: "text/plain; charset=utf-8", ..ORDINARY }),
            _ => None,
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

    #[test]
    fn each_kind_is_there_to_measure_something() {
        let count = |script: Script| (0..1000).filter_map(|n| script.event(n, 1)).count();
        let talking = Script::of("talking-90-x");
        assert_eq!((count(talking), talking.every), (91, EVERY));
        let held = Script::of("held-5-x");
        assert_eq!((count(held), held.held), (1, Duration::from_secs(5)));
        let head = Script::of("head-8000-x");
        assert_eq!((count(head), head.padding), (1, 8000));
        let plain = Script::of("plain-4-x");
        assert_eq!((count(plain), plain.content_type), (4, "text/plain; charset=utf-8"));
        for other in
            ["head-32769-x", "head-0-x", "held-601-x", "plain-4", "talking-x-x", "nothing-4-x", "-4-x"]
        {
            assert_eq!(Script::of(other), Script::of(""), "{other}");
        }
    }
}

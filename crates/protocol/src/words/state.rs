//! The states of a recording.

/// Where a recording is in its life. See the diagram in the [crate's documentation](crate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The upstream request is made, its head has not come.
    Connecting,
    /// The head is here, the body is coming.
    Streaming,
    /// The upstream ended the body as HTTP says a body ends.
    Complete,
    /// Somebody asked for the end. What was recorded until then is all there is.
    Stopped,
    /// The upstream broke, timed out or outgrew a limit.
    Failed,
    /// The recorder itself died under it.
    Interrupted,
    /// It was live when a later recording of the same key took its place.
    Superseded,
    /// Somebody deleted it.
    Deleted,
}

impl State {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Streaming,
        Self::Complete,
        Self::Stopped,
        Self::Failed,
        Self::Interrupted,
        Self::Superseded,
        Self::Deleted,
    ];

    /// The value on the wire and in storage. Stable: stored recordings name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the wire value; `None` for anything that is not a state (`unrecorded` and `none` included).
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == value)
    }

    /// Whether bytes may still come.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Connecting | Self::Streaming)
    }

    /// Whether a reader that has every recorded byte may see a clean end. Any other end of a live
    /// reader is broken, so that a cut never looks like an end.
    #[must_use]
    pub const fn ends_clean(self) -> bool {
        matches!(self, Self::Complete | Self::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        for other in ["", "none", "unrecorded", "Complete"] {
            assert_eq!(State::parse(other), None, "{other}");
        }
    }

    #[test]
    fn two_states_are_live_and_two_end_clean() {
        let of =
            |is: fn(State) -> bool| State::ALL.into_iter().filter(|state| is(*state)).collect::<Vec<_>>();
        assert_eq!(of(State::is_live), [State::Connecting, State::Streaming]);
        assert_eq!(of(State::ends_clean), [State::Complete, State::Stopped]);
    }
}

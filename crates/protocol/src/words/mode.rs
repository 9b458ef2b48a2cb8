//! How a request treats what is stored under its key.

/// The value of `durablefetch-mode`. A request without the header is a [`Join`](Mode::Join).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Follow what is there, start where there is nothing (the behaviour of durablefetch 0.1.0).
    #[default]
    Join,
    /// Start anew; what is there is superseded.
    Restart,
    /// Follow what is live; 204 where nothing is. Never starts anything.
    Resume,
    /// Whatever is there, live or ended; 404 where nothing is. Never starts anything.
    Replay,
}

impl Mode {
    /// All modes, in the order of the admission table.
    pub const ALL: [Self; 4] = [Self::Join, Self::Restart, Self::Resume, Self::Replay];

    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Restart => "restart",
            Self::Resume => "resume",
            Self::Replay => "replay",
        }
    }

    /// Reads the value of the header; `None` for anything that is no mode.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == value)
    }

    /// Whether this mode may make an upstream request.
    #[must_use]
    pub const fn may_start(self) -> bool {
        matches!(self, Self::Join | Self::Restart)
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn modes_are_read_as_they_are_written() {
        assert_eq!(Mode::ALL.map(Mode::as_str), ["join", "restart", "resume", "replay"]);
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::parse("Join"), None);
    }

    #[test]
    fn only_join_and_restart_start_something() {
        assert_eq!(Mode::ALL.map(Mode::may_start), [true, true, false, false]);
    }
}

//! How a request treats what is stored under its key.

/// The value of `durablefetch-mode`. A request without the header is a [`Match`](Mode::Match) where it has a request id,
/// and else a [`Join`](Mode::Join).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Follow what is live, whatever it asked; start where nothing is (the behaviour of durablefetch 0.1.0).
    #[default]
    Join,
    /// Follow or take what answers the same request; start beside all else.
    Match,
    /// Follow what is live and answers the same request; start beside all else.
    MatchLive,
    /// Start beside what is there.
    New,
    /// Start anew; what is live is superseded.
    Restart,
    /// Follow what is live; 204 where nothing is. Never starts anything.
    Resume,
    /// Whatever is there, live or ended; 404 where nothing is. Never starts anything.
    Replay,
}

impl Mode {
    /// All modes, in the order of the admission table.
    pub const ALL: [Self; 7] =
        [Self::Join, Self::Match, Self::MatchLive, Self::New, Self::Restart, Self::Resume, Self::Replay];

    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Match => "match",
            Self::MatchLive => "match-live",
            Self::New => "new",
            Self::Restart => "restart",
            Self::Resume => "resume",
            Self::Replay => "replay",
        }
    }

    /// Reads the value of the header; `None` for anything that is not a mode.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == value)
    }

    /// Whether only a recorder of protocol 3 or later knows it.
    #[must_use]
    pub const fn is_of_protocol_3(self) -> bool {
        matches!(self, Self::Match | Self::MatchLive | Self::New)
    }

    /// Whether this mode may make an upstream request.
    #[must_use]
    pub const fn may_start(self) -> bool {
        !matches!(self, Self::Resume | Self::Replay)
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn modes_are_read_as_they_are_written() {
        let written = ["join", "match", "match-live", "new", "restart", "resume", "replay"];
        assert_eq!(Mode::ALL.map(Mode::as_str), written);
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::parse("Join"), None);
    }

    #[test]
    fn what_protocol_3_has_added() {
        let added = [Mode::Match, Mode::MatchLive, Mode::New];
        assert!(Mode::ALL.iter().all(|mode| mode.is_of_protocol_3() == added.contains(mode)));
    }

    #[test]
    fn only_resume_and_replay_start_nothing() {
        assert_eq!(Mode::ALL.map(Mode::may_start), [true, true, true, true, true, false, false]);
    }
}

//! Words of protocol 3, which a client says only to a recorder that has shown that it knows them.

/// The protocol that knows all of these.
pub(crate) const PROTOCOL_3: u64 = 3;

/// Response: the protocol of the recorder, a number.
pub(crate) const PROTOCOL: &str = "durablefetch-protocol";
/// Request: the upstream URL once more, so that a balancer can route fetches and control calls alike.
pub(crate) const FOR: &str = "durablefetch-for";
/// Request: the recording that was in progress when it was asked about.
pub(crate) const ATTACH: &str = "durablefetch-attach";
/// Request: the recording that this client has read whole and does not want once more.
pub(crate) const READ: &str = "durablefetch-read";

/// The value of `durablefetch-mode`: how a request treats what is stored under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What is live, by URL alone; else the same request's finished answer; else a start.
    Join,
    /// The same request's answer, live or finished; else a start.
    Match,
    /// The same request's answer while it is live; else a start.
    MatchLive,
    /// A start, whatever there is.
    New,
    /// A start that supersedes what is live.
    Restart,
    /// What is live; 204 where nothing is.
    Resume,
    /// Whatever is there; 404 where nothing is.
    Replay,
}

const MODES: [(Mode, &str); 7] = [
    (Mode::Join, "join"),
    (Mode::Match, "match"),
    (Mode::MatchLive, "match-live"),
    (Mode::New, "new"),
    (Mode::Restart, "restart"),
    (Mode::Resume, "resume"),
    (Mode::Replay, "replay"),
];

impl Mode {
    /// Reads the value of the header.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        MODES.iter().find(|(_, text)| *text == value).map(|(mode, _)| *mode)
    }

    /// The value on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        MODES.iter().find(|(mode, _)| *mode == self).map_or("", |(_, text)| text)
    }

    /// Whether a recorder of 0.2 refuses it.
    pub(crate) fn is_of_protocol_3(self) -> bool {
        matches!(self, Self::Match | Self::MatchLive | Self::New)
    }
}

//! Admission: one pure function says what becomes of a request, given what is stored under its key.
//!
//! The table that this implements is in `PROTOCOL.md`; the tests walk every cell of it.

use super::ledger::Outcome;
use crate::recorder::recording::Progress;
use crate::recorder::request::headers::Ask;
use crate::words::{ErrorCode, Fingerprint, Mode, RecordingId, State};

pub use crate::recorder::request::control_json::Named;

/// What admission needs to know of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: RecordingId,
    /// Its state, as readers see it.
    pub state: State,
    /// Bytes published.
    pub len: u64,
    /// Of the request that started it.
    pub fingerprint: Fingerprint,
    /// A later one has started since it ended: it answers continuations only.
    pub retired: bool,
    /// Its answer is passed through and not recorded.
    pub passing: bool,
}

impl Stored {
    /// Whether it may answer a request that names no recording.
    const fn serves(&self) -> bool {
        !self.retired && !self.passing
    }
}

/// A request's part in the recording that it is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It made the upstream request, and alone may have the cookies of the answer.
    Starter,
    /// It came to what another request had started.
    Follower,
}

/// How a body that a recorder serves comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Follow: clean if the recording ends `complete` or `stopped`, broken otherwise.
    AsRecorded,
    /// Everything is there: `content-length` and a clean end. The state is in the header.
    Clean,
    /// Everything that there is, then a broken connection. No `content-length`.
    Broken,
}

/// What becomes of a fetch or continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Make an upstream request. What is there is superseded, whatever its state.
    Start,
    /// Wait until this recording has a head ([`head_came`]) or comes to nothing ([`no_head`]).
    Wait(RecordingId),
    /// Serve this recording.
    Serve {
        /// Which.
        recording: RecordingId,
        /// The first byte.
        from: u64,
        /// How it ends.
        ending: Ending,
    },
    /// The answer that was kept for this request id, again.
    AnswerAgain,
    /// 204: there is nothing to resume.
    NoContent,
    /// An error.
    Refuse(ErrorCode),
}

/// Decides a fetch or continuation. `stored` is what the key has, in the order in which it started; `outcome` is what
/// became of the request's id, where that is known.
#[must_use]
pub fn decide(stored: &[Stored], outcome: Option<Outcome>, ask: &Ask) -> Decision {
    match ask {
        Ask::Continue { recording, offset } => continuation(stored, *recording, *offset),
        Ask::Fetch { mode, fingerprint, .. } => match outcome {
            Some(outcome) => known_id(stored, outcome),
            None => fetch(latest(stored), *mode, fingerprint),
        },
    }
}

/// The recording that answers a request which names none: the latest live one, else the latest that has finished.
fn latest(stored: &[Stored]) -> Option<&Stored> {
    let serving = || stored.iter().rev().filter(|stored| stored.serves());
    serving().find(|stored| stored.state.is_live()).or_else(|| serving().next())
}

fn fetch(current: Option<&Stored>, mode: Mode, fingerprint: &Fingerprint) -> Decision {
    let Some(stored) = current else {
        return match mode {
            Mode::Join | Mode::Restart => Decision::Start,
            Mode::Resume => Decision::NoContent,
            Mode::Replay => Decision::Refuse(ErrorCode::NotFound),
        };
    };
    match (mode, stored.state) {
        (Mode::Restart, _) => Decision::Start,
        (_, State::Connecting | State::Streaming) | (Mode::Replay, _) => all(stored.id, stored.state),
        (Mode::Resume, _) => Decision::NoContent,
        (Mode::Join, State::Complete | State::Stopped) if stored.fingerprint == *fingerprint => {
            all(stored.id, stored.state)
        }
        (Mode::Join, _) => Decision::Start,
    }
}

/// From byte 0, whatever the state.
fn all(recording: RecordingId, state: State) -> Decision {
    let ending = match state {
        State::Connecting => return Decision::Wait(recording),
        State::Streaming => Ending::AsRecorded,
        State::Complete | State::Stopped => Ending::Clean,
        State::Failed | State::Interrupted => Ending::Broken,
        // A key's current recording is neither; whoever names one of these finds it gone.
        State::Superseded | State::Deleted => return Decision::Refuse(ErrorCode::Gone),
    };
    Decision::Serve { recording, from: 0, ending }
}

fn continuation(stored: &[Stored], recording: RecordingId, offset: u64) -> Decision {
    match stored.iter().find(|stored| stored.id == recording && !stored.passing) {
        Some(stored) => rest(stored.id, stored.state, stored.len, offset),
        None if stored.iter().any(Stored::serves) => Decision::Refuse(ErrorCode::Superseded),
        None => Decision::Refuse(ErrorCode::Gone),
    }
}

/// From this offset.
fn rest(recording: RecordingId, state: State, len: u64, offset: u64) -> Decision {
    let ending = match state {
        State::Connecting => return Decision::Wait(recording),
        State::Superseded => return Decision::Refuse(ErrorCode::Superseded),
        State::Deleted => return Decision::Refuse(ErrorCode::Gone),
        State::Streaming => Ending::AsRecorded,
        State::Complete | State::Stopped | State::Failed | State::Interrupted => Ending::Clean,
    };
    if offset > len {
        return Decision::Refuse(ErrorCode::OffsetOutOfRange);
    }
    Decision::Serve { recording, from: offset, ending }
}

/// A known request id never starts twice.
fn known_id(stored: &[Stored], outcome: Outcome) -> Decision {
    match outcome {
        Outcome::Started(id) => match stored.iter().find(|stored| stored.id == id) {
            Some(stored) if stored.retired => Decision::Refuse(ErrorCode::Superseded),
            // Its head is there, or was: who waits for it gets what is passed through.
            Some(stored) if stored.passing => Decision::Wait(id),
            Some(stored) => all(stored.id, stored.state),
            None => Decision::Refuse(ErrorCode::Gone),
        },
        Outcome::Superseded => Decision::Refuse(ErrorCode::Superseded),
        Outcome::Deleted => Decision::Refuse(ErrorCode::Deleted),
        Outcome::Answered => Decision::AnswerAgain,
        Outcome::AnsweredNotKept => Decision::Refuse(ErrorCode::AlreadyAnswered),
        Outcome::NoHead(code) => Decision::Refuse(code),
        Outcome::StopAtArrival => Decision::Refuse(ErrorCode::Stopped),
    }
}

/// What a request that waited for a head is served once it is there. By then the recording may have ended, or made way
/// for another.
#[must_use]
pub fn head_came(progress: &Progress, ask: &Ask) -> Decision {
    match (ask, progress.state()) {
        (Ask::Continue { offset, .. }, _) => rest(progress.id(), progress.state(), progress.len(), *offset),
        (Ask::Fetch { .. }, State::Superseded) => Decision::Refuse(ErrorCode::Superseded),
        (Ask::Fetch { .. }, State::Deleted) => Decision::Refuse(ErrorCode::Deleted),
        (Ask::Fetch { .. }, state) => all(progress.id(), state),
    }
}

/// What somebody who waited for a head is told when none will come.
#[must_use]
pub fn no_head(ask: &Ask, code: ErrorCode) -> Decision {
    match ask {
        Ask::Fetch { mode: Mode::Resume, .. } => Decision::NoContent,
        Ask::Fetch { .. } | Ask::Continue { .. } => Decision::Refuse(code),
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

//! Admission: one pure function says what becomes of a request, given what is stored under its key.
//!
//! The table that this implements is in `PROTOCOL.md`; the tests walk every cell of it.

use super::ledger::Outcome;
use crate::recorder::request::headers::Ask;
use crate::words::{ErrorCode, Fingerprint, Mode, RecordingId, RequestId, State};

pub use crate::recorder::request::control_json::Named;

/// What admission needs to know of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: RecordingId,
    /// Its state.
    pub state: State,
    /// Bytes published.
    pub len: u64,
    /// Of the request that started it.
    pub fingerprint: Fingerprint,
}

/// What is stored under the key of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View {
    /// The current recording.
    pub current: Option<Stored>,
    /// The recording that a continuation names, where it is not the current one and is still remembered.
    pub named: Option<Stored>,
    /// What became of the request's id, where that is known.
    pub outcome: Option<Outcome>,
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

/// Decides a fetch or continuation.
#[must_use]
pub fn decide(view: &View, ask: &Ask) -> Decision {
    match ask {
        Ask::Continue { recording, offset } => continuation(view, *recording, *offset),
        Ask::Fetch { mode, request, fingerprint } => match (request, view.outcome) {
            (Some(_), Some(outcome)) => known_id(view, outcome),
            _ => fetch(view.current.as_ref(), *mode, fingerprint),
        },
    }
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
        (_, State::Connecting | State::Streaming) | (Mode::Replay, _) => all(stored),
        (Mode::Resume, _) => Decision::NoContent,
        (Mode::Join, State::Complete | State::Stopped) if stored.fingerprint == *fingerprint => all(stored),
        (Mode::Join, _) => Decision::Start,
    }
}

/// From byte 0, whatever the state.
fn all(stored: &Stored) -> Decision {
    let ending = match stored.state {
        State::Connecting => return Decision::Wait(stored.id),
        State::Streaming => Ending::AsRecorded,
        State::Complete | State::Stopped => Ending::Clean,
        State::Failed | State::Interrupted => Ending::Broken,
        // A key's current recording is neither; whoever names one of these finds it gone.
        State::Superseded | State::Deleted => return Decision::Refuse(ErrorCode::Gone),
    };
    Decision::Serve { recording: stored.id, from: 0, ending }
}

fn continuation(view: &View, recording: RecordingId, offset: u64) -> Decision {
    let found = [view.current, view.named].into_iter().flatten().find(|stored| stored.id == recording);
    let Some(stored) = found else {
        let code = if view.current.is_some() { ErrorCode::Superseded } else { ErrorCode::Gone };
        return Decision::Refuse(code);
    };
    let ending = match stored.state {
        State::Connecting => return Decision::Wait(recording),
        State::Superseded => return Decision::Refuse(ErrorCode::Superseded),
        State::Deleted => return Decision::Refuse(ErrorCode::Gone),
        State::Streaming => Ending::AsRecorded,
        State::Complete | State::Stopped | State::Failed | State::Interrupted => Ending::Clean,
    };
    if offset > stored.len {
        return Decision::Refuse(ErrorCode::OffsetOutOfRange);
    }
    Decision::Serve { recording, from: offset, ending }
}

/// A known request id never starts twice.
fn known_id(view: &View, outcome: Outcome) -> Decision {
    match outcome {
        Outcome::Started(id) => match view.current {
            Some(stored) if stored.id == id => all(&stored),
            _ => Decision::Refuse(ErrorCode::Gone),
        },
        Outcome::Superseded => Decision::Refuse(ErrorCode::Superseded),
        Outcome::Deleted => Decision::Refuse(ErrorCode::Deleted),
        Outcome::Answered => Decision::AnswerAgain,
        Outcome::AnsweredNotKept => Decision::Refuse(ErrorCode::AlreadyAnswered),
        Outcome::NoHead(code) => Decision::Refuse(code),
        Outcome::StopAtArrival => Decision::Refuse(ErrorCode::Stopped),
    }
}

/// What somebody who waited for a head is served once it is there. By then the recording may have ended, or made way
/// for another.
#[must_use]
pub fn head_came(stored: &Stored, ask: &Ask) -> Decision {
    match (ask, stored.state) {
        (Ask::Continue { recording, offset }, _) => {
            continuation(&View { current: Some(*stored), ..View::default() }, *recording, *offset)
        }
        (Ask::Fetch { .. }, State::Superseded) => Decision::Refuse(ErrorCode::Superseded),
        (Ask::Fetch { .. }, State::Deleted) => Decision::Refuse(ErrorCode::Deleted),
        (Ask::Fetch { .. }, _) => all(stored),
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

/// What becomes of a control call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlDecision {
    /// Do it to this recording.
    Apply(RecordingId),
    /// Nothing to do; a success all the same.
    NoOp,
    /// `stop` of a request id not seen yet: remember it.
    Remember,
}

/// Decides a `stop`. `request` is the id it names, if any; the view's outcome is that id's.
#[must_use]
pub fn decide_stop(view: &View, recording: Named, request: Option<&RequestId>) -> ControlDecision {
    if recording == Named::Unknown {
        return ControlDecision::NoOp;
    }
    let started = match (request, view.outcome) {
        (None, _) => None,
        (Some(_), None) => return ControlDecision::Remember,
        (Some(_), Some(Outcome::Started(id))) => Some(id),
        (Some(_), Some(_)) => return ControlDecision::NoOp,
    };
    match view.current {
        Some(stored)
            if stored.state.is_live()
                && recording.covers(stored.id)
                && started.is_none_or(|id| id == stored.id) =>
        {
            ControlDecision::Apply(stored.id)
        }
        _ => ControlDecision::NoOp,
    }
}

/// Decides a `delete`.
#[must_use]
pub fn decide_delete(view: &View, recording: Named) -> ControlDecision {
    match view.current {
        Some(stored) if recording.covers(stored.id) => ControlDecision::Apply(stored.id),
        _ => ControlDecision::NoOp,
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

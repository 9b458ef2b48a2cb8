//! Admission: one pure function says what becomes of a request, given what is stored under its key.
//!
//! The table that this implements is in `PROTOCOL.md`; the tests walk every cell of it.

use super::ledger::Outcome;
use crate::recorder::recording::{Progress, Start};
use crate::recorder::request::headers::{Ask, Fetch};
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
    /// A `restart` started it: it is what `resume` and `replay` mean.
    pub restarted: bool,
    /// A client that has read it to its end and asks again is not answered with it.
    pub volatile: bool,
    /// Its answer is passed through and not recorded.
    pub passing: bool,
}

impl Stored {
    /// Whether it may answer a request that names no recording.
    pub(crate) const fn serves(&self) -> bool {
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
    /// All stored bytes, then a broken connection. No `content-length`.
    Broken,
}

/// What a start does to what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing: both go on.
    Beside,
    /// It is superseded.
    InPlace,
}

/// What becomes of a fetch or continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Make an upstream request.
    Start(Place),
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
        Ask::Fetch(fetch) => match outcome {
            Some(outcome) => known_id(stored, outcome),
            None => new_fetch(stored, fetch),
        },
    }
}

fn new_fetch(stored: &[Stored], fetch: &Fetch) -> Decision {
    // The latest first.
    let serving = || stored.iter().rev().filter(|stored| stored.serves());
    let live = || serving().filter(|stored| stored.state.is_live());
    let finished = || serving().filter(|stored| !stored.state.is_live());
    let found = match fetch.mode {
        Mode::Restart => return Decision::Start(Place::InPlace),
        Mode::New => None,
        Mode::Resume => match restarted_first(live) {
            None => return Decision::NoContent,
            live => live,
        },
        Mode::Replay => match restarted_first(live).or_else(|| restarted_first(finished)) {
            None => return Decision::Refuse(ErrorCode::NotFound),
            found => found,
        },
        Mode::Join | Mode::Match | Mode::MatchLive => {
            let own = |stored: &&Stored| stored.fingerprint == fetch.fingerprint;
            let answers = |stored: &&Stored| own(stored) && takes(fetch, stored);
            let mut live_ones = live();
            let joined = if fetch.mode == Mode::Join { live_ones.next() } else { live_ones.find(own) };
            joined.or_else(|| finished().find(answers)).or_else(|| attached(live, fetch))
        }
    };
    found.map_or(Decision::Start(Place::Beside), |found| all(found.id, found.state))
}

/// The latest of those that a `restart` started, else the latest.
fn restarted_first<'a, I: Iterator<Item = &'a Stored>>(latest_first: impl Fn() -> I) -> Option<&'a Stored> {
    latest_first().find(|stored| stored.restarted).or_else(|| latest_first().next())
}

/// Whether a finished recording of the same request answers it again.
fn takes(fetch: &Fetch, stored: &Stored) -> bool {
    let ended_well = match fetch.mode {
        Mode::Join => stored.state.ends_clean(),
        // Pressing Stop and sending again asks for a new answer.
        Mode::Match => stored.state == State::Complete,
        _ => false,
    };
    ended_well && !fetch.after_event && !(stored.volatile && fetch.read == Some(stored.id))
}

/// What a status spoke of just before, if it is the only live one.
fn attached<'a, I: Iterator<Item = &'a Stored>>(live: impl Fn() -> I, fetch: &Fetch) -> Option<&'a Stored> {
    let mut live = live();
    match (live.next(), live.next()) {
        (Some(only), None) if fetch.attach == Some(only.id) => Some(only),
        _ => None,
    }
}

/// From byte 0, whatever the state.
fn all(recording: RecordingId, state: State) -> Decision {
    let ending = match state {
        State::Connecting => return Decision::Wait(recording),
        State::Streaming => Ending::AsRecorded,
        State::Complete | State::Stopped => Ending::Clean,
        State::Failed | State::Interrupted => Ending::Broken,
        // A key's current recording is neither; a request that names one of these finds it gone.
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
        (Ask::Fetch(_), State::Superseded) => Decision::Refuse(ErrorCode::Superseded),
        (Ask::Fetch(_), State::Deleted) => Decision::Refuse(ErrorCode::Deleted),
        (Ask::Fetch(_), state) => all(progress.id(), state),
    }
}

/// What somebody who waited for a head is told when none will come.
#[must_use]
pub fn no_head(ask: &Ask, code: ErrorCode) -> Decision {
    match ask {
        Ask::Fetch(Fetch { mode: Mode::Resume, .. }) => Decision::NoContent,
        Ask::Fetch(_) | Ask::Continue { .. } => Decision::Refuse(code),
    }
}

/// What a request that has waited for a start is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The answer itself, which is not recorded.
    Pass,
    /// The recording that was waited for.
    Serve {
        /// The first byte.
        from: u64,
        /// How it ends.
        ending: Ending,
    },
    /// 204: there is nothing to resume.
    NoContent,
    /// An error.
    Refuse(ErrorCode),
}

/// The start that a request has waited for has come to this; `progress` is that of its recording.
#[must_use]
pub fn came(start: Start, progress: &Progress, ask: &Ask) -> Came {
    let decision = match start {
        Start::Unrecorded => return Came::Pass,
        Start::Recorded => head_came(progress, ask),
        Start::Nothing(code) => no_head(ask, code),
        Start::Pending => return Came::Refuse(ErrorCode::Internal),
    };
    match decision {
        Decision::Serve { from, ending, .. } => Came::Serve { from, ending },
        Decision::NoContent => Came::NoContent,
        Decision::Refuse(code) => Came::Refuse(code),
        Decision::Start(_) | Decision::Wait(_) | Decision::AnswerAgain => Came::Refuse(ErrorCode::Internal),
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

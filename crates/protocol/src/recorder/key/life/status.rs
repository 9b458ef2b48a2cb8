//! What `in-progress` is told.

use super::{Handle, Held, KeepFor, KeyLife};
use crate::control_json::{LiveRecording, Status};
use crate::recorder::key::admission::Named;
use crate::words::name;
use crate::{ErrorCode, Outcome, RequestId, State};

/// What a driver knows of a recording, and its key does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// The upstream's HTTP status, once it has answered.
    pub status: Option<u16>,
    /// When it was started, milliseconds since 1970.
    pub started_at: u64,
}

impl<H: Handle + Clone> KeyLife<H> {
    /// What there is to tell of the recording that is named, or of the key: of its latest live recording, else of the
    /// latest that answers new requests. `detail` tells the rest of a recording.
    #[must_use]
    pub fn status(
        &self,
        named: Named,
        request: Option<&RequestId>,
        detail: impl Fn(&H) -> Detail,
        keep: KeepFor,
        now_ms: u64,
    ) -> Status {
        // An id that has started another recording than the one that is named tells nothing of either.
        let is_meant = |outcome: &Outcome| !matches!(outcome, Outcome::Started(id) if !named.covers(*id));
        let outcome = request.map(|id| self.ledger.find(id).filter(is_meant));
        let held = match (outcome, named) {
            (None, Named::All) => self.current(),
            (None, Named::Only(id)) | (Some(Some(Outcome::Started(id))), _) => self.held(id),
            _ => None,
        };
        let mut status = match (held, outcome.flatten()) {
            (Some(held), _) => describe(held, &detail, keep, now_ms),
            (None, Some(outcome)) => without_recording(outcome),
            (None, None) => Status::none(),
        };
        if request.is_none() && named == Named::All {
            status.active_connections = self.held.iter().map(|held| held.handle.seen().readers).sum();
        }
        let live = self.held.iter().filter(|held| serves(held) && is_live(held));
        let entry = |held: &Held<H>| LiveRecording {
            recording: held.id.to_string(),
            started_at: detail(&held.handle).started_at,
        };
        status.live = live.map(entry).collect();
        status
    }

    fn current(&self) -> Option<&Held<H>> {
        let latest_first = || self.held.iter().rev().filter(|held| serves(held));
        latest_first().find(|held| is_live(held)).or_else(|| latest_first().next())
    }
}

/// As readers see it.
fn is_live<H: Handle>(held: &Held<H>) -> bool {
    held.handle.seen().progress.state().is_live()
}

fn serves<H: Handle + Clone>(held: &Held<H>) -> bool {
    held.stored().serves()
}

fn describe<H: Handle>(held: &Held<H>, detail: &impl Fn(&H) -> Detail, keep: KeepFor, now_ms: u64) -> Status {
    let seen = held.handle.seen();
    let Detail { status, started_at } = detail(&held.handle);
    let in_use = seen.progress.state().is_live() || seen.readers > 0;
    let used_ms = if in_use { now_ms } else { seen.used_ms };
    let old_ms = held.old_ms(keep).unwrap_or_else(|| now_ms.saturating_add(held.kept_ms(keep)));
    Status {
        active_connections: seen.readers,
        status,
        started_at: Some(started_at),
        expires_at: Some(used_ms.saturating_add(keep.unused_ms).min(old_ms)),
        ..Status::of(&seen.progress)
    }
}

/// Of an id that has arrived, and whose recording is not there.
fn without_recording(outcome: Outcome) -> Status {
    let state = match outcome {
        Outcome::Started(_) | Outcome::NoHead(ErrorCode::Gone) | Outcome::Deleted => State::Deleted.as_str(),
        Outcome::Superseded => State::Superseded.as_str(),
        Outcome::Answered | Outcome::AnsweredNotKept => name::UNRECORDED,
        Outcome::NoHead(ErrorCode::Stopped) | Outcome::StopAtArrival => State::Stopped.as_str(),
        Outcome::NoHead(ErrorCode::Interrupted) => State::Interrupted.as_str(),
        Outcome::NoHead(_) => State::Failed.as_str(),
    };
    Status { state: Some(state.to_owned()), ..Status::none() }
}

//! Heads, ends, and what control calls do.

use super::plan::{Change, Effect, Keep, Step};
use super::{Handle, Held, KeyLife, Plan, Reply, Seen, Standing};
use crate::admission::{Decision, Named};
use crate::ledger::Entry;
use crate::limits::{KEPT_ANSWER_MAX, REQUEST_IDS_MAX};
use crate::recording::{End, Start};
use crate::{ErrorCode, Outcome, RecordingId, RequestId};

impl<H: Handle + Clone> KeyLife<H> {
    pub(super) fn answered(&self, id: RecordingId, recorded: bool, volatile: bool) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        // One that was superseded or deleted meanwhile is told nothing: its end is decided.
        if self.held(id).is_some_and(|held| held.is_live()) {
            let (change, start) = if recorded {
                (Change::Head { id, volatile }, Start::Recorded)
            } else {
                (Change::Unrecord { id }, Start::Unrecorded)
            };
            plan.changes.push(change);
            if volatile {
                plan.steps.push(Step::Volatile(id));
            }
            plan.effects.push(Effect::Tell(id, start));
        }
        plan
    }

    pub(super) fn ended(&self, id: RecordingId, end: End, keep: Keep, now_ms: u64) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        let Some(held) = self.held(id) else {
            // It was superseded or deleted, which removed its row and broke its readers.
            plan.effects.extend([Effect::Seal(id, end), Effect::Discard(id)]);
            return plan;
        };
        let seen = held.handle.seen();
        let len = match keep {
            Keep::All => seen.progress.len(),
            Keep::Nothing => 0,
        };
        plan.effects.push(Effect::Seal(id, end));
        match seen.start {
            Start::Recorded => {
                let cause = if let End::Fail(code) = end { Some(code) } else { None };
                let chunks = seen.progress.chunks();
                plan.changes.push(Change::End { id, state: end.state(), cause, len, chunks, at_ms: now_ms });
                plan.stand(id, Standing::Finished(now_ms));
                return plan;
            }
            Start::Unrecorded if end == End::Complete => {
                let kept = keep == Keep::All && len <= KEPT_ANSWER_MAX as u64;
                let (outcome, answer) =
                    if kept { (Outcome::Answered, Some(id)) } else { (Outcome::AnsweredNotKept, None) };
                self.settle(&mut plan, id, outcome, answer, now_ms);
            }
            Start::Unrecorded | Start::Pending | Start::Nothing(_) => {
                self.settle(&mut plan, id, Outcome::NoHead(end.no_head()), None, now_ms);
            }
        }
        plan.discard(id);
        plan
    }

    /// The rows stay as they are; the next process finds the recording interrupted.
    pub(super) fn unwritable(&self, id: RecordingId, code: ErrorCode, now_ms: u64) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        plan.effects.push(Effect::Seal(id, End::Fail(code)));
        let Some(seen) = self.held(id).map(|held| held.handle.seen()) else {
            plan.effects.push(Effect::Discard(id));
            return plan;
        };
        if seen.start == Start::Recorded {
            plan.stand(id, Standing::Finished(now_ms));
            return plan;
        }
        self.settle(&mut plan, id, Outcome::NoHead(code), None, now_ms);
        plan.discard(id);
        plan.changes.clear();
        plan
    }

    pub(super) fn given_up(&self, id: RecordingId, code: ErrorCode, now_ms: u64) -> Plan {
        let waits = |held: &&Held<H>| held.is_live() && held.handle.seen().start == Start::Pending;
        if self.held(id).filter(waits).is_none() {
            return self.ended(id, End::Fail(code), Keep::Nothing, now_ms);
        }
        let mut plan = Plan::new(Reply::Nothing);
        for request in self.ledger.ids_of(id) {
            plan.forget(request.clone());
        }
        plan.effects.push(Effect::Seal(id, End::Fail(code)));
        plan.discard(id);
        plan
    }

    pub(super) fn stop(&self, named: Named, request: Option<&RequestId>, now_ms: u64) -> Plan {
        let started = match request.map(|id| (id, self.ledger.find(id))) {
            _ if named == Named::Unknown => return Plan::new(Reply::NothingToStop),
            None => None,
            Some((_, Some(Outcome::Started(id)))) => Some(id),
            Some((_, Some(_))) => return Plan::new(Reply::NothingToStop),
            Some((_, None)) if self.ledger.len() >= REQUEST_IDS_MAX => {
                return Plan::new(Reply::Decided(Decision::Refuse(ErrorCode::TooManyRecordings)));
            }
            Some((id, None)) => {
                let mut plan = Plan::new(Reply::Remembered);
                let outcome = Outcome::StopAtArrival;
                plan.set(Entry { id: id.clone(), outcome, at_ms: now_ms }, None);
                return plan;
            }
        };
        let mut plan = Plan::new(Reply::NothingToStop);
        // What has ended and does not show it yet is waited for.
        for (held, _) in self.meant(named, started).filter(|(_, seen)| seen.progress.state().is_live()) {
            plan.effects.push(Effect::Close(held.id, End::Stop));
            plan.reply = Reply::Stopping;
        }
        plan
    }

    pub(super) fn delete(&self, named: Named, request: Option<&RequestId>, now_ms: u64) -> Plan {
        let mut plan = Plan::new(Reply::Deleted);
        let started = match request.map(|id| self.ledger.find(id)) {
            None => None,
            Some(Some(Outcome::Started(id))) => Some(id),
            // Of what it came to there is nothing to delete.
            Some(_) => return plan,
        };
        for (held, _) in self.meant(named, started) {
            let id = held.id;
            self.settle(&mut plan, id, Outcome::Deleted, None, now_ms);
            plan.effects.push(Effect::Break(id, End::Delete));
            if held.is_live() {
                // Its pump lets go of the bytes.
                plan.remove(id);
            } else {
                plan.discard(id);
            }
        }
        plan
    }

    /// The recordings that a control call is about. `started`: only the one that a request id has started. An answer
    /// that is passed through is not a recording.
    fn meant(&self, named: Named, started: Option<RecordingId>) -> impl Iterator<Item = (&Held<H>, Seen)> {
        let is_named = move |id| named.covers(id) && started.is_none_or(|started| started == id);
        let held = self.held.iter().filter(move |held| is_named(held.id));
        held.map(|held| (held, held.handle.seen())).filter(|(_, seen)| seen.start != Start::Unrecorded)
    }

    pub(super) fn left(&self, id: RecordingId) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        if self.leaving.iter().map(Handle::seen).any(|seen| seen.id() == id && seen.readers == 0) {
            plan.steps.push(Step::Left(id));
            plan.effects.push(Effect::Discard(id));
        }
        plan
    }

    pub(super) fn used(used: &[(RecordingId, u64)]) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        plan.changes.extend(used.iter().map(|(id, at_ms)| Change::Use { id: *id, at_ms: *at_ms }));
        plan
    }

    pub(super) fn evict(&self, id: RecordingId, even_if_read: bool, now_ms: u64) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        let Some(held) = self.held(id).filter(|held| !held.is_live()) else { return plan };
        if even_if_read || held.handle.seen().readers == 0 {
            self.settle(&mut plan, id, Outcome::Deleted, None, now_ms);
            plan.discard(id);
        }
        plan
    }

    pub(super) fn fenced(&self) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        for held in &self.held {
            plan.effects.push(Effect::Break(held.id, End::Interrupt));
        }
        plan.steps.push(Step::Empty);
        plan
    }
}

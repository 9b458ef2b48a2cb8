//! Fetches and continuations.

use super::{Handle, KeyLife, Plan, Reply, Standing};
use crate::admission::{self, Decision, Place, Stored};
use crate::ledger::Entry;
use crate::limits::{REQUEST_IDS_MAX, RETIRED_BYTES_MAX, RETIRED_MAX};
use crate::recording::End;
use crate::{Ask, ErrorCode, Fetch, Mode, Outcome, RecordingId};

use super::plan::{Begin, Change, Effect};

impl<H: Handle + Clone> KeyLife<H> {
    pub(super) fn ask(&self, ask: &Ask, new: RecordingId, now_ms: u64) -> Plan {
        let stored = self.stored();
        let outcome = ask.request().and_then(|id| self.ledger.find(id));
        let decision = admission::decide(&stored, outcome, ask);
        let Ask::Fetch(fetch) = ask else { return Plan::new(Reply::Decided(decision)) };
        let (mut plan, answered_with) = match decision {
            Decision::Start(place) => {
                let mut plan = Plan::new(Reply::Started(new));
                self.make_way(&mut plan, &stored, place, now_ms);
                let Fetch { fingerprint, allowance, .. } = *fetch;
                let restarted = fetch.mode == Mode::Restart;
                plan.start(Begin { id: new, fingerprint, restarted, at_ms: now_ms, allowance });
                (plan, new)
            }
            Decision::Wait(id) | Decision::Serve { recording: id, .. } => {
                (Plan::new(Reply::Decided(decision)), id)
            }
            _ => return Plan::new(Reply::Decided(decision)),
        };
        // From here on the id is that recording's, also if another request started it.
        if let Some(id) = fetch.request.clone().filter(|_| outcome.is_none()) {
            if self.ledger.len() >= REQUEST_IDS_MAX {
                return Plan::new(Reply::Decided(Decision::Refuse(ErrorCode::TooManyRecordings)));
            }
            plan.set(Entry { id, outcome: Outcome::Started(answered_with), at_ms: now_ms }, None);
        }
        plan
    }

    /// What is live goes on beside, or is superseded. What has finished is retired, and the oldest of those go where
    /// they are too many.
    fn make_way(&self, plan: &mut Plan, stored: &[Stored], place: Place, now_ms: u64) {
        let mut retired = Vec::new();
        for (held, stored) in self.held.iter().zip(stored) {
            let id = stored.id;
            match held.standing {
                _ if stored.passing => {}
                Standing::Live if place == Place::Beside => {}
                Standing::Live => {
                    self.settle(plan, id, Outcome::Superseded, None, now_ms);
                    plan.remove(id);
                    plan.effects.push(Effect::Break(id, End::Supersede));
                }
                Standing::Finished(ended_ms) => {
                    plan.changes.push(Change::Retire { id, at_ms: now_ms });
                    plan.stand(id, Standing::Retired { ended_ms, since_ms: now_ms });
                    retired.push(*stored);
                }
                Standing::Retired { .. } => retired.push(*stored),
            }
        }
        let (mut count, mut bytes) = (0, 0_u64);
        // The newest first: they are the likeliest to be asked for.
        for stored in retired.into_iter().rev() {
            count += 1;
            bytes = bytes.saturating_add(stored.len);
            if count > RETIRED_MAX || bytes > RETIRED_BYTES_MAX {
                self.settle(plan, stored.id, Outcome::Superseded, None, now_ms);
                plan.discard(stored.id);
            }
        }
    }

    /// Every id that is answered with this recording learns what came of it. `answer`: its bytes are kept for them.
    pub(super) fn settle(
        &self,
        plan: &mut Plan,
        id: RecordingId,
        outcome: Outcome,
        answer: Option<RecordingId>,
        at_ms: u64,
    ) {
        for request in self.ledger.ids_of(id) {
            plan.set(Entry { id: request.clone(), outcome, at_ms }, answer);
        }
    }
}

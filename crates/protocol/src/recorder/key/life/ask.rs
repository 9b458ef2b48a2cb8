//! Fetches and continuations.

use super::{Handle, KeyLife, Plan, Reply, Standing};
use crate::admission::{self, Decision, Stored};
use crate::ledger::Entry;
use crate::limits::{RETIRED_BYTES_MAX, RETIRED_MAX};
use crate::recording::End;
use crate::{Ask, Outcome, RecordingId};

use super::plan::{Begin, Change, Effect};

impl<H: Handle + Clone> KeyLife<H> {
    pub(super) fn ask(&self, ask: &Ask, new: RecordingId, now_ms: u64) -> Plan {
        let stored = self.stored();
        let outcome = ask.request().and_then(|id| self.ledger.find(id));
        let decision = admission::decide(&stored, outcome, ask);
        let (Decision::Start, Ask::Fetch { request, fingerprint, .. }) = (decision, ask) else {
            return Plan::new(Reply::Decided(decision));
        };
        let mut plan = Plan::new(Reply::Started(new));
        self.make_way(&mut plan, &stored, now_ms);
        plan.start(Begin { id: new, fingerprint: *fingerprint, at_ms: now_ms });
        if let Some(id) = request.clone() {
            plan.set(Entry { id, outcome: Outcome::Started(new), at_ms: now_ms }, None);
        }
        plan
    }

    /// What is live is superseded. What has finished is retired, and the oldest of those go where they are too many.
    fn make_way(&self, plan: &mut Plan, stored: &[Stored], now_ms: u64) {
        let mut retired = Vec::new();
        for (held, stored) in self.held.iter().zip(stored) {
            let id = stored.id;
            match held.standing {
                _ if stored.passing => {}
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

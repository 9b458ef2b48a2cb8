//! What has outlived its use.

use super::plan::Effect;
use super::{Handle, Held, KeepFor, KeyLife, Plan, Reply, Standing};
use crate::ledger::Entry;
use crate::limits::REMEMBERED;
use crate::recording::End;
use crate::{ErrorCode, Outcome};

const REMEMBERED_MS: u64 = REMEMBERED.as_millis() as u64;

impl<H: Handle> Held<H> {
    /// When it is too old, whatever uses it; `None` while it is live.
    pub(super) fn old_ms(&self, keep: KeepFor) -> Option<u64> {
        Some(self.ended_ms()?.saturating_add(self.kept_ms(keep)))
    }

    /// How long it is kept after its end at most: its token may say less than what holds for all.
    pub(super) fn kept_ms(&self, keep: KeepFor) -> u64 {
        self.age_ms.map_or(keep.age_ms, |own_ms| own_ms.min(keep.age_ms))
    }

    /// When it has outlived its use, as long as nobody uses it; `None` while it is live.
    fn due_ms(&self, keep: KeepFor) -> Option<u64> {
        let seen = self.handle.seen();
        let old_ms = self.old_ms(keep)?;
        let unused_ms = seen.used_ms.saturating_add(keep.unused_ms);
        match self.standing {
            _ if seen.progress.state().is_live() => None,
            _ if seen.readers > 0 => Some(old_ms),
            Standing::Retired { since_ms, .. } => {
                Some(old_ms.min(unused_ms).min(since_ms.saturating_add(REMEMBERED_MS)))
            }
            Standing::Live | Standing::Finished(_) => Some(old_ms.min(unused_ms)),
        }
    }
}

impl<H: Handle + Clone> KeyLife<H> {
    pub(super) fn due(&self, keep: KeepFor, now_ms: u64) -> Plan {
        let mut plan = Plan::new(Reply::Nothing);
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now_ms);
        let is_over = |entry: &&Entry| is_due(self.forget_ms(entry));
        for entry in self.ledger.entries().filter(is_over) {
            plan.forget(entry.id.clone());
        }
        for held in self.held.iter().filter(|held| is_due(held.due_ms(keep))) {
            let outcome =
                if held.is_retired() { Outcome::Superseded } else { Outcome::NoHead(ErrorCode::Gone) };
            for entry in self.ledger.entries_of(held.id).filter(|entry| !is_over(entry)) {
                plan.set(Entry { id: entry.id.clone(), outcome, at_ms: now_ms }, None);
            }
            if is_due(held.old_ms(keep)) {
                // It is not kept for who reads it either.
                plan.effects.push(Effect::Break(held.id, End::Delete));
            }
            plan.discard(held.id);
        }
        plan
    }

    /// When the next [`Event::Due`](super::Event::Due) has something to do, milliseconds since 1970.
    #[must_use]
    pub fn due_ms(&self, keep: KeepFor) -> Option<u64> {
        let recordings = self.held.iter().filter_map(|held| held.due_ms(keep));
        let ids = self.ledger.entries().filter_map(|entry| self.forget_ms(entry));
        recordings.chain(ids).min()
    }

    /// When an id is forgotten; `None` while its recording is live.
    fn forget_ms(&self, entry: &Entry) -> Option<u64> {
        let since_ms = match entry.outcome {
            Outcome::Started(id) => match self.held(id) {
                Some(held) => held.ended_ms()?.max(entry.at_ms),
                None => entry.at_ms,
            },
            _ => entry.at_ms,
        };
        Some(since_ms.saturating_add(REMEMBERED_MS))
    }
}

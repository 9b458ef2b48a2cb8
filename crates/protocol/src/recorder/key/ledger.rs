//! What a key remembers of request ids: a known request id never starts twice.

use crate::words::limits::{REMEMBERED, REQUEST_IDS_KEPT};
use crate::words::{ErrorCode, RecordingId, RequestId};

/// What became of a request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It started this recording, live or ended.
    Started(RecordingId),
    /// The recording that it started was superseded.
    Superseded,
    /// The recording that it started was deleted.
    Deleted,
    /// The upstream's answer was passed through unrecorded and is kept.
    Answered,
    /// The upstream's answer was passed through unrecorded and was too large to keep.
    AnsweredNotKept,
    /// The upstream never sent a head.
    NoHead(ErrorCode),
    /// It was stopped before it was seen; it will be stopped at arrival.
    StopAtArrival,
}

impl Outcome {
    /// How it is stored. Stable.
    #[must_use]
    pub fn to_text(self) -> String {
        match self {
            Self::Started(id) => format!("started:{id}"),
            Self::Superseded => "superseded".into(),
            Self::Deleted => "deleted".into(),
            Self::Answered => "answered".into(),
            Self::AnsweredNotKept => "answered-not-kept".into(),
            Self::NoHead(code) => format!("no-head:{code}"),
            Self::StopAtArrival => "stop-at-arrival".into(),
        }
    }

    /// Reads what is stored; `None` for what no version of a recorder has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("started", id)) => RecordingId::parse(id).map(Self::Started),
            Some(("no-head", code)) => ErrorCode::parse(code).map(Self::NoHead),
            Some(_) => None,
            None => {
                [Self::Superseded, Self::Deleted, Self::Answered, Self::AnsweredNotKept, Self::StopAtArrival]
                    .into_iter()
                    .find(|outcome| outcome.to_text() == text)
            }
        }
    }
}

/// One remembered id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The id.
    pub id: RequestId,
    /// What became of it.
    pub outcome: Outcome,
    /// When that became known, milliseconds since 1970.
    pub at_ms: u64,
}

/// The ids of one key, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// A ledger from what was stored, in any order.
    #[must_use]
    pub fn from_entries(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.at_ms);
        Self { entries }
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What became of an id, if it is known.
    #[must_use]
    pub fn find(&self, id: &RequestId) -> Option<Outcome> {
        self.entries.iter().find(|entry| entry.id == *id).map(|entry| entry.outcome)
    }

    /// Writes down what became of an id, in place of what was known of it.
    pub fn set(&mut self, id: RequestId, outcome: Outcome, now_ms: u64) {
        self.entries.retain(|entry| entry.id != id);
        self.entries.push(Entry { id, outcome, at_ms: now_ms });
    }

    /// The recording came to this; every id that started it learns so.
    pub fn settle(&mut self, recording: RecordingId, outcome: Outcome, now_ms: u64) {
        for entry in &mut self.entries {
            if entry.outcome == Outcome::Started(recording) {
                entry.outcome = outcome;
                entry.at_ms = now_ms;
            }
        }
    }

    /// Forgets what is too old or too much; ids of the live recording stay. Returns what was forgotten.
    pub fn prune(&mut self, now_ms: u64, live: Option<RecordingId>) -> Vec<RequestId> {
        let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
        let is_live = |entry: &Entry| live.is_some_and(|id| entry.outcome == Outcome::Started(id));
        let mut surplus = self.entries.len().saturating_sub(REQUEST_IDS_KEPT);
        let mut forgotten = Vec::new();
        self.entries.retain(|entry| {
            let drop = !is_live(entry) && (entry.at_ms < horizon || surplus > 0);
            if drop {
                surplus = surplus.saturating_sub(1);
                forgotten.push(entry.id.clone());
            }
            !drop
        });
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> RequestId {
        RequestId::parse(&format!("id-{n}")).unwrap()
    }

    fn recording(n: u128) -> RecordingId {
        RecordingId::from_parts(1, n)
    }

    #[test]
    fn outcomes_are_stored_and_read_back() {
        let mut all = vec![
            Outcome::Started(recording(7)),
            Outcome::Superseded,
            Outcome::Deleted,
            Outcome::Answered,
            Outcome::AnsweredNotKept,
            Outcome::StopAtArrival,
        ];
        all.extend(ErrorCode::ALL.iter().map(|code| Outcome::NoHead(*code)));
        for outcome in all {
            assert_eq!(Outcome::parse(&outcome.to_text()), Some(outcome));
        }
        for bad in ["", "started:x", "no-head:x", "x", "x:y"] {
            assert_eq!(Outcome::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_last_sixteen_are_kept_and_the_live_one_besides() {
        let mut ledger = Ledger::default();
        for n in 0..20 {
            ledger.set(id(n), Outcome::Started(recording(n as u128)), n as u64);
        }
        let forgotten = ledger.prune(20, Some(recording(0)));
        assert_eq!(forgotten, [id(1), id(2), id(3), id(4)]);
        assert_eq!(ledger.entries().len(), 16);
        assert_eq!(ledger.find(&id(0)), Some(Outcome::Started(recording(0))));
    }

    #[test]
    fn ids_are_forgotten_after_ten_minutes_unless_live() {
        let mut ledger = Ledger::default();
        ledger.set(id(1), Outcome::Started(recording(1)), 0);
        ledger.set(id(2), Outcome::Answered, 0);
        ledger.set(id(3), Outcome::Answered, 1);
        assert_eq!(ledger.prune(600_001, Some(recording(1))), [id(2)]);
        assert_eq!(ledger.prune(600_002, None), [id(1), id(3)]);
    }

    #[test]
    fn every_id_of_a_recording_learns_what_came_of_it() {
        let mut ledger = Ledger::default();
        ledger.set(id(1), Outcome::Started(recording(1)), 0);
        ledger.set(id(2), Outcome::Started(recording(2)), 0);
        ledger.settle(recording(1), Outcome::Deleted, 5);
        assert_eq!(ledger.find(&id(1)), Some(Outcome::Deleted));
        assert_eq!(ledger.find(&id(2)), Some(Outcome::Started(recording(2))));
    }

    #[test]
    fn a_stored_ledger_is_read_back_oldest_first() {
        let entry = |n, at_ms| Entry { id: id(n), outcome: Outcome::Answered, at_ms };
        let ledger = Ledger::from_entries(vec![entry(2, 20), entry(1, 10)]);
        assert_eq!(ledger.entries(), [entry(1, 10), entry(2, 20)]);
    }
}

//! What a key remembers of request ids: a known request id never starts twice.

use std::collections::BTreeMap;

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

/// The ids of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: BTreeMap<RequestId, Entry>,
}

impl Ledger {
    /// A ledger from what was stored, in any order.
    #[must_use]
    pub fn from_entries(entries: Vec<Entry>) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect() }
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Whether no id is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many ids are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is known of an id.
    #[must_use]
    pub fn entry(&self, id: &RequestId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// What became of an id, if it is known.
    #[must_use]
    pub fn find(&self, id: &RequestId) -> Option<Outcome> {
        self.entry(id).map(|entry| entry.outcome)
    }

    /// The entries of the ids that are answered with this recording.
    pub fn entries_of(&self, recording: RecordingId) -> impl Iterator<Item = &Entry> {
        self.entries().filter(move |entry| entry.outcome == Outcome::Started(recording))
    }

    /// The ids that are answered with this recording.
    pub fn ids_of(&self, recording: RecordingId) -> impl Iterator<Item = &RequestId> {
        self.entries_of(recording).map(|entry| &entry.id)
    }

    /// Writes down what became of an id, in place of what was known of it.
    pub fn set(&mut self, id: RequestId, outcome: Outcome, at_ms: u64) {
        self.entries.insert(id.clone(), Entry { id, outcome, at_ms });
    }

    /// Forgets an id.
    pub fn forget(&mut self, id: &RequestId) {
        self.entries.remove(id);
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
    fn an_id_is_known_until_it_is_forgotten() {
        let mut ledger = Ledger::from_entries(vec![Entry { id: id(2), outcome: Outcome::Deleted, at_ms: 1 }]);
        ledger.set(id(1), Outcome::Started(recording(1)), 5);
        ledger.set(id(3), Outcome::Started(recording(1)), 6);
        assert_eq!(ledger.ids_of(recording(1)).collect::<Vec<_>>(), [&id(1), &id(3)]);
        ledger.set(id(1), Outcome::Answered, 7);
        assert_eq!((ledger.find(&id(1)), ledger.len()), (Some(Outcome::Answered), 3));
        assert_eq!(ledger.entry(&id(1)).unwrap().at_ms, 7);
        for n in 1..=3 {
            assert!(!ledger.is_empty());
            ledger.forget(&id(n));
        }
        assert!(ledger.is_empty() && ledger.find(&id(1)).is_none());
    }
}

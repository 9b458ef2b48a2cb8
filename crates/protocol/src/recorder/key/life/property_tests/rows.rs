//! Storage.

use super::*;

#[derive(Clone)]
pub(super) struct StoredRow {
    pub(super) row: Row,
    pub(super) fingerprint: Fingerprint,
    pub(super) used_ms: u64,
}

#[derive(Default, Clone)]
pub(super) struct Rows {
    pub(super) recordings: BTreeMap<RecordingId, StoredRow>,
    pub(super) requests: BTreeMap<RequestId, (Entry, bool)>,
}

impl Rows {
    pub(super) fn commit(&mut self, change: &Change) {
        match change.clone() {
            Change::Insert(Begin { id, fingerprint, restarted, at_ms, allowance }) => {
                let row = Row {
                    id,
                    state: State::Connecting,
                    unrecorded: false,
                    restarted,
                    volatile: false,
                    age_ms: allowance.age_ms,
                    len: 0,
                    chunks: 0,
                    ended_ms: None,
                    retired_ms: None,
                };
                let new = StoredRow { row, fingerprint, used_ms: at_ms };
                assert!(self.recordings.insert(id, new).is_none(), "an id is used twice");
            }
            Change::Head { id, volatile } => self.at(id, |row| {
                row.row = Row { state: State::Streaming, volatile, ..row.row };
            }),
            Change::Unrecord { id } => self.at(id, |row| row.row.unrecorded = true),
            Change::End { id, state, len, chunks, at_ms, .. } => self.at(id, |stored| {
                stored.row = Row { state, len, chunks, ended_ms: Some(at_ms), ..stored.row };
                stored.used_ms = stored.used_ms.max(at_ms);
            }),
            Change::Retire { id, at_ms } => self.at(id, |row| row.row.retired_ms = Some(at_ms)),
            Change::Use { id, at_ms } => self.at(id, |row| row.used_ms = at_ms),
            Change::Remove { id } => assert!(self.recordings.remove(&id).is_some(), "removed twice"),
            Change::Request { entry, answer } => {
                if let Some(answer) = answer {
                    assert!(self.recordings.contains_key(&answer), "its bytes are there to be kept");
                }
                self.requests.insert(entry.id.clone(), (entry, answer.is_some()));
            }
            Change::Forget { id } => assert!(self.requests.remove(&id).is_some(), "forgotten twice"),
        }
    }

    fn at(&mut self, id: RecordingId, change: impl FnOnce(&mut StoredRow)) {
        change(self.recordings.get_mut(&id).expect("a change is about a row that is there"));
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger::from_entries(self.requests.values().map(|(entry, _)| entry.clone()).collect())
    }
}

//! What a Durable Object knows of its key: what storage has, and what is in flight.

use std::collections::HashMap;
use std::rc::Rc;

use durablefetch_protocol::admission::View;
use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::recording::Progress;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Ledger, Outcome, RecordingId, RequestId, State};

use crate::recording::{Recording, Start};
use crate::store::{Kind, Row, Store, StoreError};

/// What is known of the key.
#[derive(Default)]
pub(crate) struct KeyState {
    /// The current recording.
    pub(crate) current: Option<Rc<Recording>>,
    /// Finished ones that were superseded, and when.
    pub(crate) retired: Vec<(Rc<Recording>, u64)>,
    /// Answers that are being passed through unrecorded.
    pub(crate) passing: Vec<Rc<Recording>>,
    /// Answers that were passed through and are kept for their request ids.
    pub(crate) answers: HashMap<RequestId, Rc<Recording>>,
    pub(crate) ledger: Ledger,
    /// The number of the next recording.
    pub(crate) next_n: u64,
}

impl KeyState {
    /// Reads storage. Nothing pumps for a fresh instance, so what was live is interrupted, and storage learns so.
    pub(crate) fn load(store: &Store, now_ms: u64) -> Result<Self, StoreError> {
        let mut key_state = Self { next_n: 1, ..Self::default() };
        if !store.is_made() {
            return Ok(key_state);
        }
        let requests = store.requests()?;
        let kept: HashMap<u64, RequestId> =
            requests.iter().filter_map(|(entry, answer)| Some(((*answer)?, entry.id.clone()))).collect();
        key_state.ledger = Ledger::from_entries(requests.into_iter().map(|(entry, _)| entry).collect());
        for row in store.recordings()? {
            key_state.next_n = key_state.next_n.max(row.n + 1);
            key_state.recover(store, row, &kept, now_ms)?;
        }
        Ok(key_state)
    }

    fn recover(
        &mut self,
        store: &Store,
        row: Row,
        kept: &HashMap<u64, RequestId>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let state = State::parse(&row.state).unwrap_or(State::Interrupted);
        let Some(head) = row.head.filter(|_| state != State::Connecting) else {
            self.settle(store, row.id, Outcome::NoHead(ErrorCode::Interrupted), None, now_ms)?;
            return store.remove(row.n);
        };
        let answers = kept.get(&row.n).filter(|_| !state.is_live()).cloned();
        if row.kind == Kind::Unrecorded && answers.is_none() {
            self.settle(store, row.id, Outcome::AnsweredNotKept, None, now_ms)?;
            return store.remove(row.n);
        }
        let (mut len, mut chunks) = (row.len, row.chunks);
        if state.is_live() {
            (len, chunks) = store.extent(row.n)?;
            store.finish(row.n, State::Interrupted.as_str(), None, len, chunks, row.used_ms)?;
        }
        let machine = Progress::recovered(row.id, state, row.cause, len, chunks);
        let start = match row.kind {
            Kind::Recorded => Start::Recorded,
            Kind::Unrecorded => Start::Unrecorded,
        };
        let recording =
            Recording::stored(machine, row.n, row.fingerprint, row.started_ms, row.used_ms, head, start)
                .into();
        match (row.kind, answers, row.retired_ms) {
            (Kind::Unrecorded, Some(request), _) => drop(self.answers.insert(request, recording)),
            (_, _, Some(at_ms)) => self.retired.push((recording, at_ms)),
            (_, _, None) => self.current = Some(recording),
        }
        Ok(())
    }

    /// Writes down what became of the request ids of a recording. `answer` is the number of what is kept for them.
    pub(crate) fn settle(
        &mut self,
        store: &Store,
        recording: RecordingId,
        outcome: Outcome,
        answer: Option<u64>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let ids = self.ids_of(recording);
        self.ledger.settle(recording, outcome, now_ms);
        for id in ids {
            store.put_request(&Entry { id, outcome, at_ms: now_ms }, answer)?;
        }
        Ok(())
    }

    /// The request ids that a recording was started by.
    pub(crate) fn ids_of(&self, recording: RecordingId) -> Vec<RequestId> {
        let started = Outcome::Started(recording);
        self.ledger
            .entries()
            .iter()
            .filter(|entry| entry.outcome == started)
            .map(|entry| entry.id.clone())
            .collect()
    }

    /// Removes what was not used for a TTL, or was superseded too long ago.
    pub(crate) fn expire(&mut self, store: &Store, ttl_ms: u64, now_ms: u64) -> Result<(), StoreError> {
        let remembered = REMEMBERED.as_millis() as u64;
        let unused = |recording: &Recording| {
            !recording.is_live()
                && recording.readers.get() == 0
                && recording.used_ms.get().saturating_add(ttl_ms) <= now_ms
        };
        if let Some(current) = self.current.take_if(|current| unused(current)) {
            store.remove(current.n)?;
        }
        let mut gone = Vec::new();
        self.retired.retain(|(recording, since_ms)| {
            let drop = recording.readers.get() == 0
                && (since_ms.saturating_add(remembered) <= now_ms || unused(recording));
            if drop {
                gone.push(recording.n);
            }
            !drop
        });
        let live = self.current.as_ref().filter(|current| current.is_live()).map(|current| current.id);
        for id in self.ledger.prune(now_ms, live) {
            store.forget_request(&id)?;
            gone.extend(self.answers.remove(&id).map(|answer| answer.n));
        }
        gone.into_iter().try_for_each(|n| store.remove(n))
    }

    /// When there will be something to expire, milliseconds since 1970; `None` where nothing is known.
    pub(crate) fn next_expiry(&self, ttl_ms: u64) -> Option<u64> {
        let remembered = REMEMBERED.as_millis() as u64;
        let current = self.current.iter().map(|current| current.used_ms.get() + ttl_ms);
        let retired = self.retired.iter().map(|(_, since_ms)| since_ms + remembered);
        let ids = self.ledger.entries().iter().map(|entry| entry.at_ms + remembered);
        current.chain(retired).chain(ids).min()
    }

    /// Whether anything is in flight.
    pub(crate) fn is_live(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.is_live()) || !self.passing.is_empty()
    }

    /// What admission needs to know.
    pub(crate) fn view(&self, request: Option<&RequestId>, named: Option<RecordingId>) -> View {
        View {
            current: self.current.as_ref().map(|current| current.view()),
            named: named.and_then(|id| self.find(id)).map(|recording| recording.view()),
            outcome: request.and_then(|id| self.ledger.find(id)),
        }
    }

    /// A recording by its id, current or superseded.
    pub(crate) fn find(&self, id: RecordingId) -> Option<&Rc<Recording>> {
        self.current
            .iter()
            .chain(self.retired.iter().map(|(recording, _)| recording))
            .find(|recording| recording.id == id)
    }

    /// An answer that is being passed through, started by this request id.
    pub(crate) fn passing(&self, request: Option<&RequestId>) -> Option<&Rc<Recording>> {
        let outcome = request.and_then(|id| self.ledger.find(id))?;
        self.passing.iter().find(|recording| outcome == Outcome::Started(recording.id))
    }
}

/// The head of a stored recording, for whom it has one.
pub(crate) fn head_of(recording: &Recording) -> Rc<Head> {
    recording.head().unwrap_or_default()
}

//! What a Durable Object knows of its key: what storage has, and what is in flight.

use std::collections::HashMap;
use std::rc::Rc;

use durablefetch_protocol::admission::View;
use durablefetch_protocol::answer::Head;
use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::recording::Recording;
use durablefetch_protocol::{ErrorCode, Ledger, Outcome, RecordingId, RequestId, State};

use crate::shared::{Shared, Start};
use crate::store::{Kind, Row, Store, StoreError};

/// What is known of the key.
#[derive(Default)]
pub(crate) struct Keyed {
    /// The current recording.
    pub(crate) current: Option<Rc<Shared>>,
    /// Finished ones that were superseded, and when.
    pub(crate) retired: Vec<(Rc<Shared>, u64)>,
    /// Answers that are being passed through unrecorded.
    pub(crate) passing: Vec<Rc<Shared>>,
    /// Answers that were passed through and are kept for their request ids.
    pub(crate) answers: HashMap<RequestId, Rc<Shared>>,
    pub(crate) ledger: Ledger,
    /// The number of the next recording.
    pub(crate) next_n: u64,
}

impl Keyed {
    /// Reads storage. Nothing pumps for a fresh instance, so what was live is interrupted, and storage learns so.
    pub(crate) fn load(store: &Store, now_ms: u64) -> Result<Self, StoreError> {
        let mut keyed = Self { next_n: 1, ..Self::default() };
        if !store.is_made() {
            return Ok(keyed);
        }
        let requests = store.requests()?;
        let kept: HashMap<u64, RequestId> =
            requests.iter().filter_map(|(entry, answer)| Some(((*answer)?, entry.id.clone()))).collect();
        keyed.ledger = Ledger::from_entries(requests.into_iter().map(|(entry, _)| entry).collect());
        for row in store.recordings()? {
            keyed.next_n = keyed.next_n.max(row.n + 1);
            keyed.recover(store, row, &kept, now_ms)?;
        }
        Ok(keyed)
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
        let machine = Recording::recovered(row.id, state, row.cause, len, chunks);
        let start = match row.kind {
            Kind::Recorded => Start::Recorded,
            Kind::Unrecorded => Start::Unrecorded,
        };
        let shared =
            Shared::stored(machine, row.n, row.fingerprint, row.started_ms, row.used_ms, head, start).into();
        match (row.kind, answers, row.retired_ms) {
            (Kind::Unrecorded, Some(request), _) => drop(self.answers.insert(request, shared)),
            (_, _, Some(at_ms)) => self.retired.push((shared, at_ms)),
            (_, _, None) => self.current = Some(shared),
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
        let unused = |shared: &Shared| {
            !shared.is_live()
                && shared.readers.get() == 0
                && shared.used_ms.get().saturating_add(ttl_ms) <= now_ms
        };
        if let Some(current) = self.current.take_if(|current| unused(current)) {
            store.remove(current.n)?;
        }
        let mut gone = Vec::new();
        self.retired.retain(|(shared, since_ms)| {
            let drop = shared.readers.get() == 0
                && (since_ms.saturating_add(remembered) <= now_ms || unused(shared));
            if drop {
                gone.push(shared.n);
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
            named: named.and_then(|id| self.find(id)).map(|shared| shared.view()),
            outcome: request.and_then(|id| self.ledger.find(id)),
        }
    }

    /// A recording by its id, current or superseded.
    pub(crate) fn find(&self, id: RecordingId) -> Option<&Rc<Shared>> {
        self.current
            .iter()
            .chain(self.retired.iter().map(|(shared, _)| shared))
            .find(|shared| shared.id == id)
    }

    /// An answer that is being passed through, started by this request id.
    pub(crate) fn passing(&self, request: Option<&RequestId>) -> Option<&Rc<Shared>> {
        let outcome = request.and_then(|id| self.ledger.find(id))?;
        self.passing.iter().find(|shared| outcome == Outcome::Started(shared.id))
    }
}

/// The head of a stored recording, for whom it has one.
pub(crate) fn head_of(shared: &Shared) -> Rc<Head> {
    shared.head().unwrap_or_default()
}

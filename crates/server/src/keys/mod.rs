//! What is known of each key, loaded from the database when it is first asked for.

pub(crate) mod admit;
pub(crate) mod finish;
pub(crate) mod housekeeping;
mod pump;
mod quota;
mod start;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::admission::View;
use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::{Key, Ledger, Outcome, RecordingId, RequestId};
use tokio::sync::{Notify, OwnedMutexGuard};

use crate::error::StoreError;
use crate::recorder::Recorder;
use crate::recording::{Readers, Recording};
use crate::storage::rows;

/// Keys in memory before those that nobody uses are looked for out of turn.
const IDLE_MAX: usize = 128;

/// All keys that something is known of and that somebody holds.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    entries: Mutex<HashMap<Key, Arc<Entry>>>,
    /// There are more than [`IDLE_MAX`].
    crowded: Notify,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    state: Arc<tokio::sync::Mutex<KeyState>>,
}

/// What is known of a key. It is what the database has, and what is in flight.
#[derive(Debug, Default)]
pub(crate) struct KeyState {
    loaded: bool,
    /// The current recording.
    pub(crate) current: Option<Arc<Recording>>,
    /// Finished ones that were superseded, and when.
    pub(crate) retired: Vec<(Arc<Recording>, u64)>,
    pub(crate) ledger: Ledger,
    /// Answers that are being passed through unrecorded.
    pub(crate) passing: Vec<Arc<Recording>>,
}

impl Keys {
    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a key. Whoever holds it keeps it in memory.
    pub(crate) fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(key) {
            return Arc::clone(entry);
        }
        let entry = Arc::new(Entry { key: key.clone(), state: Arc::default() });
        entries.insert(key.clone(), Arc::clone(&entry));
        if entries.len() > IDLE_MAX && entries.len() % IDLE_MAX == 1 {
            self.crowded.notify_one();
        }
        entry
    }

    /// Waits until so many are held that those nobody uses should go. Each has a file open.
    pub(crate) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Everything that is in memory.
    pub(crate) fn held(&self) -> Vec<Arc<Entry>> {
        self.entries().values().cloned().collect()
    }

    /// Lets go of what nobody holds. A pump and a reader hold the entry of their key.
    pub(crate) fn let_go(&self) {
        self.entries().retain(|_, entry| Arc::strong_count(entry) > 1);
    }
}

impl Entry {
    /// What is known of the key, to oneself. What has outlived its use is gone from it.
    pub(crate) async fn lock(
        &self,
        recorder: &Recorder,
        now_ms: u64,
    ) -> Result<OwnedMutexGuard<KeyState>, StoreError> {
        let mut state = Arc::clone(&self.state).lock_owned().await;
        if !state.loaded {
            state.load(recorder, &self.key).await?;
        }
        state.expire(recorder, &self.key, now_ms).await?;
        Ok(state)
    }

    /// As [`Entry::lock`], where nobody uses the key at this moment and it is loaded.
    pub(crate) fn peek(&self) -> Option<OwnedMutexGuard<KeyState>> {
        Arc::clone(&self.state).try_lock_owned().ok().filter(|state| state.loaded)
    }
}

impl KeyState {
    async fn load(&mut self, recorder: &Recorder, key: &Key) -> Result<(), StoreError> {
        let wanted = key.clone();
        let (recordings, ledger) = recorder.db.call(move |db| rows::load(db, &wanted)).await?;
        for row in recordings {
            let (id, retired_ms) = (row.id, row.retired_ms);
            let bodies = recorder.bodies.clone();
            let opened = tokio::task::spawn_blocking(move || {
                Ok::<_, std::io::Error>((bodies.open_stored(id)?, bodies.len(id)?))
            });
            let (file, len) = opened.await.map_err(std::io::Error::other)?.map_err(StoreError::from)?;
            let recording = Arc::new(Recording::stored(key.clone(), row, file, len));
            match retired_ms {
                None => self.current = Some(recording),
                Some(at_ms) => self.retired.push((recording, at_ms)),
            }
        }
        self.ledger = ledger;
        self.loaded = true;
        Ok(())
    }

    /// Removes what was not used for a TTL, or was superseded too long ago.
    async fn expire(&mut self, recorder: &Recorder, key: &Key, now_ms: u64) -> Result<(), StoreError> {
        let ttl = recorder.config.ttl.as_millis() as u64;
        let remembered = REMEMBERED.as_millis() as u64;
        let unused = |recording: &Recording| {
            !recording.is_live()
                && recording.readers() == 0
                && recording.used_ms().saturating_add(ttl) <= now_ms
        };
        let mut expired: Vec<Arc<Recording>> = Vec::new();
        if let Some(current) = self.current.take_if(|current| unused(current)) {
            expired.push(current);
        }
        self.retired.retain(|(recording, since_ms)| {
            let drop = since_ms.saturating_add(remembered) <= now_ms || unused(recording);
            if drop {
                expired.push(Arc::clone(recording));
            }
            !drop
        });
        let live = self.current.as_ref().filter(|current| current.is_live()).map(|current| current.id);
        let forgotten = self.ledger.prune(now_ms, live);
        if expired.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordingId> = expired.iter().map(|recording| recording.id).collect();
        // One that was superseded lets its readers finish from a file without a name.
        expired.iter().for_each(|recording| recorder.discard(recording, Readers::Finish));
        let key = key.clone();
        recorder
            .db
            .call(move |db| {
                ids.iter().try_for_each(|id| rows::remove(db, *id))?;
                rows::forget_requests(db, &key, &forgotten)
            })
            .await
    }

    /// What admission needs to know.
    pub(crate) fn view(&self, request: Option<&RequestId>, named: Option<RecordingId>) -> View {
        View {
            current: self.current.as_ref().map(|current| current.view()),
            named: named.and_then(|id| self.find(id)).map(|recording| recording.view()),
            outcome: request.and_then(|id| self.ledger.find(id)),
        }
    }

    /// A recording of this key by its id, current or superseded.
    pub(crate) fn find(&self, id: RecordingId) -> Option<&Arc<Recording>> {
        self.current
            .iter()
            .chain(self.retired.iter().map(|(recording, _)| recording))
            .find(|recording| recording.id == id)
    }

    /// An answer that is being passed through, started by this request id.
    pub(crate) fn passing(&self, request: Option<&RequestId>) -> Option<&Arc<Recording>> {
        let outcome = request.and_then(|id| self.ledger.find(id))?;
        self.passing.iter().find(|recording| outcome == Outcome::Started(recording.id))
    }
}

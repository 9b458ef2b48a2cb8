//! Starting a recording: key and request id are on disk before the upstream is asked.

use std::sync::Arc;

use durablefetch_protocol::ledger::Entry as LedgerEntry;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Fingerprint, Outcome, ProtocolError, RecordingId, RequestId};
use tokio::sync::OwnedMutexGuard;

use crate::clock::now_ms;
use crate::error::StoreError;
use crate::keys::pump;
use crate::keys::{Entry, KeyState};
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::recording::Recording;
use crate::storage::rows;
use crate::upstream::source::Source;

/// What is to be started.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) request: Option<RequestId>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) source: Source,
}

/// Starts a recording in place of what is there. It is started even if the asker leaves meanwhile.
pub(crate) async fn start(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    state: OwnedMutexGuard<KeyState>,
    wanted: Wanted,
) -> Result<Arc<Recording>, ProtocolError> {
    let (recorder, entry) = (Arc::clone(recorder), Arc::clone(entry));
    // In a task of its own: a half-done start must not be left by an asker who hangs up.
    let started = tokio::spawn(async move { run(&recorder, &entry, state, wanted).await });
    started.await.map_err(|_| ProtocolError::from(ErrorCode::Internal))?
}

async fn run(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    mut state: OwnedMutexGuard<KeyState>,
    wanted: Wanted,
) -> Result<Arc<Recording>, ProtocolError> {
    let seat = recorder.may_start(entry.key.scope())?;
    let now_ms = now_ms();
    let id = recorder.new_id()?;
    // First the old one: from here on it is over for its readers, whatever becomes of the new one.
    let old = state.current.clone();
    let was_live = old.as_ref().is_some_and(|old| old.end(End::Supersede));
    let old_id = old.as_ref().map(|old| old.id);
    let retire = old_id.filter(|_| !was_live);
    commit(recorder, entry, id, &wanted, old_id, retire, now_ms).await.inspect_err(|error| {
        if was_live {
            state.current = None;
        }
        if error.code == ErrorCode::StorageFull {
            recorder.writer.starve();
        }
    })?;

    if let Some(old) = old {
        state.ledger.settle(old.id, Outcome::Superseded, now_ms);
        if !was_live {
            state.retired.push((old, now_ms));
        }
    }
    if let Some(request) = wanted.request {
        state.ledger.set(request, Outcome::Started(id), now_ms);
    }
    let recording =
        Recording::connecting(id, entry.key.clone(), wanted.fingerprint, now_ms, recorder.memory.ring());
    let recording = Arc::new(recording);
    state.current = Some(Arc::clone(&recording));
    recorder.takes_off(seat, &recording);
    tracing::info!(recording = %id, url = redact::key(&entry.key), "started");
    pump::spawn(Arc::clone(recorder), Arc::clone(entry), Arc::clone(&recording), wanted.source);
    Ok(recording)
}

/// Writes down the new recording, what became of the old one, and the request id, all or nothing. `retire`: the old
/// one had finished, and answers continuations for a while.
async fn commit(
    recorder: &Recorder,
    entry: &Entry,
    id: RecordingId,
    wanted: &Wanted,
    old: Option<RecordingId>,
    retire: Option<RecordingId>,
    now_ms: u64,
) -> Result<(), StoreError> {
    let key = entry.key.clone();
    let fingerprint = wanted.fingerprint;
    let request = wanted.request.clone();
    recorder
        .db
        .call(move |db| {
            if let Some(old) = old {
                rows::settle(db, &key, old, Outcome::Superseded, None, now_ms)?;
                match retire {
                    Some(finished) => rows::retire(db, finished, now_ms)?,
                    None => rows::remove(db, old)?,
                }
            }
            rows::insert(db, &key, id, &fingerprint, now_ms)?;
            if let Some(request) = request {
                let outcome = Outcome::Started(id);
                rows::put_request(db, &key, &LedgerEntry { id: request, outcome, at_ms: now_ms })?;
            }
            Ok(())
        })
        .await
}

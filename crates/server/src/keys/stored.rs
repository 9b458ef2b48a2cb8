//! What is stored of a key: in the data directory, or in the store of the cluster. Both are told the same changes.

use std::sync::Arc;

use durablefetch_protocol::life::{Change, Event};
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId, RequestId};
use durablefetch_store_postgres::{self as shared, Commit, Loaded, Piece};

use crate::clock::now_ms;
use crate::cluster::{self, Cluster};
use crate::error::StoreError;
use crate::key_map::{Claimed, Entry, Life};
use crate::recorder::Recorder;
use crate::recording::Recording;
use crate::storage::places;
use crate::storage::rows::{self, Freight, Stored};
use crate::storage::usage::Grown;

/// What of a plan is to be written.
pub(super) struct Writing {
    pub(super) changes: Vec<Change>,
    pub(super) freight: Arc<Freight>,
    /// In a cluster: the last bytes of the recording that ends with it.
    pub(super) last: Option<Piece>,
}

/// What became of it.
pub(super) enum Written {
    /// It is written.
    Done {
        /// What the rows in the data directory have grown by.
        grown: Grown,
        /// In a cluster: where the pieces go of the recording that has started with it.
        bucket: Option<u8>,
    },
    /// Nothing is: another process has the key.
    Fenced,
}

/// Loads a key, with what was live in a process that is dead brought in order.
pub(super) async fn load(recorder: &Recorder, entry: &Arc<Entry>) -> Result<Life, ProtocolError> {
    match &recorder.cluster {
        None => Ok(load_own(recorder, entry).await?),
        Some(cluster) => load_shared(recorder, cluster, entry).await,
    }
}

async fn load_own(recorder: &Recorder, entry: &Entry) -> Result<Life, StoreError> {
    let key = entry.key.clone();
    let (stored, ledger) = recorder.db.call(move |db| rows::load(db, &key)).await?;
    let ids: Vec<RecordingId> = stored.iter().map(|row| row.id).collect();
    let bodies = recorder.bodies.clone();
    let lengths = if ids.is_empty() {
        Vec::new()
    } else {
        let lengths = move || ids.into_iter().map(|id| bodies.len(id)).collect::<std::io::Result<Vec<u64>>>();
        tokio::task::spawn_blocking(lengths).await.map_err(std::io::Error::other)??
    };
    let held = stored.into_iter().zip(lengths).map(|(stored, len)| {
        let row = stored.row(len);
        (row, Arc::new(Recording::stored(entry.key.clone(), Arc::clone(&entry.account), stored, len)))
    });
    Ok(Life::load(held, ledger))
}

async fn load_shared(
    recorder: &Recorder,
    cluster: &Cluster,
    entry: &Arc<Entry>,
) -> Result<Life, ProtocolError> {
    let loaded = match entry.claim() {
        None => {
            // Somebody has it since a moment ago, or will bring it in order: as it stands it would be nothing.
            let loaded = load_in_order(cluster, &entry.key).await?;
            loaded.ok_or_else(cluster::later)?
        }
        Some(Claimed { mut holder, is_stale }) => {
            if is_stale {
                let again = cluster.store.again(&entry.key, holder).await.map_err(cluster::refused)?;
                let Some(again) = again else {
                    recorder.keys.lost(entry);
                    return Err(cluster::later());
                };
                holder = again;
            }
            // What is stored under it from now on is not known where it is loaded once more.
            entry.set_claimed(Some(Claimed { holder, is_stale: true }));
            let Some(recovered) =
                cluster.store.recover(&entry.key, holder).await.map_err(cluster::refused)?
            else {
                recorder.keys.lost(entry);
                return Err(cluster::later());
            };
            recovered
        }
    };
    Ok(taken_in(recorder, entry, loaded))
}

/// What is stored of a key that nobody has, to be read. `None` where it says that something is live, since a dead process has left
/// it so, or where a recording is there and who reads it is noted.
pub(super) async fn to_read(
    recorder: &Recorder,
    cluster: &Cluster,
    key: &Key,
    is_noted: bool,
) -> Result<Option<Arc<Entry>>, ProtocolError> {
    let loaded = load_in_order(cluster, key).await?;
    let Some(loaded) = loaded.filter(|loaded| !is_noted || loaded.recordings.is_empty()) else {
        return Ok(None);
    };
    let entry = recorder.keys.unclaimed(key);
    entry.set_loaded(taken_in(recorder, &entry, loaded));
    Ok(Some(entry))
}

/// What is stored of a key that this process does not have. `None` where it says that something is live.
async fn load_in_order(cluster: &Cluster, key: &Key) -> Result<Option<Loaded>, ProtocolError> {
    let loaded = cluster.store.load(key).await.map_err(cluster::refused)?;
    Ok(loaded.recordings.iter().all(|stored| !stored.state.is_live()).then_some(loaded))
}

fn taken_in(recorder: &Recorder, entry: &Arc<Entry>, loaded: Loaded) -> Life {
    let held = loaded.recordings.into_iter().map(|stored| {
        recorder.later_than(stored.id);
        let (row, len) = (stored.row(), stored.len);
        let recording = Recording::stored(entry.key.clone(), Arc::clone(&entry.account), own(stored), len);
        // What has ended takes nothing of this process's disk.
        recording.take_counted();
        (row, Arc::new(recording))
    });
    let mut life = Life::load(held, loaded.ledger);
    if entry.claim().is_none() {
        // What has outlived its use is not there for who reads, and goes once somebody takes the key.
        let mut due = life.plan(Event::Due { keep: recorder.config.keep() }, now_ms());
        due.changes.clear();
        let any = life.handles().next().cloned();
        if let Some(any) = any {
            let _ = life.apply(due, |_| any);
        }
    }
    life
}

fn own(stored: shared::Stored) -> Stored {
    let shared::Stored { id, state, cause, head, fingerprint, len, chunks, started_ms, used_ms, .. } = stored;
    let shared::Stored { retired_ms, ended_ms, restarted, volatile, age_ms, .. } = stored;
    Stored {
        id,
        state,
        cause,
        head,
        fingerprint,
        len,
        chunks,
        started_ms,
        used_ms,
        retired_ms,
        ended_ms,
        restarted,
        volatile,
        age_ms,
    }
}

/// Writes the changes of a plan, all or none of them, where this process has the key.
pub(super) async fn commit(
    recorder: &Recorder,
    entry: &Arc<Entry>,
    writing: Writing,
) -> Result<Written, StoreError> {
    match &recorder.cluster {
        None => commit_own(recorder, entry, writing).await,
        Some(cluster) => commit_shared(cluster, entry, &writing).await,
    }
}

async fn commit_own(
    recorder: &Recorder,
    entry: &Arc<Entry>,
    writing: Writing,
) -> Result<Written, StoreError> {
    let Writing { changes, freight, .. } = writing;
    let (entry, placement) = (Arc::clone(entry), Arc::clone(&recorder.placement));
    let erases = rows::erase(&changes);
    let commit = recorder.db.write(erases, move |db| {
        // Where another process has the key by now, nothing of it is this one's to change.
        if !places::holds(db, &entry.key, placement.guard())? {
            return Ok(None);
        }
        rows::commit(db, &entry.key, &changes, &freight).map(Some)
    });
    let grown = commit.await?;
    Ok(grown.map_or(Written::Fenced, |grown| Written::Done { grown, bucket: None }))
}

async fn commit_shared(cluster: &Cluster, entry: &Entry, writing: &Writing) -> Result<Written, StoreError> {
    let Some(Claimed { holder, .. }) = entry.claim() else { return Ok(Written::Fenced) };
    let Writing { changes, freight, last } = writing;
    let known = known_among(entry, changes);
    let ends = |piece: &&Piece| {
        changes.iter().any(|change| matches!(change, Change::End { id, .. } if *id == piece.recording))
    };
    let commit = Commit {
        head: freight.head.as_ref(),
        answer: freight.answer.as_deref(),
        known: &|id| known.contains(id),
        last: last.as_ref().filter(ends),
        ..Commit::of(&entry.key, holder, changes)
    };
    match cluster.store.commit_surely(&commit, cluster.within).await {
        Ok(shared::Committed::Done { bucket }) => Ok(Written::Done { grown: Grown::default(), bucket }),
        Ok(shared::Committed::Fenced) => Ok(Written::Fenced),
        Err(error) => {
            // Whether it was written, or what is there already, is found out where the key is loaded once more.
            entry.set_unsure();
            Err(StoreError { code: ErrorCode::StorageFailed, message: error.to_string() })
        }
    }
}

/// The request ids among these changes that were known before.
fn known_among(entry: &Entry, changes: &[Change]) -> Vec<RequestId> {
    let life = entry.life();
    let knows = |id: &RequestId| life.as_ref().is_some_and(|life| life.knows(id));
    let request = |change: &Change| match change {
        Change::Request { entry, .. } if knows(&entry.id) => Some(entry.id.clone()),
        _ => None,
    };
    changes.iter().filter_map(request).collect()
}

/// The answer that is kept for a request id.
pub(super) async fn answer(
    recorder: &Recorder,
    key: &Key,
    id: RequestId,
) -> Result<Option<Vec<u8>>, ProtocolError> {
    match &recorder.cluster {
        None => {
            let key = key.clone();
            Ok(recorder.db.call(move |db| rows::answer(db, &key, &id)).await?)
        }
        Some(cluster) => cluster.store.answer(key, &id).await.map_err(cluster::refused),
    }
}

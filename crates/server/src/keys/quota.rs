//! Room on the disk: keeps to the quota, and copes with a file system that is full.
//!
//! Either way finished recordings go first, those unused for longest before others, and those that somebody reads
//! last. Where none is left, the longest live one has to make room.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use durablefetch_protocol::life::Event;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId};

use super::commit::Cargo;
use crate::clock::now_ms;
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::storage::rows;

/// Recordings that one round of eviction looks at.
const ROUND: usize = 64;
/// Where the file system is full, finished recordings are removed until this many bytes are free: more than the
/// database's log takes for what the removal itself writes.
const FREE_AT_ONCE: u64 = 4 << 20;

/// Removes finished recordings until the quota is kept. Where none is left the longest live one fails, and then
/// goes as well. Pumps wait meanwhile.
pub(crate) async fn keep_quota(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    let _one = recorder.making_room.lock().await;
    let over = || recorder.disk.load(Ordering::Relaxed) > recorder.config.limits.disk_bytes;
    while over() {
        if evict_oldest(recorder, "the disk quota is used up", || !over()).await? {
            continue;
        }
        let Some(longest) = recorder.longest_live() else { break };
        tracing::warn!(recording = %longest.id, "the disk quota is used up by live recordings");
        longest.end(End::Fail(ErrorCode::StorageFull));
        longest.sealed().await;
    }
    recorder.wake_pumps();
    Ok(())
}

/// The file system had no room: removes finished recordings, or gives up the longest live one, and has those that
/// were starved try again.
pub(crate) async fn after_full(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    let _one = recorder.making_room.lock().await;
    let mut starved = recorder.writer.take_starved();
    let before = recorder.disk.load(Ordering::Relaxed);
    let enough = || before.saturating_sub(recorder.disk.load(Ordering::Relaxed)) >= FREE_AT_ONCE;
    let evicted = evict_oldest(recorder, "the file system is full", enough).await;
    // Forgetting a recording takes room in the database's log, too: there may be none even for that.
    let no_room = match &evicted {
        Ok(evicted) => !evicted,
        Err(error) => error.code == ErrorCode::StorageFull,
    };
    if no_room && !starved.is_empty() {
        match recorder.longest_live() {
            Some(longest) => {
                recorder.give_up(&longest);
                longest.emptied().await;
                // Those that found no room before it was there need not be given up.
                starved.extend(recorder.writer.take_starved());
            }
            None => starved.iter().for_each(|starved| recorder.give_up(starved)),
        }
    }
    starved.iter().for_each(|starved| starved.retry(&recorder.writer));
    evicted.map(|_| ())
}

/// Removes finished recordings until it is enough, or a round is through: first those that nobody reads. False where
/// there was none to remove.
async fn evict_oldest(
    recorder: &Arc<Recorder>,
    why: &str,
    enough: impl Fn() -> bool,
) -> Result<bool, ProtocolError> {
    for even_if_read in [false, true] {
        let mut evicted = false;
        for (key, id) in recorder.db.call(|db| rows::oldest(db, ROUND)).await? {
            if evicted && enough() {
                break;
            }
            evicted |= evict(recorder, &key, id, even_if_read, why).await?;
        }
        if evicted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True where the recording is gone. Its file goes first: the database may need that room to forget the recording. If
/// the process dies between the two, the next one finds a recording whose end is missing.
async fn evict(
    recorder: &Arc<Recorder>,
    key: &Key,
    id: RecordingId,
    even_if_read: bool,
    why: &str,
) -> Result<bool, ProtocolError> {
    let (entry, event) = (recorder.keys.entry(key), Event::Evict { id, even_if_read });
    if !entry.look(recorder, |life| !life.plan(event, now_ms()).changes.is_empty()).await? {
        return Ok(false);
    }
    tracing::info!(recording = %id, url = redact::key(key), "removed: {why}");
    let bodies = recorder.bodies.clone();
    let removed = move || {
        if !even_if_read {
            bodies.empty(id);
        }
        bodies.remove(id);
    };
    let _ = tokio::task::spawn_blocking(removed).await;
    entry.act(recorder, event, Cargo::default()).await?;
    Ok(true)
}

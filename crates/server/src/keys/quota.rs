//! Room on the disk: keeps to the quota, and copes with a file system that is full.
//!
//! Either way finished recordings go first, those unused for longest before others, and those that somebody reads
//! last. Where none is left, the longest live one has to make room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, Outcome};
use rusqlite::Connection;

use crate::clock::now_ms;
use crate::error::StoreError;
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::recording::Readers;
use crate::storage::rows;

/// Keys that one round of eviction looks at.
const ROUND: usize = 64;
/// Where the file system is full, finished recordings are removed until this many bytes are free: more than the
/// database's log takes for what the removal itself writes.
const FREE_AT_ONCE: u64 = 4 << 20;
/// Tries of a commit that there is no room for.
const TRIES: usize = 5;
/// The time between them, for what makes room.
const PAUSE: Duration = Duration::from_millis(20);

/// Removes finished recordings until the quota is kept. Where none is left the longest live one fails, and then
/// goes as well. Pumps wait meanwhile.
pub(crate) async fn keep_quota(recorder: &Recorder) -> Result<(), StoreError> {
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
pub(crate) async fn after_full(recorder: &Recorder) -> Result<(), StoreError> {
    let _one = recorder.making_room.lock().await;
    let starved = recorder.writer.take_starved();
    let before = recorder.disk.load(Ordering::Relaxed);
    let enough = || before.saturating_sub(recorder.disk.load(Ordering::Relaxed)) >= FREE_AT_ONCE;
    let evicted = evict_oldest(recorder, "the file system is full", enough).await;
    if matches!(evicted, Ok(false)) && !starved.is_empty() {
        match recorder.longest_live() {
            Some(longest) => recorder.give_up(&longest),
            None => starved.iter().for_each(|starved| recorder.give_up(starved)),
        }
    }
    starved.iter().for_each(|starved| starved.retry(&recorder.writer));
    evicted.map(|_| ())
}

/// Runs `work` in a transaction, and again after room was made where there was none.
pub(crate) async fn with_room<F>(recorder: &Recorder, work: F) -> Result<(), StoreError>
where
    F: Fn(&Connection) -> rusqlite::Result<()> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    for _ in 1..TRIES {
        let work = Arc::clone(&work);
        match recorder.db.call(move |db| work(db)).await {
            Err(error) if error.code == ErrorCode::StorageFull => {
                recorder.writer.starve();
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    recorder.db.call(move |db| work(db)).await
}

/// Which finished recordings may go.
#[derive(Debug, Clone, Copy)]
enum Candidates {
    /// Those that nobody reads.
    Unread,
    /// Any.
    All,
}

/// Removes finished recordings until it is enough, or a round is through. False where there was none to remove.
async fn evict_oldest(recorder: &Recorder, why: &str, enough: impl Fn() -> bool) -> Result<bool, StoreError> {
    for which in [Candidates::Unread, Candidates::All] {
        let mut evicted = 0;
        for key in recorder.db.call(|db| rows::oldest_keys(db, ROUND)).await? {
            if evicted > 0 && enough() {
                break;
            }
            evicted += evict(recorder, &key, why, which).await?;
        }
        if evicted > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what is finished of a key, and returns how many that were. Where somebody reads it, who has its file open
/// reads on.
async fn evict(recorder: &Recorder, key: &Key, why: &str, which: Candidates) -> Result<usize, StoreError> {
    let now_ms = now_ms();
    let mut state = recorder.keys.entry(key).lock(recorder, now_ms).await?;
    let mut removed: Vec<_> = state.retired.drain(..).map(|(recording, _)| recording).collect();
    removed.extend(state.current.take_if(|current| {
        let spared = match which {
            Candidates::Unread => current.readers() > 0,
            Candidates::All => false,
        };
        !current.is_live() && !spared
    }));
    for recording in &removed {
        tracing::info!(recording = %recording.id, url = redact::key(key), "removed: {why}");
        state.ledger.settle(recording.id, Outcome::Deleted, now_ms);
        recorder.discard(recording, Readers::Finish);
        let (id, bodies) = (recording.id, recorder.bodies.clone());
        // The writer would, in its turn; the database may need the room now.
        let _ = tokio::task::spawn_blocking(move || bodies.remove(id)).await;
        let key = key.clone();
        recorder
            .db
            .call(move |db| {
                rows::remove(db, id)?;
                rows::settle(db, &key, id, Outcome::Deleted, None, now_ms)
            })
            .await?;
    }
    Ok(removed.len())
}

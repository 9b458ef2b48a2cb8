//! Housekeeping: writes down when recordings were last used, removes what nobody used for a TTL, and makes room
//! where somebody waits for it.

use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::life::Change;
use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::{Key, ProtocolError};

use crate::clock::now_ms;
use crate::error::StoreError;
use crate::keys::{audit, leases, quota, sweep};
use crate::observe::metrics::FOLD_EVERY;
use crate::recorder::Recorder;
use crate::recording::Recording;
use crate::storage::places;
use crate::storage::rows::{self, Due, Freight, Seen};

/// Where room cannot be made because storage fails, it is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Keys that a sweep looks for at once: finding them takes less than a millisecond, and starts come in between.
const PART: usize = 64;

/// Runs until it is dropped.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let every = (recorder.config.ttl.min(recorder.config.max_age) / 4)
        .clamp(Duration::from_millis(50), Duration::from_secs(30));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut auditing = tokio::time::interval(audit::EVERY);
    auditing.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut folding = tokio::time::interval(FOLD_EVERY);
    folding.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut spared = quota::Spared::default();
    let mut turned = None;
    loop {
        let done = tokio::select! {
            _ = folding.tick() => {
                recorder.metrics.fold();
                Ok(())
            }
            _ = ticks.tick() => sweep(&recorder, &mut turned).await,
            // What others write is counted a moment later.
            _ = auditing.tick(), if recorder.is_alone() => audit::run(&recorder).await,
            () = recorder.keys.crowded() => let_go(&recorder).await,
            () = recorder.usage.over() => quota::keep_quota(&recorder).await,
            () = recorder.writer.full() => quota::after_full(&recorder, &mut spared).await,
        };
        if let Err(error) = done {
            tracing::error!(code = %error.code, "housekeeping: {}", error.message);
            recorder.metrics.storage_error(error.code);
            tokio::time::sleep(AGAIN).await;
            recorder.writer.starve();
            recorder.wake_pumps();
        }
    }
}

/// Lets go of the keys that nobody uses, once it is written down when their recordings were last used.
pub(crate) async fn let_go(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    if let Some(cluster) = &recorder.cluster {
        leases::release(recorder, cluster).await;
        recorder.keys.let_go();
        return Ok(());
    }
    let mut changes: Vec<(Key, Vec<Change>)> = Vec::new();
    for entry in recorder.keys.held() {
        // Nothing of the machine depends on these rows, so those of all keys are one transaction.
        let used = entry.used();
        if !used.is_empty() {
            changes.push((entry.key.clone(), used));
        }
    }
    commit(recorder, changes).await?;
    recorder.keys.let_go();
    Ok(())
}

async fn sweep(recorder: &Arc<Recorder>, turned: &mut Option<u64>) -> Result<(), ProtocolError> {
    if let Some(cluster) = &recorder.cluster {
        let_go(recorder).await?;
        if recorder.placement.claims() && cluster.is_reached() {
            sweep::run(recorder, cluster, turned).await?;
        }
        return Ok(());
    }
    end_unended(recorder).await?;
    let first_ms = recorder.db.call(rows::first_started_ms).await?;
    recorder.metrics.set_first_started(first_ms);
    let now_ms = now_ms();
    let_go(recorder).await?;
    if !recorder.placement.claims() {
        // What is stored is somebody else's to sweep.
        return Ok(());
    }
    let keep = recorder.config.keep();
    let (unused_since, ended_since) =
        (now_ms.saturating_sub(keep.unused_ms), now_ms.saturating_sub(keep.age_ms));
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    for (due, until_ms) in [
        (Due::Unused, unused_since),
        (Due::Old, ended_since),
        (Due::Aged, now_ms),
        (Due::Retired, horizon),
        (Due::Requests, horizon),
    ] {
        let mut seen = Seen::default();
        loop {
            let (keys, later) = recorder
                .db
                .call(move |db| {
                    let mut seen = seen;
                    Ok((rows::keys_due(db, due, until_ms, &mut seen, PART)?, seen))
                })
                .await?;
            seen = later;
            if keys.is_empty() {
                break;
            }
            for key in keys {
                // To look at a key is to let go of what has outlived its use.
                // Another process sees to what it has itself.
                if let Ok(entry) = recorder.keys.entry(&key) {
                    entry.look(recorder, |_| ()).await?;
                }
            }
            recorder.keys.let_go();
        }
    }
    Ok(())
}

/// Writes down the ends that storage refused, so that what has ended does not stay for ever.
pub(crate) async fn end_unended(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    let unended = recorder.take_unended();
    let change = |recording: &Arc<Recording>| {
        let end = recording.progress();
        let change = Change::End {
            id: recording.id,
            state: end.state(),
            cause: end.cause(),
            len: end.len(),
            chunks: end.chunks(),
            at_ms: recording.used_ms(),
        };
        (recording.key.clone(), vec![change])
    };
    let written = commit(recorder, unended.iter().map(change).collect()).await;
    if written.is_err() {
        recorder.end_later(unended);
    }
    Ok(written?)
}

/// Commits what changes of several keys, as one transaction, and nothing that makes rows longer.
async fn commit(recorder: &Recorder, changes: Vec<(Key, Vec<Change>)>) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let (freight, placement) = (Freight::default(), Arc::clone(&recorder.placement));
    recorder
        .db
        .call(move |db| {
            for (key, changes) in &changes {
                if places::holds(db, key, placement.guard())? {
                    rows::commit(db, key, changes, &freight)?;
                }
            }
            Ok(())
        })
        .await
}

//! Housekeeping: writes down when recordings were last used, removes what nobody used for a TTL, and makes room
//! where somebody waits for it.

use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::limits::REMEMBERED;

use crate::clock::now_ms;
use crate::error::StoreError;
use crate::keys::quota;
use crate::observe::metrics::FOLD_EVERY;
use crate::recorder::Recorder;
use crate::storage::rows;

/// Where room cannot be made because storage fails, it is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let every = (recorder.config.ttl / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut folding = tokio::time::interval(FOLD_EVERY);
    folding.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            _ = folding.tick() => {
                recorder.metrics.fold();
                Ok(())
            }
            _ = ticks.tick() => sweep(&recorder).await,
            () = recorder.keys.crowded() => let_go(&recorder).await,
            () = recorder.disk_over.notified() => quota::keep_quota(&recorder).await,
            () = recorder.writer.full() => quota::after_full(&recorder).await,
        };
        if let Err(error) = done {
            tracing::error!(code = %error.code, "housekeeping: {}", error.message);
            tokio::time::sleep(AGAIN).await;
            recorder.writer.starve();
            recorder.wake_pumps();
        }
    }
}

/// Lets go of the keys that nobody uses, once it is written down when their recordings were last used.
async fn let_go(recorder: &Recorder) -> Result<(), StoreError> {
    let mut used = Vec::new();
    for entry in recorder.keys.held() {
        let Some(state) = entry.peek() else { continue };
        let recordings = state.current.iter().chain(state.retired.iter().map(|(recording, _)| recording));
        used.extend(recordings.filter_map(|recording| Some((recording.id, recording.take_touched()?))));
    }
    if !used.is_empty() {
        recorder.db.call(move |db| rows::set_used(db, &used)).await?;
    }
    recorder.keys.let_go();
    Ok(())
}

async fn sweep(recorder: &Recorder) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let_go(recorder).await?;
    let unused_since = now_ms.saturating_sub(recorder.config.ttl.as_millis() as u64);
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    let expired = recorder
        .db
        .call(move |db| {
            rows::forget_old_requests(db, horizon)?;
            rows::expired_keys(db, unused_since, horizon)
        })
        .await?;
    for key in expired {
        // To look at a key is to remove from it what has expired.
        drop(recorder.keys.entry(&key).lock(recorder, now_ms).await?);
    }
    recorder.keys.let_go();
    Ok(())
}

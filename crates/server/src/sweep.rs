//! Housekeeping: writes down when recordings were last used, removes what nobody used for a TTL, and keeps the
//! disk within its quota.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, Outcome};

use crate::app::App;
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::meters::FOLD_EVERY;
use crate::redact;
use crate::storage::rows;

/// Keys that one round of eviction looks at.
const ROUND: usize = 64;

/// Runs until it is dropped.
pub(crate) async fn run(app: Arc<App>) {
    let every = (app.config.ttl / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut folding = tokio::time::interval(FOLD_EVERY);
    folding.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            _ = folding.tick() => {
                app.meters.fold();
                Ok(())
            }
            _ = ticks.tick() => sweep(&app).await,
            () = app.disk_over.notified() => make_room(&app).await,
        };
        if let Err(error) = done {
            tracing::error!(code = %error.code, "housekeeping: {}", error.message);
        }
    }
}

async fn sweep(app: &App) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let mut used = Vec::new();
    for entry in app.keys.held() {
        let Some(state) = entry.peek() else { continue };
        let recordings = state.current.iter().chain(state.retired.iter().map(|(shared, _)| shared));
        used.extend(recordings.filter_map(|shared| Some((shared.id, shared.take_touched()?))));
    }
    let unused_since = now_ms.saturating_sub(app.config.ttl.as_millis() as u64);
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    let expired = app
        .db
        .call(move |db| {
            rows::set_used(db, &used)?;
            rows::forget_old_requests(db, horizon)?;
            rows::expired_keys(db, unused_since, horizon)
        })
        .await?;
    for key in expired {
        // To look at a key is to remove from it what has expired.
        drop(app.keys.entry(&key).lock(app, now_ms).await?);
    }
    app.keys.let_go();
    Ok(())
}

/// Removes finished recordings, those unused for longest first, until the quota is kept.
async fn make_room(app: &App) -> Result<(), StoreError> {
    let over = || app.disk.load(Ordering::Relaxed) > app.config.limits.disk_bytes;
    while over() {
        let oldest = app.db.call(|db| rows::oldest_keys(db, ROUND)).await?;
        let before = app.disk.load(Ordering::Relaxed);
        for key in oldest {
            if !over() {
                return Ok(());
            }
            evict(app, &key).await?;
        }
        if app.disk.load(Ordering::Relaxed) == before {
            // Nothing finished is left.
            if let Some(longest) = app.longest_live() {
                tracing::warn!(recording = %longest.id, "the disk quota is used up by live recordings");
                longest.end(End::Fail(ErrorCode::StorageFull));
            }
            return Ok(());
        }
    }
    Ok(())
}

async fn evict(app: &App, key: &Key) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let mut state = app.keys.entry(key).lock(app, now_ms).await?;
    let mut removed: Vec<_> = state.retired.drain(..).map(|(shared, _)| shared).collect();
    removed.extend(state.current.take_if(|current| !current.is_live() && current.readers() == 0));
    for shared in removed {
        tracing::info!(recording = %shared.id, url = redact::key(key), "removed: the disk quota is used up");
        state.ledger.settle(shared.id, Outcome::Deleted, now_ms);
        app.discard(&shared, false);
        let (id, key) = (shared.id, key.clone());
        app.db
            .call(move |db| {
                rows::remove(db, id)?;
                rows::settle(db, &key, id, Outcome::Deleted, None, now_ms)
            })
            .await?;
    }
    Ok(())
}

//! Housekeeping: writes down when recordings were last used, removes what nobody used for a TTL, and makes room
//! where somebody waits for it.

use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::limits::REMEMBERED;

use crate::app::App;
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::meters::FOLD_EVERY;
use crate::room;
use crate::storage::rows;

/// Where room cannot be made because storage fails, it is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

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
            () = app.keys.crowded() => let_go(&app).await,
            () = app.disk_over.notified() => room::keep_quota(&app).await,
            () = app.writer.full() => room::after_full(&app).await,
        };
        if let Err(error) = done {
            tracing::error!(code = %error.code, "housekeeping: {}", error.message);
            tokio::time::sleep(AGAIN).await;
            app.writer.starve();
            app.wake_pumps();
        }
    }
}

/// Lets go of the keys that nobody uses, once it is written down when their recordings were last used.
async fn let_go(app: &App) -> Result<(), StoreError> {
    let mut used = Vec::new();
    for entry in app.keys.held() {
        let Some(state) = entry.peek() else { continue };
        let recordings = state.current.iter().chain(state.retired.iter().map(|(shared, _)| shared));
        used.extend(recordings.filter_map(|shared| Some((shared.id, shared.take_touched()?))));
    }
    if !used.is_empty() {
        app.db.call(move |db| rows::set_used(db, &used)).await?;
    }
    app.keys.let_go();
    Ok(())
}

async fn sweep(app: &App) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let_go(app).await?;
    let unused_since = now_ms.saturating_sub(app.config.ttl.as_millis() as u64);
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    let expired = app
        .db
        .call(move |db| {
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

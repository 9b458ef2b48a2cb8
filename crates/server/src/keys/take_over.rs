//! What a dead process has left, taken over by one that lives; and what one that drains lets go of.

use std::sync::Arc;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::placement::{Holder, Owner};

use super::{housekeeping, leases};
use crate::clock::now_ms;
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::places;
use crate::storage::recovery::{RecoveryError, Spared};
use crate::storage::rows::{self, Freight};

/// Serves in the place of `from`, which is dead. False where somebody else does by now.
pub(crate) async fn serve(recorder: &Arc<Recorder>, from: Option<Holder>) -> Result<bool, ProtocolError> {
    let mut spared = Spared::default();
    for entry in recorder.keys.held() {
        spared.keys.insert(entry.key.clone());
        if let Some(life) = entry.life().as_ref() {
            spared.files.extend(life.ids());
        }
    }
    let (data, bodies, me) = (recorder.config.data.clone(), recorder.bodies.clone(), recorder.placement.me());
    let before = recorder.placement.holder().epoch;
    // What this process has is committed under the one until it is under the other.
    recorder.placement.expects(places::next_epoch(from));
    let served = recorder.db.write(true, move |db| {
        let lives = |owner| peer::lives(&data, owner);
        places::serve(db, &bodies, me, from, &lives, spared, now_ms()).map_err(RecoveryError::into_database)
    });
    let served = served.await;
    if !matches!(served, Ok(Some(_))) {
        recorder.placement.expects(before);
    }
    let Some(served) = served? else { return Ok(false) };
    let found = &served.found;
    tracing::warn!(found.interrupted, found.orphans, "the process that served has died: this one serves");
    recorder.usage.recount(found.of_scopes(), |scope| found.own_most.get(scope).copied());
    recorder.usage.limit(&recorder.rules().limits);
    recorder.placement.serves_again(served.holder);
    recorder.keys.open(served.elsewhere);
    if let Some(dead) = from.filter(|dead| dead.owner != me) {
        peer::remove(&recorder.config.data, dead.owner);
    }
    Ok(true)
}

/// What a process that drained still had is this one's: it is dead, or has left.
pub(crate) async fn of(recorder: &Arc<Recorder>, dead: Owner) -> Result<(), ProtocolError> {
    let (bodies, by) = (recorder.bodies.clone(), recorder.placement.holder());
    let taken = recorder.db.write(true, move |db| {
        places::take_over(db, &bodies, by, dead, now_ms()).map_err(RecoveryError::into_database)
    });
    let taken = taken.await?;
    if !taken.is_empty() {
        tracing::warn!(
            keys = taken.len(),
            "a process that drained has died: what was live in it is interrupted"
        );
    }
    for (key, grown, orphans) in taken {
        recorder.usage.change_rows(&recorder.usage.account(key.scope()), grown);
        orphans.into_iter().for_each(|id| recorder.bodies.remove(id));
    }
    recorder.in_flight.set_elsewhere(dead, Default::default());
    recorder.keys.forget(dead);
    peer::remove(&recorder.config.data, dead);
    Ok(())
}

/// Leaves: storage does not name this process any more, unless something has no end there.
pub(crate) async fn leave(recorder: &Arc<Recorder>) {
    if let Some(cluster) = &recorder.cluster {
        if let Err(error) = cluster.store.leave().await {
            tracing::warn!("the others of the cluster wait for the end of this one's lease: {error}");
        }
        return;
    }
    let by = recorder.placement.holder();
    let left = match housekeeping::end_unended(recorder).await {
        Ok(()) => recorder.db.call(move |db| places::leave(db, by)).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    if let Err(error) = left {
        tracing::warn!("the next process has to bring in order what this one leaves: {}", error.message);
    }
}

/// Lets go of the keys that nobody uses, behind the line.
pub(crate) async fn release(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    if let Some(cluster) = &recorder.cluster {
        leases::release(recorder, cluster).await;
        return Ok(());
    }
    // What has no end in storage would be live for the next process.
    housekeeping::end_unended(recorder).await?;
    // Counted before it is gone from memory.
    recorder.placement.set_releasing(recorder.keys.len());
    let released = release_idle(recorder).await;
    recorder.placement.set_releasing(0);
    released
}

async fn release_idle(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    let idle = recorder.keys.idle();
    if idle.is_empty() {
        return Ok(());
    }
    let released: Vec<_> = idle.iter().map(|entry| (entry.key.clone(), entry.used())).collect();
    let (placement, by) = (Arc::clone(&recorder.placement), recorder.placement.holder());
    let release = recorder.db.call(move |db| {
        for (key, changes) in &released {
            if places::holds(db, key, placement.guard())? {
                rows::commit(db, key, changes, &Freight::default())?;
                places::release(db, key, by)?;
            }
        }
        Ok(())
    });
    Ok(release.await?)
}

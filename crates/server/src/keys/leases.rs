//! In a cluster: what this process has, as long as its lease runs, and what it lets go of.

use std::sync::Arc;

use durablefetch_protocol::Key;
use durablefetch_store_postgres::{Commit, Committed, Standing};

use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::key_map::Entry;
use crate::recorder::Recorder;

/// Looks after the lease until it is dropped.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let Some(cluster) = &recorder.cluster else { return };
    let mut standings = cluster.standings();
    let mut unbroken_since = None;
    loop {
        let standing = *standings.borrow_and_update();
        match standing {
            Standing::Held { since_us } => {
                if unbroken_since.is_some_and(|before| before != since_us) {
                    still_holds(&recorder, cluster).await;
                }
                unbroken_since = Some(since_us);
            }
            Standing::Gone => {
                tracing::error!("the cluster does not list this process any more: it ends");
                recorder.keys.held().iter().for_each(|entry| entry.fenced(&recorder));
                recorder.placement.told_to_end(now_ms());
            }
            Standing::Lapsed => {
                tracing::warn!(
                    "the cluster's store has not answered for a lease: what is live goes on, and nothing is started"
                );
                // Whatever it says once it answers.
                unbroken_since = Some(i64::MIN);
            }
            Standing::Unknown => {}
        }
        if standings.changed().await.is_err() {
            return;
        }
    }
}

/// This process is told to end: where another one of the cluster lives, it takes what this one lets go of, and nobody waits
/// for the end.
pub(crate) async fn told_to_end(recorder: &Recorder) {
    let Some(cluster) = &recorder.cluster else { return recorder.placement.told_to_end(now_ms()) };
    let others = match cluster.has_others().await {
        Ok(others) => others,
        Err(error) => {
            tracing::warn!("whether another process of the cluster lives is not known: {error}");
            false
        }
    };
    if !others {
        return recorder.placement.told_to_end(now_ms());
    }
    recorder.placement.drains(now_ms());
    if let Err(error) = cluster.store.drain().await {
        tracing::warn!("the cluster is not told that this process drains: {error}");
    }
}

/// The lease had run out: others may have taken over what this process had.
async fn still_holds(recorder: &Arc<Recorder>, cluster: &Cluster) {
    let had: Vec<_> =
        recorder.keys.held().into_iter().filter_map(|entry| Some((entry.claim()?.holder, entry))).collect();
    let asked: Vec<_> = had.iter().map(|(holder, entry)| (entry.key.clone(), *holder)).collect();
    match cluster.store.still_holds(&asked).await {
        Ok(holds) => {
            let lost = had.iter().zip(holds).filter(|(_, holds)| !holds);
            // One that was taken once more meanwhile is held by another epoch.
            let lost =
                lost.filter(|((holder, entry), _)| entry.claim().is_some_and(|now| now.holder == *holder));
            lost.for_each(|((_, entry), _)| entry.fenced(recorder));
        }
        // Each is found to be lost by its next commit.
        Err(error) => tracing::warn!("what this process still has is not known: {error}"),
    }
}

/// Lets go of the keys that nobody here uses.
pub(crate) async fn release(recorder: &Arc<Recorder>, cluster: &Cluster) {
    for key in recorder.keys.idle_keys() {
        let Some(entry) = recorder.keys.take_idle(&key) else { continue };
        recorder.placement.set_releasing(1);
        if let Err(error) = release_one(cluster, &entry).await {
            // The store says that it is this process's, which takes it up again at the next request for it.
            tracing::warn!("a URL that nobody uses stays with this process: {error}");
        }
        recorder.keys.released(&entry.key);
    }
    recorder.placement.set_releasing(0);
}

/// Lets go of a key at once, if nobody here uses it: in a process that drains nothing begins, and another one may begin it.
pub(crate) async fn release_idle(recorder: &Recorder, cluster: &Cluster, key: &Key) {
    let Some(entry) = recorder.keys.take_idle(key) else { return };
    if let Err(error) = release_one(cluster, &entry).await {
        tracing::warn!("a URL that nobody uses stays with this process: {error}");
    }
    recorder.keys.released(key);
}

async fn release_one(cluster: &Cluster, entry: &Entry) -> Result<(), durablefetch_store_postgres::Error> {
    let Some(claimed) = entry.claim() else { return Ok(()) };
    let used = entry.used();
    if !used.is_empty()
        && cluster.store.commit(&Commit::of(&entry.key, claimed.holder, &used)).await? == Committed::Fenced
    {
        return Ok(());
    }
    let store = &cluster.store;
    if store.release(&entry.key, claimed.holder).await? {
        return Ok(());
    }
    // Something is live in the store, and not here: its end could not be written. Or somebody else has the key.
    let Some(holder) = store.again(&entry.key, claimed.holder).await? else { return Ok(()) };
    if store.recover(&entry.key, holder).await?.is_some() {
        store.release(&entry.key, holder).await?;
    }
    Ok(())
}

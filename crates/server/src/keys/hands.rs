//! Which process has a key, and how that is reached: one that shares the data directory, or one of the cluster.

use std::collections::HashMap;
use std::sync::Arc;

use durablefetch_protocol::placement::{Holder, Known, Owner};
use durablefetch_protocol::{ErrorCode, Key, ProtocolError};

use super::{claims, stored, take_over};
use crate::cluster;
use crate::key_map::{Claimed, Entry};
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::places;

/// Who has a key.
pub(crate) async fn place(recorder: &Recorder, key: &Key) -> Result<Option<Holder>, ProtocolError> {
    let place = match &recorder.cluster {
        None => {
            let of = key.clone();
            recorder.db.call(move |db| places::place(db, &of)).await?
        }
        Some(cluster) => claims::place(cluster, key).await?,
    };
    let me = recorder.placement.me();
    recorder.keys.found(key, place.map(|place| place.owner).filter(|owner| *owner != me));
    Ok(place)
}

/// Takes a key that nobody has. `None` where somebody was faster.
pub(crate) async fn claim(recorder: &Recorder, key: &Key) -> Result<Option<Holder>, ProtocolError> {
    match &recorder.cluster {
        // Who has what nobody has is the one that serves: there is nothing to claim, and nobody serves.
        None => Ok(None),
        Some(cluster) => claims::claim(cluster, key).await,
    }
}

/// Takes over a key from a process that is dead: all that it had, where the two share a directory. `None` where that may not
/// be, or somebody was faster.
pub(crate) async fn take_over(
    recorder: &Arc<Recorder>,
    key: &Key,
    dead: Owner,
) -> Result<Option<Holder>, ProtocolError> {
    match &recorder.cluster {
        None => {
            take_over::of(recorder, dead).await?;
            Ok(Some(recorder.placement.holder()))
        }
        Some(cluster) => claims::take_over(cluster, key, dead).await,
    }
}

/// The key is here, by this holder. `None` while it is changing hands.
pub(crate) fn entry(recorder: &Recorder, key: &Key, claimed: Option<Claimed>) -> Option<Arc<Entry>> {
    match (recorder.keys.entry(key), claimed) {
        (Ok(entry), _) => Some(entry),
        (Err(_), Some(claimed)) if recorder.cluster.is_some() => recorder.keys.claimed(key, claimed),
        (Err(_), _) => None,
    }
}

/// Who has a key, once this process has tried to take it.
pub(crate) enum Held {
    /// This process.
    Here(Arc<Entry>),
    /// Another one, which lives.
    Elsewhere(Owner),
}

/// Takes a key, unless another process that lives has it.
pub(crate) async fn take(recorder: &Recorder, key: &Key) -> Result<Held, ProtocolError> {
    let known = match recorder.keys.entry(key) {
        Ok(entry) => return Ok(Held::Here(entry)),
        Err(known) => known,
    };
    let Some(cluster) = &recorder.cluster else {
        return match known {
            Known::Elsewhere(owner) => Ok(Held::Elsewhere(owner)),
            _ => Err(later(recorder)),
        };
    };
    let me = recorder.placement.me();
    if recorder.placement.claims()
        && let Some(claimed) = claims::take(cluster, key, me, &mut HashMap::new()).await?
        && let Some(entry) = recorder.keys.claimed(key, claimed)
    {
        return Ok(Held::Here(entry));
    }
    let holder = claims::place(cluster, key).await?.filter(|holder| holder.owner != me);
    holder.map(|holder| Held::Elsewhere(holder.owner)).ok_or_else(|| later(recorder))
}

/// What is stored of a key that nobody has, to be read. `None` where that takes the key: a dead process has left something of it
/// live, or it is noted with a recording who reads it.
pub(crate) async fn stored(
    recorder: &Recorder,
    key: &Key,
    is_noted: bool,
) -> Result<Option<Arc<Entry>>, ProtocolError> {
    match &recorder.cluster {
        // Somebody serves, or nobody does any more.
        None => Err(ErrorCode::ShuttingDown.into()),
        Some(cluster) => stored::to_read(recorder, cluster, key, is_noted).await,
    }
}

/// Whether another process lives. The kernel says so of one on this machine. One of a cluster lives while its lease runs, or
/// while it can be reached.
pub(crate) async fn lives(recorder: &Recorder, owner: Owner) -> Result<bool, ProtocolError> {
    match &recorder.cluster {
        None => Ok(peer::lives(&recorder.config.data, owner)),
        Some(cluster) => claims::lives(cluster, owner).await,
    }
}

/// Why a request is not answered now, where its key is changing hands.
pub(crate) fn later(recorder: &Recorder) -> ProtocolError {
    if recorder.cluster.is_some() { cluster::later() } else { ErrorCode::ShuttingDown.into() }
}

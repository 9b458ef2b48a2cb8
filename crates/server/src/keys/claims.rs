//! In a cluster: who has a key, and how this process comes to have it.

use std::collections::HashMap;

use durablefetch_protocol::placement::{Holder, Owner};
use durablefetch_protocol::{Key, ProtocolError};

use crate::cluster::{Cluster, refused};
use crate::key_map::Claimed;

/// Who has a key.
pub(super) async fn place(cluster: &Cluster, key: &Key) -> Result<Option<Holder>, ProtocolError> {
    Ok(cluster.store.place(key).await.map_err(refused)?.and_then(|place| place.holder))
}

/// Takes a key that nobody has. `None` where somebody was faster.
pub(super) async fn claim(cluster: &Cluster, key: &Key) -> Result<Option<Holder>, ProtocolError> {
    cluster.store.claim(key).await.map_err(refused)
}

/// Takes over a key from a process that is dead. `None` where that may not be, or somebody was faster.
pub(super) async fn take_over(
    cluster: &Cluster,
    key: &Key,
    dead: Owner,
) -> Result<Option<Holder>, ProtocolError> {
    let Some(from) = place(cluster, key).await?.filter(|from| from.owner == dead) else { return Ok(None) };
    let taken = cluster.store.take_over(key, from).await.map_err(refused)?;
    if taken.is_some() {
        tracing::warn!(owner = %dead, "a process of the cluster is dead: what it had of a URL is taken over");
    }
    Ok(taken)
}

/// Whether another process lives: while its lease runs, or while it can be reached.
pub(super) async fn lives(cluster: &Cluster, owner: Owner) -> Result<bool, ProtocolError> {
    let nodes = cluster.store.nodes().await.map_err(refused)?;
    let has_lease = nodes.iter().any(|node| node.owner == owner && node.alive);
    Ok(has_lease || cluster.connect(owner).await.is_ok())
}

/// Takes a key that nobody has who lives, for `me`. `asked`: which processes were found to live a moment ago; to ask one whose
/// machine is gone takes a second.
pub(super) async fn take(
    cluster: &Cluster,
    key: &Key,
    me: Owner,
    asked: &mut HashMap<Owner, bool>,
) -> Result<Option<Claimed>, ProtocolError> {
    let holder = match place(cluster, key).await? {
        Some(holder) if holder.owner == me => return Ok(Some(Claimed { holder, is_stale: true })),
        Some(Holder { owner, .. }) => {
            let lives = match asked.get(&owner) {
                Some(lives) => *lives,
                None => *asked.entry(owner).or_insert(lives(cluster, owner).await?),
            };
            if lives { None } else { take_over(cluster, key, owner).await? }
        }
        None => claim(cluster, key).await?,
    };
    Ok(holder.map(|holder| Claimed { holder, is_stale: false }))
}

//! In a cluster: lets go of what has outlived its use, whichever process had it.

use std::collections::HashMap;
use std::sync::Arc;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_store_postgres::Until;

use super::{claims, cluster_room, leases};
use crate::clock::now_ms;
use crate::cluster::{Cluster, refused};
use crate::recorder::Recorder;

/// Keys that are looked for at once.
const PART: usize = 64;
/// Parts of one sweep; what is left comes with the next one.
const PARTS: usize = 64;

/// Sweeps once. `turned`: see [`Store::turn_next`](durablefetch_store_postgres::Store::turn_next).
pub(super) async fn run(
    recorder: &Arc<Recorder>,
    cluster: &Cluster,
    turned: &mut Option<u64>,
) -> Result<(), ProtocolError> {
    let (now_ms, keep) = (now_ms(), recorder.config.keep());
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    let [unused_ms, old_ms] = [keep.unused_ms, keep.age_ms].map(|kept_ms| now_ms.saturating_sub(kept_ms));
    let until = Until { unused_ms, old_ms, retired_ms: horizon, now_ms };
    // To look at a key is to let go of what has outlived its use: of what this process has, and of what nobody has.
    for entry in recorder.keys.held() {
        entry.look(recorder, |_| ()).await?;
    }
    // One of those that take keys sees to what nobody has: the others would only be in its way.
    let nodes = cluster.store.nodes().await.map_err(refused)?;
    cluster.sees(nodes.iter().filter(|node| node.alive).count());
    let first = nodes.iter().filter(|node| node.alive && !node.draining).map(|node| node.owner).min();
    let is_first = first == Some(recorder.placement.me());
    cluster_room::keep(recorder, cluster, is_first).await?;
    if !is_first {
        return Ok(());
    }
    for _ in 0..PARTS {
        let (mut is_done, mut asked) = (true, HashMap::new());
        for key in cluster.store.due(until, PART).await.map_err(refused)? {
            let claimed = claims::take(cluster, &key, recorder.placement.me(), &mut asked).await?;
            if let Some(entry) = claimed.and_then(|claimed| recorder.keys.claimed(&key, claimed)) {
                entry.look(recorder, |_| ()).await?;
                is_done = false;
            }
        }
        if is_done {
            break;
        }
        leases::release(recorder, cluster).await;
    }
    *turned = cluster.store.turn_next(*turned, unused_ms).await.map_err(refused)?;
    cluster.store.forget_nodes().await.map_err(refused)
}

//! In a cluster: lets go of what has outlived its use, whoever had it.

use std::sync::Arc;

use durablefetch_protocol::limits::REMEMBERED;
use durablefetch_protocol::{Key, ProtocolError};
use durablefetch_store_postgres::{Error, Until};

use super::{hands, leases};
use crate::clock::now_ms;
use crate::cluster::{self, Cluster};
use crate::key_map::{Claimed, Entry};
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
    let failed = |error: Error| cluster::refused(&error);
    let (now_ms, keep) = (now_ms(), recorder.config.keep());
    let horizon = now_ms.saturating_sub(REMEMBERED.as_millis() as u64);
    let [unused_ms, old_ms] = [keep.unused_ms, keep.age_ms].map(|kept_ms| now_ms.saturating_sub(kept_ms));
    let until = Until { unused_ms, old_ms, retired_ms: horizon, now_ms };
    // To look at a key is to let go of what has outlived its use: of what this process has, and of what nobody has.
    for entry in recorder.keys.held() {
        entry.look(recorder, |_| ()).await?;
    }
    for _ in 0..PARTS {
        let mut is_done = true;
        for key in cluster.store.due(until, PART).await.map_err(failed)? {
            if let Some(entry) = take(recorder, &key).await? {
                entry.look(recorder, |_| ()).await?;
                is_done = false;
            }
        }
        if is_done {
            break;
        }
        leases::release(recorder, cluster).await;
    }
    *turned = cluster.store.turn_next(*turned, unused_ms).await.map_err(failed)?;
    cluster.store.forget_nodes().await.map_err(failed)
}

/// Takes a key that nobody has who lives.
async fn take(recorder: &Arc<Recorder>, key: &Key) -> Result<Option<Arc<Entry>>, ProtocolError> {
    let me = recorder.placement.me();
    let claimed = match hands::place(recorder, key).await? {
        Some(holder) if holder.owner == me => Some(Claimed { holder, is_stale: true }),
        Some(holder) if hands::lives(recorder, holder.owner).await? => None,
        Some(holder) => fresh(hands::take_over(recorder, key, holder.owner).await?),
        None => fresh(hands::claim(recorder, key).await?),
    };
    Ok(claimed.and_then(|claimed| hands::entry(recorder, key, Some(claimed))))
}

fn fresh(holder: Option<durablefetch_protocol::placement::Holder>) -> Option<Claimed> {
    holder.map(|holder| Claimed { holder, is_stale: false })
}

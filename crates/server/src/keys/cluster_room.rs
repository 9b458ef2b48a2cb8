//! In a cluster: room in its database. What has ended goes first, unused for longest before others, where nobody has its key;
//! while nothing is left that may go, nothing is started.

use std::collections::HashMap;
use std::sync::Arc;

use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::life::Event;

use super::claims;
use super::commit::Cargo;
use crate::cluster::{Cluster, refused};
use crate::observe::removal::Removal;
use crate::recorder::Recorder;

/// Recordings that are looked for at once.
const PART: usize = 64;
/// Times in one go; what is left comes half a minute later.
const PARTS: usize = 64;

/// Looks at what is stored. `evicts`: this process is the one of the cluster that sees to what nobody has.
pub(super) async fn keep(
    recorder: &Arc<Recorder>,
    cluster: &Cluster,
    evicts: bool,
) -> Result<(), ProtocolError> {
    let mut stored = cluster.store.bodies().await.map_err(refused)?;
    for _ in 0..PARTS {
        let too_many = stored.saturating_sub(cluster.most_bytes);
        if !evicts || too_many == 0 {
            break;
        }
        let Some(gone) = evict_some(recorder, cluster, too_many).await? else { break };
        stored = stored.saturating_sub(gone);
    }
    cluster.stores(stored, evicts);
    Ok(())
}

/// Removes the oldest until so many bytes are gone, or a part is through. Returns how many; `None` where there was nothing to
/// remove.
async fn evict_some(
    recorder: &Arc<Recorder>,
    cluster: &Cluster,
    enough: u64,
) -> Result<Option<u64>, ProtocolError> {
    let (mut gone, mut any, mut asked) = (0, false, HashMap::new());
    for (key, id, len) in cluster.store.oldest(PART).await.map_err(refused)? {
        if gone >= enough {
            break;
        }
        let claimed = claims::take(cluster, &key, recorder.placement.me(), &mut asked).await?;
        let Some(entry) = claimed.and_then(|claimed| recorder.keys.claimed(&key, claimed)) else { continue };
        let event = Event::Evict { id, even_if_read: true };
        entry.act(recorder, event, Cargo { why: Some(Removal::Quota), ..Cargo::default() }).await?;
        (gone, any) = (gone + len, true);
    }
    super::leases::release(recorder, cluster).await;
    Ok(any.then_some(gone))
}

//! The rows that operators are shown: of the data directory, or of the store of the cluster.

use std::sync::Arc;

use durablefetch_protocol::{Key, ProtocolError, RecordingId};
use durablefetch_store_postgres::Shown;

use crate::cluster::refused;
use crate::recorder::Recorder;
use crate::storage::list::{self, Listed};

/// So many recordings, of a scope or of all, that began before this one, the latest first.
pub(super) async fn newest(
    recorder: &Arc<Recorder>,
    scope: Option<&str>,
    before: Option<&str>,
    most: usize,
) -> Result<Vec<Listed>, ProtocolError> {
    if let Some(cluster) = &recorder.cluster {
        let shown = cluster.store.newest(scope, before, most).await.map_err(refused)?;
        return Ok(shown.into_iter().map(listed).collect());
    }
    let (scope, before) = (scope.map(str::to_owned), before.unwrap_or(list::LATEST).to_owned());
    Ok(recorder.db.call(move |db| list::newest(db, scope.as_deref(), &before, most)).await?)
}

/// This recording.
pub(super) async fn one(recorder: &Arc<Recorder>, id: RecordingId) -> Result<Option<Listed>, ProtocolError> {
    match &recorder.cluster {
        None => Ok(recorder.db.call(move |db| list::one(db, id)).await?),
        Some(cluster) => Ok(cluster.store.one(id).await.map_err(refused)?.map(listed)),
    }
}

/// Some keys of a scope of which something is stored.
pub(super) async fn keys(
    recorder: &Arc<Recorder>,
    scope: &str,
    most: usize,
) -> Result<Vec<Key>, ProtocolError> {
    let urls = match &recorder.cluster {
        None => {
            let of = scope.to_owned();
            recorder.db.call(move |db| list::urls(db, &of, most)).await?
        }
        Some(cluster) => cluster.store.urls(scope, most).await.map_err(refused)?,
    };
    Ok(urls.iter().map(|url| Key::new(scope, url)).collect())
}

/// The scopes that something is stored of.
pub(super) async fn scopes(recorder: &Arc<Recorder>) -> Result<Vec<String>, ProtocolError> {
    match &recorder.cluster {
        None => {
            let accounts = recorder.usage.largest_first();
            let with_rows = accounts.iter().filter(|account| account.has_rows());
            Ok(with_rows.map(|account| account.scope().to_owned()).collect())
        }
        Some(cluster) => cluster.store.scopes().await.map_err(refused),
    }
}

fn listed(shown: Shown) -> Listed {
    let Shown { id, key, state, cause, status, headers, len, chunks, started_ms, used_ms, .. } = shown;
    let Shown { ended_ms, retired_ms, node, .. } = shown;
    Listed {
        id,
        key,
        state,
        cause,
        status,
        headers,
        len,
        chunks,
        started_ms,
        used_ms,
        ended_ms,
        retired_ms,
        node,
    }
}

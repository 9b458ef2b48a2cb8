//! `rm`: one recording, or all of a person.

use std::sync::Arc;

use durablefetch_protocol::access::scope_name;
use durablefetch_protocol::admission::Named;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId};
use serde_json::{Value, json};

use super::listing::{not_stored, scope_named};
use super::rows as shown;
use crate::cluster::refused;
use crate::keys::hands::{self, Held};
use crate::keys::{others, stop};
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::rows;

/// Keys that are looked for in one go.
const PART: usize = 64;

pub(super) async fn one(recorder: &Arc<Recorder>, id: RecordingId) -> Result<Value, ProtocolError> {
    let Some(listed) = shown::one(recorder, id).await? else { return Err(not_stored(id)) };
    delete(recorder, &listed.key, Some(id)).await?;
    Ok(json!({ "removed": 1 }))
}

/// Deletes a recording of a key, or all that is stored of it; where another process has the key, that one does so.
async fn delete(
    recorder: &Arc<Recorder>,
    key: &Key,
    recording: Option<RecordingId>,
) -> Result<(), ProtocolError> {
    match hands::take(recorder, key).await? {
        Held::Here(entry) => stop::delete(recorder, &entry, named(recording), None).await,
        Held::Elsewhere(owner) => {
            let id = recording.map(|id| id.to_string());
            let asked = json!({ "scope": key.scope(), "url": key.url(), "recording": id });
            match others::ask(recorder, owner, peer::DELETE, &asked).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    let message =
                        format!("the process that has the URL did not delete it, try again: {error}");
                    Err(ProtocolError::new(ErrorCode::ShuttingDown, message))
                }
            }
        }
    }
}

fn named(recording: Option<RecordingId>) -> Named {
    recording.map_or(Named::All, Named::Only)
}

/// What another process asks this one to delete, which has the key.
pub(super) async fn here(recorder: &Arc<Recorder>, asked: &Value) -> Result<Value, ProtocolError> {
    let text = |name: &str| asked[name].as_str();
    let key = Key::new(text("scope").unwrap_or_default(), text("url").unwrap_or_default());
    let recording = text("recording").and_then(RecordingId::parse);
    let entry = recorder.keys.entry(&key).map_err(|_| ProtocolError::from(ErrorCode::ShuttingDown))?;
    stop::delete(recorder, &entry, named(recording), None).await?;
    Ok(Value::Null)
}

/// All that is stored of a scope: its recordings, live ones as well, and the answers that are kept for its request ids. The
/// ids themselves go by themselves, ten minutes later.
pub(super) async fn scope(recorder: &Arc<Recorder>, named: &str) -> Result<Value, ProtocolError> {
    let scope = scope_named(recorder, named).await?;
    let before = recordings(recorder, &scope).await?;
    let mut last: Option<Key> = None;
    loop {
        let keys = shown::keys(recorder, &scope, PART).await?;
        let Some(first) = keys.first().cloned() else { break };
        if last.replace(first.clone()) == Some(first) {
            // It was deleted, and is there: rather than going on for ever, it is said.
            return Err(ErrorCode::StorageFailed.into());
        }
        for key in keys {
            delete(recorder, &key, None).await?;
            if let Some(cluster) = &recorder.cluster {
                cluster.store.forget_kept(&key).await.map_err(refused)?;
            }
        }
    }
    if recorder.cluster.is_none() {
        forget_kept(recorder, &scope).await?;
    }
    let removed = before.saturating_sub(recordings(recorder, &scope).await?);
    tracing::info!(
        target: "durablefetch::audit",
        scope = scope_name(&recorder.secret, &scope),
        "rm: all of a scope was removed, {removed} recordings"
    );
    Ok(json!({ "removed": removed }))
}

async fn recordings(recorder: &Arc<Recorder>, scope: &str) -> Result<u64, ProtocolError> {
    match &recorder.cluster {
        None => Ok(recorder.usage.account(scope).recordings()),
        Some(cluster) => cluster.store.recordings_of(scope).await.map_err(refused),
    }
}

async fn forget_kept(recorder: &Arc<Recorder>, scope: &str) -> Result<(), ProtocolError> {
    let account = recorder.usage.account(scope);
    loop {
        let of = scope.to_owned();
        let (forgotten, grown) = recorder.db.write(true, move |db| rows::forget_kept(db, &of, PART)).await?;
        recorder.usage.change_rows(&account, grown);
        if forgotten == 0 {
            return Ok(());
        }
    }
}

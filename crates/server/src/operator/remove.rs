//! `rm`: one recording, or all of a person.

use std::sync::Arc;

use durablefetch_protocol::access::scope_name;
use durablefetch_protocol::admission::Named;
use durablefetch_protocol::placement::Known;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId};
use serde_json::{Value, json};

use super::listing::{not_stored, scope_named};
use crate::keys::stop;
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::{list, rows};

/// Keys that are looked for in one go.
const PART: usize = 64;

pub(super) async fn one(recorder: &Arc<Recorder>, id: RecordingId) -> Result<Value, ProtocolError> {
    let Some(listed) = recorder.db.call(move |db| list::one(db, id)).await? else {
        return Err(not_stored(id));
    };
    delete(recorder, &listed.key, Named::Only(id), &json!({ "recording": id.to_string() })).await?;
    Ok(json!({ "removed": 1 }))
}

/// Deletes what is meant of a key, or has the process that drains do so which has the key still.
async fn delete(
    recorder: &Arc<Recorder>,
    key: &Key,
    named: Named,
    asked: &Value,
) -> Result<(), ProtocolError> {
    match recorder.keys.entry(key) {
        Ok(entry) => stop::delete(recorder, &entry, named, None).await,
        Err(Known::Elsewhere(owner)) => match peer::ask(&recorder.config.data, owner, "/rm", asked).await {
            Ok(_) => Ok(()),
            Err(error) => Err(ProtocolError::new(ErrorCode::ShuttingDown, error.to_string())),
        },
        Err(_) => Err(ErrorCode::ShuttingDown.into()),
    }
}

/// All of a scope that lives in this process, which drains.
async fn of_scope_here(recorder: &Arc<Recorder>, scope: &str) -> Result<Value, ProtocolError> {
    let of_scope = recorder.keys.held().into_iter().filter(|entry| entry.key.scope() == scope);
    for entry in of_scope {
        stop::delete(recorder, &entry, Named::All, None).await?;
    }
    Ok(json!({ "removed": 0 }))
}

/// All that is stored of a scope: its recordings, live ones as well, and the answers that are kept for its request ids. The
/// ids themselves go by themselves, ten minutes later.
pub(super) async fn scope(recorder: &Arc<Recorder>, named: &str) -> Result<Value, ProtocolError> {
    let scope = scope_named(recorder, named)?;
    if !recorder.placement.claims() {
        return of_scope_here(recorder, &scope).await;
    }
    let account = recorder.usage.account(&scope);
    let before = account.recordings();
    let mut last: Option<String> = None;
    loop {
        let of = scope.clone();
        let urls = recorder.db.call(move |db| list::urls(db, &of, PART)).await?;
        let Some(first) = urls.first().cloned() else { break };
        if last.replace(first.clone()) == Some(first) {
            // It was deleted, and is there: rather than going on for ever, it is said.
            return Err(ErrorCode::StorageFailed.into());
        }
        for url in urls {
            delete(recorder, &Key::new(&scope, &url), Named::All, &json!({ "scope": scope })).await?;
        }
    }
    loop {
        let of = scope.clone();
        let (forgotten, grown) = recorder.db.write(true, move |db| rows::forget_kept(db, &of, PART)).await?;
        recorder.usage.change_rows(&account, grown);
        if forgotten == 0 {
            break;
        }
    }
    let removed = before.saturating_sub(account.recordings());
    tracing::info!(
        target: "durablefetch::audit",
        scope = scope_name(&recorder.secret, &scope),
        "rm: all of a scope was removed, {removed} recordings"
    );
    Ok(json!({ "removed": removed }))
}

//! `ls`, `show` and `du`: what is stored, with the live numbers of what is in flight.

use std::sync::Arc;

use durablefetch_protocol::access::scope_name;
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use durablefetch_store_postgres::OfScope;
use serde_json::{Value, json};

use super::live::{self, Known};
use super::rows;
use crate::cluster::{Cluster, refused};
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::storage::list::Listed;

/// Rows that are looked at in one go: others want the database, too.
const PART: usize = 256;
/// Scopes that `du` names.
const SCOPES: usize = 20;

/// Which recordings are meant.
struct Filter<'a> {
    url: Option<&'a str>,
    state: Option<&'a str>,
}

impl Filter<'_> {
    fn takes(&self, value: &Value, url: &str) -> bool {
        let is_live = value["ended_ms"].is_null();
        let state = match self.state {
            None => true,
            Some("live") => is_live,
            Some(state) => value["state"] == state,
        };
        state && self.url.is_none_or(|part| url.contains(part))
    }
}

/// The latest recordings that are meant. `more`: there are others.
pub(super) async fn list(recorder: &Arc<Recorder>, asked: &Value) -> Result<Value, ProtocolError> {
    let filter = Filter { url: asked["url"].as_str(), state: asked["state"].as_str() };
    let limit = asked["limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
    let scope = match asked["scope"].as_str() {
        None => None,
        Some(named) => Some(scope_named(recorder, named).await?),
    };
    let known = Known::gather(recorder).await;
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let part = rows::newest(recorder, scope.as_deref(), before.as_deref(), PART).await?;
        let is_last = part.len() < PART;
        for listed in part {
            let value = told(recorder, &listed, &known.of(&listed.id));
            let is_meant = filter.takes(&value, listed.key.url());
            before = Some(listed.id);
            if !is_meant {
                continue;
            }
            if found.len() == limit {
                return Ok(json!({ "recordings": found, "more": true }));
            }
            found.push(value);
        }
        if is_last {
            return Ok(json!({ "recordings": found, "more": false }));
        }
    }
}

/// All about one recording.
pub(super) async fn show(recorder: &Arc<Recorder>, id: RecordingId) -> Result<Value, ProtocolError> {
    let Some(listed) = rows::one(recorder, id).await? else { return Err(not_stored(id)) };
    let known = Known::gather(recorder).await.of(&listed.id);
    let mut value = told(recorder, &listed, &known);
    value["url"] = json!(listed.key.url());
    let headers = String::from_utf8_lossy(listed.headers.as_deref().unwrap_or_default()).into_owned();
    value["headers"] = json!(headers.lines().collect::<Vec<_>>());
    for name in live::OF_ONE {
        if let Some(known) = known.get(name) {
            value[name] = known.clone();
        }
    }
    Ok(value)
}

pub(super) fn not_stored(id: RecordingId) -> ProtocolError {
    ProtocolError::new(
        ErrorCode::NotFound,
        format!("recording {id} is not stored; `durablefetch ls` shows those that are"),
    )
}

/// What is stored, and whose it is.
pub(super) async fn usage(recorder: &Arc<Recorder>) -> Result<Value, ProtocolError> {
    if let Some(cluster) = &recorder.cluster {
        return usage_of_all(recorder, cluster).await;
    }
    let usage = &recorder.usage;
    let bodies = usage.bodies();
    let accounts = usage.largest_first();
    let with_something = accounts.iter().filter(|account| account.bytes() > 0);
    let scopes: Vec<Value> = with_something
        .clone()
        .take(SCOPES)
        .map(|account| {
            json!({
                "scope": scope_name(&recorder.secret, account.scope()),
                "bytes": account.bytes(),
                "recordings": account.recordings(),
            })
        })
        .collect();
    Ok(json!({
        "bytes": usage.bytes(),
        "limit": usage.most(),
        "bodies": bodies,
        "database": usage.bytes().saturating_sub(bodies),
        "free": recorder.bodies.free().ok(),
        "recordings": usage.recordings(),
        "live": recorder.live(),
        "scopes": scopes,
        "more_scopes": with_something.count().saturating_sub(SCOPES),
    }))
}

/// The same of a cluster, from its store.
async fn usage_of_all(recorder: &Recorder, cluster: &Cluster) -> Result<Value, ProtocolError> {
    let usage = cluster.store.usage(SCOPES).await.map_err(refused)?;
    let scope = |of: &OfScope| {
        json!({
            "scope": scope_name(&recorder.secret, &of.scope),
            "bytes": of.bytes,
            "recordings": of.recordings,
        })
    };
    Ok(json!({
        "bytes": usage.on_disk,
        "bodies": usage.bodies,
        "cluster_limit": cluster.most_bytes,
        "recordings": usage.recordings,
        "live": usage.live,
        "scopes": usage.scopes.iter().map(scope).collect::<Vec<_>>(),
        "more_scopes": usage.scopes_in_all.saturating_sub(usage.scopes.len() as u64),
    }))
}

/// The scope that has this name, or that is called so, as a token's subject is.
pub(super) async fn scope_named(recorder: &Arc<Recorder>, named: &str) -> Result<String, ProtocolError> {
    let is_meant = |scope: &str| {
        !scope.is_empty() && (scope == named || scope_name(&recorder.secret, scope).as_deref() == Some(named))
    };
    let found = rows::scopes(recorder).await?.into_iter().find(|scope| is_meant(scope));
    found.ok_or_else(|| {
        ProtocolError::new(
            ErrorCode::NotFound,
            format!(
                "nothing is stored of a scope {:?}; its name stands in the log and in `durablefetch ls`",
                redact::text(named)
            ),
        )
    })
}

fn told(recorder: &Recorder, listed: &Listed, known: &Value) -> Value {
    // The row of what is live knows of no length.
    let live = if listed.ended_ms.is_none() { known } else { &Value::Null };
    let mut value = json!({
        "recording": listed.id,
        "url": redact::key(&listed.key),
        "scope": scope_name(&recorder.secret, listed.key.scope()),
        "state": live["state"].as_str().unwrap_or(&listed.state),
        "cause": listed.cause,
        "upstream_status": listed.status,
        "bytes": live["bytes"].as_u64().unwrap_or(listed.len),
        "chunks": live["chunks"].as_u64().unwrap_or(listed.chunks),
        "readers": known["readers"].as_u64().unwrap_or(0),
        "started_ms": listed.started_ms,
        "used_ms": known["used_ms"].as_u64().unwrap_or(listed.used_ms),
        "ended_ms": listed.ended_ms,
        "retired": listed.retired_ms.is_some(),
    });
    if recorder.cluster.is_some() {
        value["node"] = json!(listed.node);
    }
    value
}

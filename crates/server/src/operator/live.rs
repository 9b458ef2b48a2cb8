//! What is known of recordings in memory: of this process, of those that drain beside it, and of the others of its cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::keys::others;
use crate::net::peer;
use crate::recorder::Recorder;
use crate::recording::Recording;

/// How long another process may take to tell.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `show` tells beside what `ls` does.
pub(super) const OF_ONE: [&str; 5] = ["request", "method", "traceparent", "first_byte_ms", "readers_so_far"];

pub(super) struct Known {
    here: HashMap<String, Arc<Recording>>,
    /// As [`here`] of each of the others.
    elsewhere: Map<String, Value>,
}

impl Known {
    pub(super) async fn gather(recorder: &Arc<Recorder>) -> Self {
        let mut asking = JoinSet::new();
        for owner in others::all(recorder).await {
            let recorder = Arc::clone(recorder);
            asking.spawn(async move {
                timeout(PATIENCE, others::ask(&recorder, owner, peer::LIVE, &Value::Null)).await
            });
        }
        let mut elsewhere = Map::new();
        // One that leaves at this moment has nothing live, and of one that stands still nothing is known.
        for told in asking.join_all().await {
            if let Ok(Ok(Value::Object(of))) = told {
                elsewhere.extend(of);
            }
        }
        let held = in_memory(recorder).into_iter();
        Self { here: held.map(|recording| (recording.id.to_string(), recording)).collect(), elsewhere }
    }

    /// Null where no process has it in memory.
    pub(super) fn of(&self, id: &str) -> Value {
        match self.here.get(id) {
            Some(recording) => numbers(recording),
            None => self.elsewhere.get(id).cloned().unwrap_or_default(),
        }
    }
}

/// What this process has in memory, for another one: the numbers of each, by id.
pub(super) fn here(recorder: &Recorder) -> Value {
    in_memory(recorder).iter().map(|recording| (recording.id.to_string(), numbers(recording))).collect()
}

fn in_memory(recorder: &Recorder) -> Vec<Arc<Recording>> {
    let mut known = Vec::new();
    for entry in recorder.keys.held() {
        let life = entry.life();
        let Some(life) = life.as_ref() else { continue };
        known.extend(life.handles().cloned());
    }
    known
}

fn numbers(recording: &Recording) -> Value {
    let progress = recording.progress();
    let first_byte = recording.first_byte_ms().map(|at_ms| at_ms.saturating_sub(recording.started_ms));
    let mut value = json!({
        "state": progress.state().as_str(),
        "bytes": progress.len(),
        "chunks": progress.chunks(),
        "readers": recording.readers(),
        "used_ms": recording.used_ms(),
        "first_byte_ms": first_byte,
        "readers_so_far": recording.entered(),
    });
    if let Some(asker) = recording.asker() {
        value["request"] = json!(asker.to_string());
        value["method"] = json!(asker.method());
        value["traceparent"] = json!(asker.traceparent());
    }
    value
}

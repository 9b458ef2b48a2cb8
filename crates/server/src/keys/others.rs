//! The processes that may have keys beside this one: how they are reached, and asked something of their own.

use std::io;

use durablefetch_protocol::placement::Owner;
use serde_json::Value;

use crate::net::peer::{self, Way};
use crate::recorder::Recorder;

/// A connection to another process, for what is passed on to it.
pub(crate) async fn connect(recorder: &Recorder, owner: Owner) -> io::Result<Way> {
    match &recorder.cluster {
        None => Ok(Box::new(peer::connect(&recorder.config.data, owner).await?)),
        Some(cluster) => Ok(Box::new(cluster.connect(owner).await?)),
    }
}

/// Asks another process something of its own.
pub(crate) async fn ask(
    recorder: &Recorder,
    owner: Owner,
    path: &'static str,
    asked: &Value,
) -> io::Result<Value> {
    peer::ask(connect(recorder, owner).await?, path, asked).await
}

/// The other processes that may have keys: those that drain beside this one, or those of the cluster that live.
pub(crate) async fn all(recorder: &Recorder) -> Vec<Owner> {
    let Some(cluster) = &recorder.cluster else { return recorder.keys.others().into_iter().collect() };
    let nodes = cluster.store.nodes().await.unwrap_or_default();
    let me = recorder.placement.me();
    nodes.into_iter().filter(|node| node.alive && node.owner != me).map(|node| node.owner).collect()
}

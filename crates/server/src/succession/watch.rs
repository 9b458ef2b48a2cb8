//! Looks after the other processes of the data directory: one that drains after the one that serves, and that one after all
//! that drain. That one has died the kernel says.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::placement::{Holder, Owner, Standing};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::report;
use super::words::Report;
use crate::clock::now_ms;
use crate::keys::take_over;
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::places;

/// A process whose connection has ended is looked at again after this: it is dying, or its socket has too much to do.
const AGAIN: Duration = Duration::from_millis(5);
/// Where storage fails, it is tried again after this.
const LATER: Duration = Duration::from_secs(1);

/// Looks after the others until it is dropped.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let mut changes = recorder.placement.changes();
    loop {
        let standing = *changes.borrow_and_update();
        if standing == Standing::Drains {
            tokio::select! {
                _ = changes.changed() => {}
                () = after_the_one_that_serves(&recorder) => {}
            }
            continue;
        }
        let (mut watched, mut watchers) = (HashSet::<Owner>::new(), JoinSet::new());
        loop {
            for owner in recorder.keys.others() {
                if watched.insert(owner) {
                    watchers.spawn(after_one_that_drains(Arc::clone(&recorder), owner));
                }
            }
            tokio::select! {
                _ = changes.changed() => break,
                Some(done) = watchers.join_next() => drop(done.map(|owner| watched.remove(&owner))),
                // Who has served may be found to drain, while a request looks for its key.
                () = sleep(LATER) => {}
            }
        }
    }
}

async fn after_one_that_drains(recorder: Arc<Recorder>, owner: Owner) -> Owner {
    gone(&recorder, owner, |report| {
        report::count(&recorder, report);
        recorder.in_flight.set_elsewhere(owner, report.seats.clone());
        if report.keys == 0 {
            recorder.keys.forget(owner);
        }
    })
    .await;
    while let Err(error) = take_over::of(&recorder, owner).await {
        tracing::error!("what another process has left cannot be taken over: {}", error.message);
        sleep(LATER).await;
    }
    owner
}

/// Returns once something has changed.
async fn after_the_one_that_serves(recorder: &Arc<Recorder>) {
    let serving = match recorder.db.call(places::serving).await {
        Ok(Some(serving)) => serving,
        // It was told to end, and has: so does this one.
        Ok(None) => return recorder.placement.is_left_alone(now_ms()),
        Err(_) => return sleep(LATER).await,
    };
    gone(recorder, serving.owner, |report| {
        if report.ends {
            recorder.placement.told_to_end(now_ms());
        }
    })
    .await;
    if let Err(error) = in_place_of(recorder, serving).await {
        tracing::error!("the place of a dead process cannot be taken: {}", error.message);
        sleep(LATER).await;
    }
}

async fn in_place_of(
    recorder: &Arc<Recorder>,
    dead: Holder,
) -> Result<(), durablefetch_protocol::ProtocolError> {
    // It may have given its place away, or left, since it was asked.
    let serving = recorder.db.call(places::serving).await?;
    if serving == Some(dead) && recorder.placement.takes_the_place_of(dead.owner) {
        take_over::serve(recorder, serving).await?;
    }
    Ok(())
}

/// Resolves once a process does not live any more. `hear` is told what it says meanwhile.
async fn gone(recorder: &Recorder, owner: Owner, hear: impl Fn(&Report)) {
    loop {
        listen(recorder, owner, &hear).await;
        if !peer::lives(&recorder.config.data, owner) {
            return;
        }
        sleep(AGAIN).await;
    }
}

/// Listens until the connection ends.
async fn listen(recorder: &Recorder, owner: Owner, hear: &impl Fn(&Report)) {
    let Ok(stream) = peer::connect(&recorder.config.data, owner).await else { return };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else { return };
    let connection = tokio::spawn(connection);
    let request = http::Request::post(peer::REPORT).header("host", "peer").body(Empty::<bytes::Bytes>::new());
    let Ok(request) = request else { return };
    if let Ok(response) = sender.send_request(request).await {
        let (mut body, mut line) = (response.into_body(), Vec::new());
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(bytes) = frame.into_data() else { continue };
            for byte in bytes {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                if let Ok(report) = serde_json::from_slice(&line) {
                    hear(&report);
                }
                line.clear();
            }
        }
    }
    connection.abort();
}

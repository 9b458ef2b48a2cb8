//! What a process tells another of what it still has: both count into one quota, and into the same limits.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::placement::Standing;
use http_body::Frame;
use tokio::sync::mpsc;

use super::words::Report;
use crate::http::body::Broken;
use crate::recorder::Recorder;
use crate::storage::usage::Grown;

/// How often. So much of what one process stores the other one does not know of for a moment.
const EVERY: Duration = Duration::from_millis(250);

/// A body of lines that ends with the process.
#[derive(Debug)]
pub(super) struct Lines(mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// Tells until its listener goes away.
pub(super) fn lines(recorder: &Arc<Recorder>) -> Lines {
    let (sender, receiver) = mpsc::channel(1);
    let recorder = Arc::clone(recorder);
    tokio::spawn(async move {
        loop {
            // One that serves keeps to the quota itself.
            let drains = recorder.placement.standing() == Standing::Drains;
            let grown = if drains { recorder.usage.untold() } else { Vec::new() };
            // Before what is being let go of is counted, or it would be missing.
            let keys = recorder.keys.len() + recorder.placement.releasing();
            let report = Report {
                keys,
                seats: recorder.in_flight.seats(),
                grown: grown.into_iter().map(told).collect(),
                ends: recorder.placement.standing() == Standing::Ends,
            };
            let line = serde_json::to_string(&report).unwrap_or_default() + "\n";
            if sender.send(line.into()).await.is_err() {
                return;
            }
            tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = sender.closed() => return }
        }
    });
    Lines(receiver)
}

fn told((scope, bodies, rows): (Box<str>, i64, Grown)) -> (String, i64, [i64; 3]) {
    (scope.into(), bodies, [rows.rows, rows.requests, rows.recordings])
}

/// Counts what another process tells.
pub(super) fn count(recorder: &Recorder, report: &Report) {
    for (scope, bodies, [rows, requests, recordings]) in &report.grown {
        let grown = Grown { rows: *rows, requests: *requests, recordings: *recordings };
        recorder.usage.grows_elsewhere(scope, *bodies, grown);
        // Somebody is told to make room, where that is too much.
        recorder.usage.is_over(&recorder.usage.account(scope));
    }
}

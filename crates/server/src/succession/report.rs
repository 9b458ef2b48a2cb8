//! What a process tells another of what it still has: both count into one quota, and into the same limits.

use std::collections::HashMap;
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

type Counts = HashMap<Box<str>, (i64, Grown)>;

fn counts(recorder: &Recorder) -> Counts {
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let accounts = recorder.usage.accounts().into_iter();
    accounts.map(|(scope, bodies, grown, _)| (scope, (signed(bodies), grown))).collect()
}

/// Tells until its listener goes away.
pub(super) fn lines(recorder: &Arc<Recorder>) -> Lines {
    let (sender, receiver) = mpsc::channel(1);
    let recorder = Arc::clone(recorder);
    tokio::spawn(async move {
        // One that serves keeps to the quota itself.
        let is_told = |recorder: &Recorder| recorder.placement.standing() == Standing::Drains;
        let mut before = if is_told(&recorder) { counts(&recorder) } else { Counts::new() };
        loop {
            let now = if is_told(&recorder) { counts(&recorder) } else { Counts::new() };
            // Before what is being let go of is counted, or it would be missing.
            let keys = recorder.keys.len() + recorder.placement.releasing();
            let report = Report {
                keys,
                seats: recorder.in_flight.seats(),
                grown: differences(&before, &now),
                ends: recorder.placement.standing() == Standing::Ends,
            };
            before = now;
            let line = serde_json::to_string(&report).unwrap_or_default() + "\n";
            if sender.send(line.into()).await.is_err() {
                return;
            }
            tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = sender.closed() => return }
        }
    });
    Lines(receiver)
}

fn differences(before: &Counts, now: &Counts) -> Vec<(String, i64, [i64; 3])> {
    let mut grown = Vec::new();
    for (scope, (bodies, rows)) in now {
        let (had, had_rows) = before.get(scope).copied().unwrap_or_default();
        let more = *rows - had_rows;
        if *bodies != had || more != Grown::default() {
            grown.push((scope.to_string(), bodies - had, [more.rows, more.requests, more.recordings]));
        }
    }
    grown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_grown_and_what_has_gone_is_told() {
        let rows = |rows| Grown { rows, ..Grown::default() };
        let before = Counts::from([("a".into(), (10, rows(5))), ("b".into(), (7, rows(0)))]);
        let now = Counts::from([
            ("a".into(), (4, rows(6))),
            ("b".into(), (7, rows(0))),
            ("c".into(), (1, rows(0))),
        ]);
        let mut told = differences(&before, &now);
        told.sort();
        assert_eq!(told, [("a".into(), -6, [1, 0, 0]), ("c".into(), 1, [0, 0, 0])]);
    }
}

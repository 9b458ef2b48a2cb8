//! What is done when a recording ends, and when an answer turns out to be none to record.

use std::sync::Arc;

use durablefetch_protocol::limits::KEPT_ANSWER_MAX;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Outcome, ProtocolError};
use std::future::poll_fn;

use crate::clock::now_ms;
use crate::error::StoreError;
use crate::keys::Entry;
use crate::keys::quota;
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::recording::{Readers, Recording, Start};
use crate::storage::rows::{self, Ended};

/// The upstream answered with what is not recorded: the key is free, the answer goes to those who wait.
pub(crate) async fn pass_through(
    recorder: &Recorder,
    entry: &Entry,
    recording: &Arc<Recording>,
) -> Result<(), StoreError> {
    let mut state = entry.lock(recorder, now_ms()).await?;
    state.current.take_if(|current| current.id == recording.id);
    state.passing.push(Arc::clone(recording));
    let id = recording.id;
    recorder.db.call(move |db| rows::remove(db, id)).await
}

/// Brings the end of a recording to disk, then shows it. `kept` is the whole body of a short answer that was
/// passed through.
pub(crate) async fn finish(
    recorder: &Recorder,
    entry: &Entry,
    recording: &Arc<Recording>,
    kept: Option<Vec<u8>>,
) {
    let done = match recording.start() {
        Start::Recorded => recorded(recorder, recording).await,
        Start::Unrecorded => unrecorded(recorder, entry, recording, kept).await,
        Start::Pending | Start::Nothing(_) => nothing(recorder, entry, recording).await,
    };
    if let Err(error) = done {
        let code = ProtocolError::from(error).code;
        recording.fail_storage(code);
        let start = if recording.head().is_none() { Start::Nothing(code) } else { recording.start() };
        recording.seal(start);
    }
    recorder.lands(recording.id);
    let end = recording.progress();
    recorder.metrics.ended(end.state());
    if let Some(End::Fail(code)) = recording.decided() {
        recorder.metrics.upstream_error(code);
    }
    let (state, cause) = (end.state().as_str(), end.cause().map(ErrorCode::as_str));
    let (bytes, chunks) = (end.len(), end.chunks());
    tracing::info!(recording = %recording.id, url = redact::key(&recording.key), state, cause, bytes, chunks, "ended");
}

async fn written(recorder: &Recorder, recording: &Arc<Recording>) -> Result<(), StoreError> {
    poll_fn(|cx| {
        recording.register_pump(cx);
        recording.poll_written(&recorder.writer)
    })
    .await
}

async fn recorded(recorder: &Recorder, recording: &Arc<Recording>) -> Result<(), StoreError> {
    if matches!(recording.decided(), Some(End::Supersede | End::Delete)) {
        // Whoever did that has removed the row.
        recorder.discard(recording, Readers::Break);
        recording.seal(Start::Recorded);
        return Ok(());
    }
    if let Err(error) = written(recorder, recording).await {
        tracing::error!(recording = %recording.id, "storage: {}", error.message);
        recording.fail_storage(error.code);
    }
    let (seen, end) = (recording.progress(), recording.decided().unwrap_or(End::Fail(ErrorCode::Internal)));
    let cause = if let End::Fail(code) = end { Some(code) } else { None };
    let at_ms = now_ms();
    recording.touch(at_ms);
    let (state, chunks) = (end.state(), seen.chunks());
    let len = if recording.is_given_up() { 0 } else { seen.len() };
    let end = Ended { id: recording.id, state, cause, len, chunks, at_ms };
    quota::with_room(recorder, move |db| rows::set_end(db, &end)).await?;
    recording.seal(Start::Recorded);
    Ok(())
}

/// Nothing is kept but the request id.
async fn nothing(recorder: &Recorder, entry: &Entry, recording: &Arc<Recording>) -> Result<(), StoreError> {
    let code = recording.decided().map_or(ErrorCode::Internal, End::no_head);
    // Who superseded or deleted it has settled its id.
    settle(recorder, entry, recording, Outcome::NoHead(code), None).await?;
    recording.seal(Start::Nothing(code));
    Ok(())
}

async fn unrecorded(
    recorder: &Recorder,
    entry: &Entry,
    recording: &Arc<Recording>,
    kept: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    // Readers that are behind read on from the file, which loses its name.
    let stored = written(recorder, recording).await;
    if stored.is_err() {
        recording.fail_storage(ErrorCode::StorageFailed);
    }
    let end = recording.decided().unwrap_or(End::Fail(ErrorCode::Internal));
    let kept = kept.filter(|body| end == End::Complete && body.len() <= KEPT_ANSWER_MAX);
    let answer = kept.and_then(|body| Some(to_stored(recording.head()?, &body)));
    let outcome = match (end, &answer) {
        (End::Complete, Some(_)) => Outcome::Answered,
        (End::Complete, None) => Outcome::AnsweredNotKept,
        (cut, _) => Outcome::NoHead(cut.no_head()),
    };
    let settled = settle(recorder, entry, recording, outcome, answer).await;
    recorder.discard(recording, Readers::Finish);
    recording.seal(Start::Unrecorded);
    settled
}

/// The key forgets the recording; what its request id came to is written down.
async fn settle(
    recorder: &Recorder,
    entry: &Entry,
    recording: &Recording,
    outcome: Outcome,
    answer: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let mut state = entry.lock(recorder, now_ms).await?;
    state.current.take_if(|current| current.id == recording.id);
    state.passing.retain(|passing| passing.id != recording.id);
    state.ledger.settle(recording.id, outcome, now_ms);
    let (id, key) = (recording.id, entry.key.clone());
    recorder
        .db
        .call(move |db| {
            rows::remove(db, id)?;
            rows::settle(db, &key, id, outcome, answer.as_deref(), now_ms)
        })
        .await
}

/// An answer as it is kept for its request id: `status\r\n reason\r\n headers \r\n body`.
fn to_stored(head: &Head, body: &[u8]) -> Vec<u8> {
    let mut out = format!("{}\r\n", head.status).into_bytes();
    out.extend_from_slice(&head.reason);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&head.stored_headers());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Reads what was kept; `None` for anything else.
pub(crate) fn from_stored(stored: &[u8]) -> Option<(Head, Vec<u8>)> {
    let line = |from: usize| {
        let end = stored.get(from..)?.windows(2).position(|pair| pair == b"\r\n")?;
        Some((&stored[from..from + end], from + end + 2))
    };
    let (status, after_status) = line(0)?;
    let (reason, after_reason) = line(after_status)?;
    let mut at = after_reason;
    loop {
        let (text, next) = line(at)?;
        if text.is_empty() {
            let status: u16 = core::str::from_utf8(status).ok()?.parse().ok()?;
            let head = Head::from_stored(status, reason.to_vec(), &stored[after_reason..at])?;
            return Some((head, stored[next..].to_vec()));
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_and_read_back() {
        for lines in [&b""[..], b"content-type: text/plain\r\nx-a: \r\n"] {
            let head = Head::from_stored(429, b"Slow down".to_vec(), lines).unwrap();
            for body in [&b""[..], b"\r\n\r\nx: y", b"plain"] {
                let (read, read_body) = from_stored(&to_stored(&head, body)).unwrap();
                assert_eq!(
                    (read.status, &read.reason, &read.headers),
                    (head.status, &head.reason, &head.headers)
                );
                assert_eq!(read_body, body);
            }
        }
        assert!(from_stored(b"429\r\n").is_none() && from_stored(b"").is_none());
    }
}

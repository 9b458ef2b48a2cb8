//! What is done when a recording ends, and when an answer turns out to be none to record.

use std::sync::Arc;

use durablefetch_protocol::answer::Head;
use durablefetch_protocol::limits::KEPT_ANSWER_MAX;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Outcome, ProtocolError};
use std::future::poll_fn;

use crate::app::App;
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::keys::Entry;
use crate::shared::{Readers, Shared, Start};
use crate::storage::rows::{self, Ended};
use crate::{redact, room};

/// The upstream answered with what is not recorded: the key is free, the answer goes to those who wait.
pub(crate) async fn pass_through(app: &App, entry: &Entry, shared: &Arc<Shared>) -> Result<(), StoreError> {
    let mut state = entry.lock(app, now_ms()).await?;
    state.current.take_if(|current| current.id == shared.id);
    state.passing.push(Arc::clone(shared));
    let id = shared.id;
    app.db.call(move |db| rows::remove(db, id)).await
}

/// Brings the end of a recording to disk, then shows it. `kept` is the whole body of a short answer that was
/// passed through.
pub(crate) async fn finish(app: &App, entry: &Entry, shared: &Arc<Shared>, kept: Option<Vec<u8>>) {
    let done = match shared.start() {
        Start::Recorded => recorded(app, shared).await,
        Start::Unrecorded => unrecorded(app, entry, shared, kept).await,
        Start::Pending | Start::Nothing(_) => nothing(app, entry, shared).await,
    };
    if let Err(error) = done {
        let code = ProtocolError::from(error).code;
        shared.fail_storage(code);
        let start = if shared.head().is_none() { Start::Nothing(code) } else { shared.start() };
        shared.seal(start);
    }
    app.lands(shared.id);
    let end = shared.recording();
    app.meters.ended(end.state());
    if let Some(End::Fail(code)) = shared.decided() {
        app.meters.upstream_error(code);
    }
    let (state, cause) = (end.state().as_str(), end.cause().map(ErrorCode::as_str));
    let (bytes, chunks) = (end.len(), end.chunks());
    tracing::info!(recording = %shared.id, url = redact::key(&shared.key), state, cause, bytes, chunks, "ended");
}

async fn written(app: &App, shared: &Arc<Shared>) -> Result<(), StoreError> {
    poll_fn(|cx| {
        shared.register_pump(cx);
        shared.poll_written(&app.writer)
    })
    .await
}

async fn recorded(app: &App, shared: &Arc<Shared>) -> Result<(), StoreError> {
    if matches!(shared.decided(), Some(End::Supersede | End::Delete)) {
        // Whoever did that has removed the row.
        app.discard(shared, Readers::Break);
        shared.seal(Start::Recorded);
        return Ok(());
    }
    if let Err(error) = written(app, shared).await {
        tracing::error!(recording = %shared.id, "storage: {}", error.message);
        shared.fail_storage(error.code);
    }
    let (seen, end) = (shared.recording(), shared.decided().unwrap_or(End::Fail(ErrorCode::Internal)));
    let cause = if let End::Fail(code) = end { Some(code) } else { None };
    let at_ms = now_ms();
    shared.touch(at_ms);
    let (state, chunks) = (end.state(), seen.chunks());
    let len = if shared.is_given_up() { 0 } else { seen.len() };
    let end = Ended { id: shared.id, state, cause, len, chunks, at_ms };
    room::with_room(app, move |db| rows::set_end(db, &end)).await?;
    shared.seal(Start::Recorded);
    Ok(())
}

/// Nothing is kept but the request id.
async fn nothing(app: &App, entry: &Entry, shared: &Arc<Shared>) -> Result<(), StoreError> {
    let code = shared.decided().map_or(ErrorCode::Internal, End::no_head);
    // Who superseded or deleted it has settled its id.
    settle(app, entry, shared, Outcome::NoHead(code), None).await?;
    shared.seal(Start::Nothing(code));
    Ok(())
}

async fn unrecorded(
    app: &App,
    entry: &Entry,
    shared: &Arc<Shared>,
    kept: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    // Readers that are behind read on from the file, which loses its name.
    let stored = written(app, shared).await;
    if stored.is_err() {
        shared.fail_storage(ErrorCode::StorageFailed);
    }
    let end = shared.decided().unwrap_or(End::Fail(ErrorCode::Internal));
    let kept = kept.filter(|body| end == End::Complete && body.len() <= KEPT_ANSWER_MAX);
    let answer = kept.and_then(|body| Some(to_stored(shared.head()?, &body)));
    let outcome = match (end, &answer) {
        (End::Complete, Some(_)) => Outcome::Answered,
        (End::Complete, None) => Outcome::AnsweredNotKept,
        (cut, _) => Outcome::NoHead(cut.no_head()),
    };
    let settled = settle(app, entry, shared, outcome, answer).await;
    app.discard(shared, Readers::Finish);
    shared.seal(Start::Unrecorded);
    settled
}

/// The key forgets the recording; what its request id came to is written down.
async fn settle(
    app: &App,
    entry: &Entry,
    shared: &Shared,
    outcome: Outcome,
    answer: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let now_ms = now_ms();
    let mut state = entry.lock(app, now_ms).await?;
    state.current.take_if(|current| current.id == shared.id);
    state.passing.retain(|passing| passing.id != shared.id);
    state.ledger.settle(shared.id, outcome, now_ms);
    let (id, key) = (shared.id, entry.key.clone());
    app.db
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

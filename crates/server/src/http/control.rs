//! The control calls: `in-progress`, `stop`, `delete`.

use std::sync::Arc;

use durablefetch_protocol::access::Admitted as Allowed;
use durablefetch_protocol::address::{Control, Upstream};
use durablefetch_protocol::admission::{self, ControlDecision, Named};
use durablefetch_protocol::control_json::{ControlRequest, Done, Seen, Status};
use durablefetch_protocol::ledger::Entry as LedgerEntry;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Outcome, ProtocolError, RequestId};
use http::Response;

use crate::clock::now_ms;
use crate::http::respond::{self, Body};
use crate::keys::Entry;
use crate::recorder::Recorder;
use crate::recording::Readers;
use crate::storage::rows;

/// Answers a control call.
pub(crate) async fn answer(
    recorder: &Arc<Recorder>,
    allowed: &Allowed,
    scope: &str,
    call: Control,
    body: &[u8],
) -> Result<Response<Body>, ProtocolError> {
    let asked = ControlRequest::parse(body)?;
    let target = recorder.own.resolve(Upstream::parse(&asked.url)?)?;
    let Some(key) = target.key(scope) else { return Err(ErrorCode::InvalidUrl.into()) };
    let request = asked.request_id()?;
    let entry = recorder.keys.entry(&key);
    let (recorder, recording) = (Arc::clone(recorder), asked.named());
    let message = match call {
        Control::InProgress => return Ok(respond::json(allowed, &status(&recorder, &entry).await?)),
        Control::Stop => to_its_end(async move { stop(&recorder, &entry, recording, request).await }).await?,
        Control::Delete => to_its_end(async move { delete(&recorder, &entry, recording).await }).await?,
    };
    Ok(respond::json(allowed, &Done::new(message)))
}

/// Runs a call in a task of its own: a half-done one must not be left by an asker who hangs up.
async fn to_its_end(
    call: impl Future<Output = Result<&'static str, ProtocolError>> + Send + 'static,
) -> Result<&'static str, ProtocolError> {
    tokio::spawn(call).await.map_err(|_| ProtocolError::from(ErrorCode::Internal))?
}

async fn status(recorder: &Recorder, entry: &Entry) -> Result<Status, ProtocolError> {
    let now_ms = now_ms();
    let state = entry.lock(recorder, now_ms).await?;
    let Some(current) = &state.current else {
        return Ok(Status::none());
    };
    let progress = current.progress();
    let in_use = progress.state().is_live() || current.readers() > 0;
    let used_ms = if in_use { now_ms } else { current.used_ms() };
    let seen = Seen {
        readers: current.readers(),
        status: current.head().map(|head| head.status),
        started_at: current.started_ms,
        expires_at: used_ms.saturating_add(recorder.config.ttl.as_millis() as u64),
    };
    Ok(Status::of(current.id, &progress, seen))
}

async fn stop(
    recorder: &Recorder,
    entry: &Entry,
    recording: Named,
    request: Option<RequestId>,
) -> Result<&'static str, ProtocolError> {
    let now_ms = now_ms();
    let mut state = entry.lock(recorder, now_ms).await?;
    match admission::decide_stop(&state.view(request.as_ref(), None), recording, request.as_ref()) {
        ControlDecision::NoOp => Ok(Done::NOTHING_TO_STOP),
        ControlDecision::Apply(_) => {
            let Some(current) = state.current.clone() else { return Ok(Done::NOTHING_TO_STOP) };
            let stopped = current.end(End::Stop);
            drop(state);
            // Whoever asks next finds it stopped.
            current.sealed().await;
            Ok(if stopped { Done::STOPPED } else { Done::NOTHING_TO_STOP })
        }
        ControlDecision::Remember => {
            let Some(id) = request else { return Ok(Done::NOTHING_TO_STOP) };
            let remembered = LedgerEntry { id: id.clone(), outcome: Outcome::StopAtArrival, at_ms: now_ms };
            let key = entry.key.clone();
            recorder.db.call(move |db| rows::put_request(db, &key, &remembered)).await?;
            state.ledger.set(id, Outcome::StopAtArrival, now_ms);
            Ok(Done::STOP_REMEMBERED)
        }
    }
}

async fn delete(recorder: &Recorder, entry: &Entry, recording: Named) -> Result<&'static str, ProtocolError> {
    let now_ms = now_ms();
    let mut state = entry.lock(recorder, now_ms).await?;
    if let ControlDecision::Apply(id) = admission::decide_delete(&state.view(None, None), recording)
        && let Some(current) = state.current.take()
    {
        let was_live = current.end(End::Delete);
        state.ledger.settle(id, Outcome::Deleted, now_ms);
        let key = entry.key.clone();
        recorder
            .db
            .call(move |db| {
                rows::remove(db, id)?;
                rows::settle(db, &key, id, Outcome::Deleted, None, now_ms)
            })
            .await?;
        if !was_live {
            // The pump of a live one does this when it has let go of the file.
            recorder.discard(&current, Readers::Break);
        }
    }
    Ok(Done::DELETED)
}

//! The control calls: `in-progress`, `stop`, `delete`.

use std::sync::Arc;

use durablefetch_protocol::access::Admitted as Allowed;
use durablefetch_protocol::address::{Control, Upstream};
use durablefetch_protocol::control_json::{ControlRequest, Done, Seen, Status};
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::Response;

use crate::clock::now_ms;
use crate::http::respond::{self, Body};
use crate::key_map::Entry;
use crate::keys::stop;
use crate::recorder::Recorder;

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
    let named = asked.named();
    match call {
        Control::InProgress => Ok(respond::json(allowed, &status(recorder, &entry).await?)),
        Control::Stop => {
            let message = stop::stop(recorder, &entry, named, request.as_ref()).await?;
            Ok(respond::json(allowed, &Done::new(message)))
        }
        Control::Delete => {
            stop::delete(recorder, &entry, named).await?;
            Ok(respond::json(allowed, &Done::new(Done::DELETED)))
        }
    }
}

async fn status(recorder: &Arc<Recorder>, entry: &Arc<Entry>) -> Result<Status, ProtocolError> {
    let Some(current) = entry.look(recorder, |life| life.current().cloned()).await? else {
        return Ok(Status::none());
    };
    let progress = current.progress();
    let in_use = progress.state().is_live() || current.readers() > 0;
    let used_ms = if in_use { now_ms() } else { current.used_ms() };
    let seen = Seen {
        readers: current.readers(),
        status: current.head().map(|head| head.status),
        started_at: current.started_ms,
        expires_at: used_ms.saturating_add(recorder.config.ttl.as_millis() as u64),
    };
    Ok(Status::of(current.id, &progress, seen))
}

//! The control calls: `in-progress`, `stop`, `delete`.

use std::sync::Arc;

use bytes::Bytes;
use durablefetch_protocol::access::Admitted as Allowed;
use durablefetch_protocol::access::scope_name;
use durablefetch_protocol::address::{Control, Target, Upstream};
use durablefetch_protocol::admission::Named;
use durablefetch_protocol::control_json::{ControlRequest, Done, Status};
use durablefetch_protocol::life::Detail;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, request_headers};
use http::Response;
use http_body_util::BodyExt;

use crate::clock::now_ms;
use crate::http::forward::{Located, Whole, locate};
use crate::http::respond::{self, Body};
use crate::key_map::{Entry, Life};
use crate::keys::stop;
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::recording::Recording;

/// Answers a control call.
pub(crate) async fn answer(
    recorder: &Arc<Recorder>,
    allowed: &Allowed,
    scope: &str,
    call: Control,
    whole: &Whole<'_>,
) -> Result<Response<Body>, ProtocolError> {
    let headers = &whole.parts.headers;
    let asked = ControlRequest::parse(whole.body)?;
    if !asked.urls.is_empty() {
        return list(recorder, allowed, scope, call, &asked, whole).await;
    }
    let target = target(recorder, &asked)?;
    request_headers::check_for(headers, &target, &recorder.own)?;
    let key = key(&target, scope)?;
    if let (Control::Stop | Control::Delete, Target::Upstream(upstream)) = (call, &target) {
        recorder.rules().upstreams.check(upstream, headers)?;
    }
    let entry = match locate(recorder, &key, whole).await? {
        Located::Here(entry) => entry,
        Located::Answered(response) => return Ok(response),
    };
    let (named, request) = (asked.named(), asked.request_id()?);
    match call {
        Control::InProgress => Ok(respond::json(allowed, &status(recorder, &entry, &asked).await?)),
        Control::Stop => {
            let message = stop::stop(recorder, &entry, named, request.as_ref()).await?;
            audit(recorder, &entry, named, &format!("asked to stop: {message}"));
            Ok(respond::json(allowed, &Done::new(message)))
        }
        Control::Delete => {
            stop::delete(recorder, &entry, named, request.as_ref()).await?;
            audit(recorder, &entry, named, "asked to delete");
            Ok(respond::json(allowed, &Done::new(Done::DELETED)))
        }
    }
}

/// A line for what somebody else could regret.
fn audit(recorder: &Recorder, entry: &Entry, named: Named, what: &str) {
    let recording = match named {
        Named::Only(id) => Some(id.to_string()),
        Named::All | Named::Unknown => None,
    };
    tracing::info!(
        target: "durablefetch::audit",
        recording,
        url = redact::key(&entry.key),
        scope = scope_name(&recorder.secret, entry.key.scope()),
        "{what}"
    );
}

/// One status for each URL of a list.
async fn list(
    recorder: &Arc<Recorder>,
    allowed: &Allowed,
    scope: &str,
    call: Control,
    asked: &ControlRequest,
    whole: &Whole<'_>,
) -> Result<Response<Body>, ProtocolError> {
    let mut all = Vec::new();
    for question in asked.questions(call)? {
        let key = key(&target(recorder, &question)?, scope)?;
        // Each is passed on for itself: they may live in different processes.
        let body = Bytes::from(serde_json::to_vec(&question).unwrap_or_default());
        all.push(match locate(recorder, &key, &Whole { body: &body, ..*whole }).await? {
            Located::Here(entry) => status(recorder, &entry, &question).await?,
            Located::Answered(response) => told(response).await?,
        });
    }
    Ok(respond::json(allowed, &all))
}

fn target(recorder: &Recorder, asked: &ControlRequest) -> Result<Target, ProtocolError> {
    recorder.own.resolve(Upstream::parse(&asked.url)?)
}

fn key(target: &Target, scope: &str) -> Result<Key, ProtocolError> {
    Ok(target.key(scope).ok_or(ErrorCode::InvalidUrl)?)
}

/// The status that another process has told.
async fn told(response: Response<Body>) -> Result<Status, ProtocolError> {
    let body = response.into_body().collect().await.map_err(|_| ErrorCode::ShuttingDown)?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| ErrorCode::ShuttingDown.into())
}

async fn status(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    asked: &ControlRequest,
) -> Result<Status, ProtocolError> {
    let (named, request) = (asked.named(), asked.request_id()?);
    let keep = recorder.config.keep();
    let detail = |recording: &Arc<Recording>| Detail {
        status: recording.head().map(|head| head.status),
        started_at: recording.started_ms,
    };
    let tell = |life: &Life| life.status(named, request.as_ref(), detail, keep, now_ms());
    Ok(entry.look(recorder, tell).await?.answering(asked))
}

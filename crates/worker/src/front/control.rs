//! The control calls: `in-progress`, `stop`, `delete`.

use std::rc::Rc;

use durablefetch_protocol::address::Control;
use durablefetch_protocol::admission::{ControlDecision, decide_delete, decide_stop};
use durablefetch_protocol::control_json::{ControlRequest, Done, Seen, Status};
use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Outcome, ProtocolError, RequestId};

use super::request::Request;
use super::{body, respond};
use crate::core::Core;
use crate::js::sys;
use crate::recording::Recording;
use crate::recording::owner::Owner;
use crate::store::StoreError;

/// Answers a control call.
pub(crate) async fn answer(
    core: &Rc<Core>,
    call: Control,
    request: &Request,
) -> Result<web_sys::Response, ProtocolError> {
    let body = body::read_control(&request.js).await?;
    let control = ControlRequest::parse(&body)?;
    core.expire()?;
    let json = match call {
        Control::InProgress => serde_json::to_value(status(core)),
        Control::Stop => serde_json::to_value(Done::new(stop(core, &control)?)),
        Control::Delete => serde_json::to_value(Done::new(delete(core, &control)?)),
    };
    let json = json.map_err(|_| ProtocolError::from(ErrorCode::Internal))?;
    respond::or_internal(respond::json(&json, &request.admitted))
}

fn status(core: &Core) -> Status {
    let key_state = core.key_state.borrow();
    let Some(current) = &key_state.current else { return Status::none() };
    let seen = Seen {
        readers: current.readers.get(),
        status: current.head().map(|head| head.status),
        started_at: current.started_ms,
        expires_at: core.expires_ms(current),
    };
    Status::of(current.id, &current.machine(), seen)
}

fn stop(core: &Rc<Core>, call: &ControlRequest) -> Result<&'static str, ProtocolError> {
    let request = call.request_id()?;
    let view = core.key_state.borrow().view(request.as_ref(), None);
    match (decide_stop(&view, call.named(), request.as_ref()), request) {
        (ControlDecision::Apply(_), _) => {
            let current = core.key_state.borrow().current.clone();
            current.iter().for_each(|current| core.end(current, End::Stop));
            Ok(Done::STOPPED)
        }
        (ControlDecision::Remember, Some(id)) => {
            remember(core, id)?;
            Ok(Done::STOP_REMEMBERED)
        }
        (ControlDecision::Remember | ControlDecision::NoOp, _) => Ok(Done::NOTHING_TO_STOP),
    }
}

fn remember(core: &Rc<Core>, id: RequestId) -> Result<(), StoreError> {
    let (outcome, at_ms) = (Outcome::StopAtArrival, sys::now_ms());
    core.store.put_request(&Entry { id: id.clone(), outcome, at_ms }, None)?;
    core.key_state.borrow_mut().ledger.set(id, outcome, at_ms);
    Ok(())
}

fn delete(core: &Rc<Core>, call: &ControlRequest) -> Result<&'static str, ProtocolError> {
    let view = core.key_state.borrow().view(None, None);
    if let ControlDecision::Apply(_) = decide_delete(&view, call.named()) {
        let current = core.key_state.borrow_mut().current.take();
        current.iter().try_for_each(|current| remove(core, current))?;
    }
    Ok(Done::DELETED)
}

fn remove(core: &Rc<Core>, current: &Rc<Recording>) -> Result<(), StoreError> {
    if current.is_live() {
        core.end(current, End::Delete);
    } else {
        core.store.remove(current.n)?;
    }
    core.key_state.borrow_mut().settle(&core.store, current.id, Outcome::Deleted, None, sys::now_ms())
}

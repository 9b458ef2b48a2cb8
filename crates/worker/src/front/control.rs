//! The control calls: `in-progress`, `stop`, `delete`.

use std::rc::Rc;

use durablefetch_protocol::address::Control;
use durablefetch_protocol::control_json::{ControlRequest, Done};
use durablefetch_protocol::{ErrorCode, ProtocolError};

use super::request::Request;
use super::{body, respond};
use crate::core::Core;

/// Answers a control call.
pub(crate) async fn answer(
    core: &Rc<Core>,
    call: Control,
    request: &Request,
) -> Result<web_sys::Response, ProtocolError> {
    let body = body::read_control(&request.js).await?;
    let control = ControlRequest::parse(&body)?;
    let (named, request_id) = (control.named(), control.request_id()?);
    let json = match call {
        Control::InProgress => {
            let status = core.status(named, request_id.as_ref())?;
            serde_json::to_value(status.answering(&control))
        }
        Control::Stop => serde_json::to_value(Done::new(core.stop(named, request_id.as_ref()).await?)),
        Control::Delete => serde_json::to_value(Done::new(core.delete(named, request_id.as_ref())?)),
    };
    let json = json.map_err(|_| ProtocolError::from(ErrorCode::Internal))?;
    respond::or_internal(respond::json(&json, &request.admitted))
}

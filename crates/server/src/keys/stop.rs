//! `stop` and `delete`.

use std::sync::Arc;

use durablefetch_protocol::admission::{Decision, Named};
use durablefetch_protocol::control_json::Done;
use durablefetch_protocol::life::{Event, Reply};
use durablefetch_protocol::{ProtocolError, RequestId};

use super::commit::Cargo;
use crate::key_map::Entry;
use crate::observe::removal::Removal;
use crate::recorder::Recorder;

/// Stops what is meant, and says what has come of it.
pub(crate) async fn stop(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    named: Named,
    request: Option<&RequestId>,
) -> Result<&'static str, ProtocolError> {
    let acted = entry.act(recorder, Event::Stop { named, request }, Cargo::default()).await?;
    match acted.reply {
        Reply::Remembered => return Ok(Done::STOP_REMEMBERED),
        Reply::Decided(Decision::Refuse(code)) => return Err(code.into()),
        _ => {}
    }
    let mut any = false;
    for (recording, decided) in acted.closed {
        // Requests that come after this find it ended.
        recording.sealed().await;
        any |= decided;
    }
    Ok(if any { Done::STOPPED } else { Done::NOTHING_TO_STOP })
}

/// Deletes what is meant.
pub(crate) async fn delete(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    named: Named,
    request: Option<&RequestId>,
) -> Result<(), ProtocolError> {
    let cargo = Cargo { why: Some(Removal::Deleted), ..Cargo::default() };
    entry.act(recorder, Event::Delete { named, request }, cargo).await.map(drop)
}

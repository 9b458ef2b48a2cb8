//! The pump: reads the upstream of one recording to its end, with or without readers.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use wasm_bindgen_futures::spawn_local;

use super::Recording;
use super::owner::Owner;
use crate::js::sys;
use crate::upstream::decode::Decoded;
use crate::upstream::{self, Opened, Source, Upward};

/// How often the watchdog looks within the idle timeout. An upstream is cut after that time and at most one look more.
const LOOKS: u32 = 8;

/// Starts the pump of a recording.
pub(crate) fn spawn(owner: Rc<impl Owner>, recording: Rc<Recording>, source: Source) {
    spawn_local(async move {
        let end = match source {
            Source::Upstream(upward) => from_upstream(&owner, &recording, upward).await,
            Source::Demo(script) => from_demo(&owner, &recording, script).await,
        };
        owner.end(&recording, end);
    });
}

async fn from_upstream(owner: &Rc<impl Owner>, recording: &Rc<Recording>, upward: Upward) -> End {
    let opened = match open(owner, recording, upward).await {
        Ok(opened) => opened,
        Err(error) => {
            let code = error.code;
            recording.explain(error);
            return End::Fail(code);
        }
    };
    let Opened { head, cookies, body, codings, .. } = opened;
    if !owner.answered(recording, head, cookies) {
        return End::Complete;
    }
    let Some(body) = body else { return End::Complete };
    let body = Decoded::new(body, &codings);
    let idle = owner.config().map_or(Duration::MAX, |config| config.idle_timeout);
    watch(owner, recording, idle, recording.progress().chunks(), 0);
    let (publisher, recording) = (Rc::clone(owner), Rc::clone(recording));
    match body.drain(move |chunk| publisher.publish(&recording, chunk)).await {
        // Where somebody else has ended it, this end will not be heard.
        Ok(()) => End::Complete,
        Err(code) => End::Fail(code),
    }
}

/// Asks the upstream, which the end of the recording aborts.
async fn open(
    owner: &Rc<impl Owner>,
    recording: &Recording,
    upward: Upward,
) -> Result<Opened, ProtocolError> {
    let (config, controller) = (owner.config()?, upstream::controller()?);
    *recording.upstream.borrow_mut() = Some(controller.clone());
    upstream::open(config, upward, controller, || !recording.is_open()).await
}

async fn from_demo(owner: &Rc<impl Owner>, recording: &Rc<Recording>, script: Script) -> End {
    if !script.held.is_zero() {
        sys::sleep(script.held).await;
    }
    owner.answered(recording, Head::of_demo(script), Vec::new());
    let mut next = script.event(1, sys::now_ms());
    for n in 2.. {
        let Some(event) = next else { break };
        if !owner.publish(recording, Bytes::from(event)) || script.event(n, 0).is_none() {
            break;
        }
        sys::sleep(script.every).await;
        next = script.event(n, sys::now_ms());
    }
    End::Complete
}

/// Ends a recording whose upstream has been silent for too long. It looks whether chunks have come a few times in
/// that time: neither a timer nor a look at the clock for each chunk.
fn watch(owner: &Rc<impl Owner>, recording: &Rc<Recording>, idle: Duration, chunks: u64, silent: u32) {
    let (owner_then, recording_then) = (Rc::clone(owner), Rc::clone(recording));
    let timer = sys::Timer::after(idle / LOOKS, move || {
        spawn_local(async move {
            let now = recording_then.progress().chunks();
            let silent = if now == chunks { silent + 1 } else { 0 };
            if !recording_then.is_open() {
                return;
            }
            if silent >= LOOKS {
                owner_then.end(&recording_then, End::Fail(ErrorCode::UpstreamIdle));
            } else {
                watch(&owner_then, &recording_then, idle, now, silent);
            }
        });
    });
    *recording.watchdog.borrow_mut() = Some(timer);
}

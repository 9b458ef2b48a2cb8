//! The pump: reads the upstream of one recording to its end, whoever listens.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::HeaderValue;
use wasm_bindgen_futures::spawn_local;

use super::owner::Owner;
use super::{Recording, Start};
use crate::js::sys;
use crate::store::Kind;
use crate::upstream::{self, Opened, Source, Upward, decode, demo_head};

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
        Err(error) => return End::Fail(error.code),
    };
    let Opened { head, cookies, body, coding, .. } = opened;
    if !publish_head(owner, recording, head, cookies) {
        return End::Complete;
    }
    let Some(body) = body else { return End::Complete };
    let body = match decode::identity(body, coding.as_deref()) {
        Ok(body) => body,
        Err(code) => return End::Fail(code),
    };
    let idle = owner.config().map_or(Duration::MAX, |config| config.idle_timeout);
    watch(owner, recording, idle, recording.machine().chunks(), 0);
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
    upstream::open(config, upward, controller, || recording.ending.get()).await
}

async fn from_demo(owner: &Rc<impl Owner>, recording: &Rc<Recording>, script: Script) -> End {
    publish_head(owner, recording, demo_head(), Vec::new());
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

/// The upstream has answered. False where nobody wants to know any more.
fn publish_head(
    owner: &Rc<impl Owner>,
    recording: &Rc<Recording>,
    head: Head,
    cookies: Vec<HeaderValue>,
) -> bool {
    if recording.ending.get() {
        return false;
    }
    let (kind, start) = if Head::is_recorded(head.status) {
        (Kind::Recorded, Start::Recorded)
    } else {
        (Kind::Unrecorded, Start::Unrecorded)
    };
    if let Err(error) = owner.store().head(recording.n, &head, kind) {
        worker::console_error!("storage: {}", error.message);
        owner.end(recording, End::Fail(error.code));
        return false;
    }
    if kind == Kind::Unrecorded {
        owner.passes(recording);
    }
    recording.set_head(head, cookies, start)
}

/// Ends a recording whose upstream has been silent for too long. It looks whether chunks have come a few times in
/// that time: neither a timer nor a look at the clock for each chunk.
fn watch(owner: &Rc<impl Owner>, recording: &Rc<Recording>, idle: Duration, chunks: u64, silent: u32) {
    let (owner_then, recording_then) = (Rc::clone(owner), Rc::clone(recording));
    let timer = sys::Timer::after(idle / LOOKS, move || {
        spawn_local(async move {
            let now = recording_then.machine().chunks();
            let silent = if now == chunks { silent + 1 } else { 0 };
            if recording_then.ending.get() {
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

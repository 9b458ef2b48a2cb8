//! The pump: reads the upstream of one recording to its end, whoever listens.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;
use durablefetch_protocol::answer::Head;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::recording::End;
use http::HeaderValue;
use wasm_bindgen_futures::spawn_local;

use crate::object::Core;
use crate::shared::{Shared, Start};
use crate::source::{Source, demo_head};
use crate::store::Kind;
use crate::upstream::{self, Opened, Upward};
use crate::{decode, sys};

/// How often the watchdog looks within the idle timeout. An upstream is cut after that time and at most one look more.
const LOOKS: u32 = 8;

/// Starts the pump of a recording.
pub(crate) fn spawn(core: Rc<Core>, shared: Rc<Shared>, source: Source) {
    spawn_local(async move {
        let end = match source {
            Source::Upstream(upward) => from_upstream(&core, &shared, upward).await,
            Source::Demo(script) => from_demo(&core, &shared, script).await,
        };
        core.end(&shared, end);
    });
}

async fn from_upstream(core: &Rc<Core>, shared: &Rc<Shared>, upward: Upward) -> End {
    let Opened { head, cookies, body, coding, .. } = match upstream::open(core, upward, Some(shared)).await {
        Ok(opened) => opened,
        Err(error) => return End::Fail(error.code),
    };
    if !publish_head(core, shared, head, cookies) {
        return End::Complete;
    }
    let Some(body) = body else { return End::Complete };
    let body = match decode::identity(body, coding.as_deref()) {
        Ok(body) => body,
        Err(code) => return End::Fail(code),
    };
    let idle = core.config().map_or(Duration::MAX, |config| config.idle_timeout);
    watch(core, shared, idle, shared.machine().chunks(), 0);
    let (publisher, recording) = (Rc::clone(core), Rc::clone(shared));
    match body.drain(move |chunk| publisher.publish(&recording, chunk)).await {
        // Where somebody else has ended it, this end will not be heard.
        Ok(()) => End::Complete,
        Err(code) => End::Fail(code),
    }
}

async fn from_demo(core: &Rc<Core>, shared: &Rc<Shared>, script: Script) -> End {
    publish_head(core, shared, demo_head(), Vec::new());
    let mut next = script.event(1, sys::now_ms());
    for n in 2.. {
        let Some(event) = next else { break };
        if !core.publish(shared, Bytes::from(event)) || script.event(n, 0).is_none() {
            break;
        }
        sys::sleep(script.every).await;
        next = script.event(n, sys::now_ms());
    }
    End::Complete
}

/// The upstream has answered. False where nobody wants to know any more.
fn publish_head(core: &Rc<Core>, shared: &Rc<Shared>, head: Head, cookies: Vec<HeaderValue>) -> bool {
    if shared.ending.get() {
        return false;
    }
    let (kind, start) = if Head::is_recorded(head.status) {
        (Kind::Recorded, Start::Recorded)
    } else {
        (Kind::Unrecorded, Start::Unrecorded)
    };
    if let Err(error) = core.store.head(shared.n, &head, kind) {
        worker::console_error!("storage: {}", error.message);
        core.end(shared, End::Fail(error.code));
        return false;
    }
    if kind == Kind::Unrecorded {
        let mut keyed = core.keyed.borrow_mut();
        keyed.current.take_if(|current| Rc::ptr_eq(current, shared));
        keyed.passing.push(Rc::clone(shared));
    }
    shared.set_head(head, cookies, start)
}

/// Ends a recording whose upstream has been silent for too long. It looks whether chunks have come a few times in
/// that time: neither a timer nor a look at the clock for each chunk.
fn watch(core: &Rc<Core>, shared: &Rc<Shared>, idle: Duration, chunks: u64, silent: u32) {
    let (core_then, shared_then) = (Rc::clone(core), Rc::clone(shared));
    let timer = sys::Timer::after(idle / LOOKS, move || {
        spawn_local(async move {
            let now = shared_then.machine().chunks();
            let silent = if now == chunks { silent + 1 } else { 0 };
            if shared_then.ending.get() {
                return;
            }
            if silent >= LOOKS {
                core_then.end(&shared_then, End::Fail(ErrorCode::UpstreamIdle));
            } else {
                watch(&core_then, &shared_then, idle, now, silent);
            }
        });
    });
    *shared.watchdog.borrow_mut() = Some(timer);
}

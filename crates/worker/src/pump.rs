//! The pump: reads the upstream of one recording to its end, whoever listens.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::answer::Head;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, demo};
use http::{HeaderMap, HeaderValue};
use wasm_bindgen_futures::spawn_local;

use crate::object::Core;
use crate::shared::{Shared, Start};
use crate::source::Source;
use crate::upstream::{self, Opened, Upward};
use crate::{decode, sys};

/// Starts the pump of a recording.
pub(crate) fn spawn(core: Rc<Core>, shared: Rc<Shared>, source: Source) {
    spawn_local(async move {
        let end = match source {
            Source::Upstream(upward) => from_upstream(&core, &shared, upward).await,
            Source::Demo => from_demo(&core, &shared).await,
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
    shared.last_chunk_ms.set(sys::now_ms());
    watch(core, shared, idle);
    let mut reader = body;
    loop {
        match reader.read().await {
            Ok(Some(chunk)) if chunk.is_empty() => {}
            Ok(Some(chunk)) => {
                if !core.publish(shared, chunk) {
                    reader.cancel();
                    // Its end has begun elsewhere; this one will not be heard.
                    return End::Complete;
                }
            }
            Ok(None) => return End::Complete,
            Err(code) => return End::Fail(code),
        }
    }
}

async fn from_demo(core: &Rc<Core>, shared: &Rc<Shared>) -> End {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(demo::CONTENT_TYPE));
    publish_head(core, shared, Head { status: 200, reason: b"OK".to_vec(), headers }, Vec::new());
    let mut n = 1;
    while let Some(event) = demo::event(n, sys::now_ms()) {
        if !core.publish(shared, Bytes::from(event)) {
            break;
        }
        n += 1;
        sys::sleep(demo::EVERY).await;
    }
    End::Complete
}

/// The upstream has answered. False where nobody wants to know any more.
fn publish_head(core: &Rc<Core>, shared: &Rc<Shared>, head: Head, cookies: Vec<HeaderValue>) -> bool {
    if shared.ending.get() {
        return false;
    }
    let recorded = Head::is_recorded(head.status);
    if let Err(error) = core.store.head(shared.n, &head, !recorded) {
        worker::console_error!("storage: {}", error.message);
        core.end(shared, End::Fail(error.code));
        return false;
    }
    if !recorded {
        let mut keyed = core.keyed.borrow_mut();
        keyed.current.take_if(|current| Rc::ptr_eq(current, shared));
        keyed.passing.push(Rc::clone(shared));
    }
    shared.set_head(head, cookies, if recorded { Start::Recorded } else { Start::Unrecorded })
}

/// Ends a recording whose upstream has been silent for too long. One timer a while, not one a chunk.
fn watch(core: &Rc<Core>, shared: &Rc<Shared>, idle: Duration) {
    let silent = Duration::from_millis(sys::now_ms().saturating_sub(shared.last_chunk_ms.get()));
    let (core_then, shared_then) = (Rc::clone(core), Rc::clone(shared));
    let timer = sys::Timer::after(idle.saturating_sub(silent), move || {
        spawn_local(async move {
            if shared_then.ending.get() {
                return;
            }
            let silent = Duration::from_millis(sys::now_ms().saturating_sub(shared_then.last_chunk_ms.get()));
            if silent >= idle {
                core_then.end(&shared_then, End::Fail(ErrorCode::UpstreamIdle));
            } else {
                watch(&core_then, &shared_then, idle);
            }
        });
    });
    *shared.watchdog.borrow_mut() = Some(timer);
}

//! The one read loop: a reader holds an offset. It sends what is stored from its offset; at the tail it waits for
//! "length or state changed" and goes on. It has one write under way and nothing queued, so a slow reader costs
//! no memory, misses nothing and slows no one.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::WritableStreamDefaultWriter;

use crate::object::Core;
use crate::shared::{Got, Shared};
use crate::sys;

/// About how much is read from storage at once.
const PAGE: u32 = 256 << 10;

/// Between the last write and breaking the connection: so many turns of the event loop, so long each.
const SETTLE_TURNS: u32 = 10;
const SETTLE: Duration = Duration::from_millis(10);
/// A write is done when the next stage inside workerd has read it, while that one may still be passing it on;
/// breaking the connection would lose it. There are two stages between here and the socket, so this many bytes
/// at the end of what is broken go one by one: when the last is read, all before them have left.
const SINGLES: u32 = 2;

/// Whether the other side has gone.
#[derive(Default)]
struct Left {
    flag: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Left {
    fn set(&self) {
        self.flag.set(true);
        let waker = self.waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// What a reader follows.
pub(crate) struct Follow {
    pub(crate) core: Rc<Core>,
    pub(crate) shared: Rc<Shared>,
    /// The first byte.
    pub(crate) from: u64,
    /// What is there is all that was promised: its end is one, whatever the state.
    pub(crate) clean: bool,
}

/// Follows a recording into a response's body to its end.
pub(crate) fn spawn(follow: Follow, writer: WritableStreamDefaultWriter) {
    follow.shared.readers.set(follow.shared.readers.get() + 1);
    spawn_local(async move {
        let left = Rc::new(Left::default());
        watch(&writer, Rc::clone(&left));
        match follow.run(&writer, &left).await {
            Outcome::End => drop(JsFuture::from(writer.close()).await),
            Outcome::Break => {
                // What was written last may still be on its way through workerd, which would drop it.
                for _ in 0..SETTLE_TURNS {
                    sys::sleep(SETTLE).await;
                }
                let why = js_sys::Error::new("network error: the recording broke off");
                drop(JsFuture::from(writer.abort_with_reason(&why)).await);
            }
            Outcome::Left => {
                // Nobody reads what is in the pipe: it must not hold anything.
                drop(JsFuture::from(writer.abort()).await);
            }
        }
        follow.core.left(&follow.shared);
    });
}

enum Outcome {
    End,
    Break,
    Left,
}

impl Follow {
    async fn run(&self, writer: &WritableStreamDefaultWriter, left: &Left) -> Outcome {
        let Self { core, shared, from, clean, .. } = self;
        let mut offset = *from;
        loop {
            let got = poll_fn(|cx| {
                if left.flag.get() {
                    return Poll::Ready(None);
                }
                let got = shared.poll_read(offset, cx);
                if got.is_pending() {
                    *left.waker.borrow_mut() = Some(cx.waker().clone());
                }
                got.map(Some)
            });
            let piece = match got.await {
                None => return Outcome::Left,
                Some(Got::Bytes(bytes)) => shared.to_js(offset, &bytes),
                Some(Got::Stored(until)) => match core.store.page(shared.n, offset, until, PAGE) {
                    Ok(page) => page,
                    Err(error) => {
                        worker::console_error!("storage: {}", error.message);
                        return Outcome::Break;
                    }
                },
                Some(Got::Gone) => return Outcome::Break,
                Some(Got::Ended(state)) => {
                    return if *clean || state.ends_clean() { Outcome::End } else { Outcome::Break };
                }
            };
            offset += u64::from(piece.length());
            let machine = shared.machine();
            let breaks = !clean && !machine.state().is_live() && !machine.state().ends_clean();
            let whole = if breaks && offset == machine.len() {
                piece.length().saturating_sub(SINGLES)
            } else {
                piece.length()
            };
            let singles = (whole..piece.length()).map(|at| piece.subarray(at, at + 1));
            for part in core::iter::once(piece.subarray(0, whole)).chain(singles) {
                if part.length() > 0 && JsFuture::from(writer.write_with_chunk(&part)).await.is_err() {
                    return Outcome::Left;
                }
            }
        }
    }
}

/// `closed` is rejected when the client is known to have gone: on workerd at the next write.
fn watch(writer: &WritableStreamDefaultWriter, left: Rc<Left>) {
    let closed = writer.closed();
    spawn_local(async move {
        let _: Result<JsValue, JsValue> = JsFuture::from(closed).await;
        left.set();
    });
}

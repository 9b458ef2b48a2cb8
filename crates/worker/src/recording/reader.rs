//! The one read loop: a reader holds an offset. It sends what is stored from its offset; at the tail it waits for
//! "length or state changed" and goes on. It has one write under way and nothing queued, so a slow reader costs
//! no memory, misses nothing and slows no one.
//!
//! No future and no waker: what changes the recording calls the readers that wait, and JavaScript calls back when a
//! piece has been written. That is one crossing each way for every chunk.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use durablefetch_protocol::recording::Got;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::WritableStreamDefaultWriter;

use super::buffers::{self, Piece};
use super::owner::Owner;
use super::{Recording, Waiting};
use crate::js::sys;

/// Between the last write and breaking the connection: so many turns of the event loop, so long each.
const SETTLE_TURNS: u32 = 10;
const SETTLE: Duration = Duration::from_millis(10);
/// A write is done when the next stage inside workerd has read it, while that one may still be passing it on;
/// breaking the connection would lose it. There are two stages between here and the socket, so this many bytes
/// at the end of what is broken go one by one: when the last is read, all before them have left.
const SINGLES: u64 = 2;

/// What a reader follows.
pub(crate) struct Follow<O> {
    pub(crate) owner: Rc<O>,
    pub(crate) recording: Rc<Recording>,
    /// The first byte.
    pub(crate) from: u64,
    /// What is there is all that was promised: its end is one, whatever the state.
    pub(crate) clean: bool,
}

/// One response's body.
pub(crate) struct Reader<O> {
    follow: Follow<O>,
    writer: WritableStreamDefaultWriter,
    offset: Cell<u64>,
    /// What is being written.
    writing: RefCell<Option<Rc<Piece>>>,
    /// What JavaScript calls when it was written, or cannot be. `None` once the reader is over.
    callbacks: RefCell<Option<Rc<Callbacks>>>,
}

struct Callbacks {
    sent: Closure<dyn FnMut()>,
    failed: Closure<dyn FnMut()>,
}

/// Follows a recording into a response's body to its end.
pub(crate) fn spawn<O: Owner>(follow: Follow<O>, writer: WritableStreamDefaultWriter) {
    follow.recording.readers.set(follow.recording.readers.get() + 1);
    let offset = Cell::new(follow.from);
    let (writing, callbacks) = (RefCell::new(None), RefCell::new(None));
    let reader = Rc::new(Reader { follow, writer, offset, writing, callbacks });
    let (on_sent, on_failed) = (Rc::clone(&reader), Rc::clone(&reader));
    *reader.callbacks.borrow_mut() = Some(Rc::new(Callbacks {
        sent: Closure::new(move || on_sent.sent()),
        failed: Closure::new(move || on_failed.end(Close::Left)),
    }));
    watch(&reader);
    reader.step();
}

/// How a response's body is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Close {
    /// As a body ends.
    End,
    /// With an error, so that nobody takes it for an end.
    Break,
    /// The client has gone.
    Left,
}

impl<O: Owner> Waiting for Reader<O> {
    fn step(self: Rc<Self>) {
        Self::step(&self);
    }
}

impl<O: Owner> Reader<O> {
    /// Something about the recording has changed, or the last piece was written.
    fn step(self: &Rc<Self>) {
        let Some(callbacks) = self.callbacks.borrow().clone() else { return };
        let Follow { owner, recording, clean, .. } = &self.follow;
        let offset = self.offset.get();
        let (piece, view) = match recording.read(offset) {
            Got::Wait => return recording.wait(Rc::clone(self) as Rc<dyn Waiting>),
            Got::Bytes(bytes) => {
                let piece = recording.piece(offset, &bytes);
                let view = piece.view().clone();
                (piece, view)
            }
            Got::Stored(until) => match buffers::stored(owner.store(), recording.id, offset, until) {
                Ok(found) => found,
                Err(error) => {
                    error.log();
                    return self.end(Close::Break);
                }
            },
            Got::Gone => return self.end(Close::Break),
            Got::Ended(state) if *clean || state.ends_clean() => return self.end(Close::End),
            Got::Ended(_) => return self.end(Close::Break),
        };
        let view = self.cautious(view);
        self.offset.set(offset + u64::from(view.length()));
        *self.writing.borrow_mut() = Some(piece);
        sys::send(&self.writer, &view, &callbacks.sent, &callbacks.failed);
    }

    fn sent(self: &Rc<Self>) {
        drop(self.writing.take());
        self.step();
    }

    /// As much of a piece as may be written at once: see [`SINGLES`].
    fn cautious(&self, view: Uint8Array) -> Uint8Array {
        let progress = self.follow.recording.progress();
        let breaks = !self.follow.clean && !progress.state().is_live() && !progress.state().ends_clean();
        let singles = progress.len().saturating_sub(SINGLES);
        let end = self.offset.get() + u64::from(view.length());
        if !breaks || end <= singles {
            return view;
        }
        let at_once = singles.saturating_sub(self.offset.get()).max(1);
        view.subarray(0, u32::try_from(at_once).unwrap_or(u32::MAX))
    }

    /// The reader is over. Nothing happens where it is already.
    fn end(self: &Rc<Self>, close: Close) {
        let Some(callbacks) = self.callbacks.take() else { return };
        if let Some(piece) = self.writing.take().filter(|_| close == Close::Left) {
            piece.keep_from_pool();
        }
        let reader = Rc::clone(self);
        spawn_local(async move {
            // Not before JavaScript has come back from the call of one of them.
            drop(callbacks);
            match close {
                Close::End => drop(JsFuture::from(reader.writer.close()).await),
                Close::Break => {
                    // What was written last may still be on its way through workerd, which would drop it.
                    for _ in 0..SETTLE_TURNS {
                        sys::sleep(SETTLE).await;
                    }
                    let why = js_sys::Error::new("network error: the recording broke off");
                    drop(JsFuture::from(reader.writer.abort_with_reason(&why)).await);
                }
                // Nobody reads what is in the pipe: it must not hold anything.
                Close::Left => drop(JsFuture::from(reader.writer.abort()).await),
            }
            reader.follow.owner.left(&reader.follow.recording);
        });
    }
}

/// `closed` is rejected when the client is known to have gone: on workerd at the next write.
fn watch<O: Owner>(reader: &Rc<Reader<O>>) {
    let closed = reader.writer.closed();
    let reader = Rc::clone(reader);
    spawn_local(async move {
        let _: Result<JsValue, JsValue> = JsFuture::from(closed).await;
        reader.end(Close::Left);
    });
}

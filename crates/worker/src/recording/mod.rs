//! What the pump and the readers of one recording share. One thread, so no lock; nothing is borrowed across an
//! await.

pub(crate) mod buffers;
pub(crate) mod memory;
pub(crate) mod owner;
pub(crate) mod pump;
pub(crate) mod reader;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::admission::Stored;
use durablefetch_protocol::recording::{End, Got, Progress};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::ring::Ring;
use durablefetch_protocol::{ErrorCode, Fingerprint, RecordingId, State};
use http::HeaderValue;

use self::buffers::Piece;
use crate::js::sys::{self, Timer};

pub(crate) use durablefetch_protocol::recording::Start;

/// A reader that has everything there is.
pub(crate) trait Waiting {
    /// There is more, or an end.
    fn step(self: Rc<Self>);
}

/// One recording, live or ended.
pub(crate) struct Recording {
    pub(crate) id: RecordingId,
    /// Its number in this object's storage.
    pub(crate) n: u64,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: Cell<u64>,
    /// The last use that storage knows of.
    pub(crate) stored_use_ms: Cell<u64>,
    /// Its end has begun: the pump leaves, and no other end may begin.
    pub(crate) ending: Cell<bool>,
    pub(crate) readers: Cell<u64>,
    /// Aborting it closes the connection to the upstream.
    pub(crate) upstream: RefCell<Option<web_sys::AbortController>>,
    /// When what is unwritten will be written; `None` where nothing is.
    pub(crate) flush: RefCell<Option<Flush>>,
    pub(crate) watchdog: RefCell<Option<Timer>>,
    /// The newest piece that a reader was given, for the others to share: its offset and its bytes.
    piece: RefCell<Option<(u64, Rc<Piece>)>>,
    /// Readers that have everything there is.
    waiting: RefCell<Vec<Rc<dyn Waiting>>>,
    inner: RefCell<Inner>,
}

/// A write that is due. The chunk that comes in the last quarter of the wait is written with what waits, and then no
/// timer fires: each one costs workerd up to a millisecond of looking at the clock, which is more than the write.
pub(crate) struct Flush {
    /// When the first byte that is not written came.
    pub(crate) since_ms: u64,
    pub(crate) _timer: Timer,
}

struct Inner {
    machine: Progress,
    /// `None` once everything is in storage and no more will come.
    ring: Option<Ring>,
    head: Option<Rc<Head>>,
    cookies: Vec<HeaderValue>,
    start: Start,
    wakers: Vec<Waker>,
}

impl Recording {
    /// A recording whose upstream request is about to be made.
    pub(crate) fn connecting(id: RecordingId, n: u64, fingerprint: Fingerprint, now_ms: u64) -> Self {
        Self::build(Progress::connecting(id), n, fingerprint, now_ms, now_ms, None, Start::Pending)
    }

    /// What storage has. `start` tells a recording from an answer that was kept for its request id.
    pub(crate) fn stored(
        machine: Progress,
        n: u64,
        fingerprint: Fingerprint,
        started_ms: u64,
        used_ms: u64,
        head: Head,
        start: Start,
    ) -> Self {
        let recording = Self::build(machine, n, fingerprint, started_ms, used_ms, Some(head), start);
        recording.ending.set(true);
        recording.inner.borrow_mut().ring = None;
        recording
    }

    fn build(
        machine: Progress,
        n: u64,
        fingerprint: Fingerprint,
        started_ms: u64,
        used_ms: u64,
        head: Option<Head>,
        start: Start,
    ) -> Self {
        Self {
            id: machine.id(),
            n,
            fingerprint,
            started_ms,
            used_ms: Cell::new(used_ms),
            stored_use_ms: Cell::new(used_ms),
            ending: Cell::new(false),
            readers: Cell::new(0),
            upstream: RefCell::new(None),
            flush: RefCell::new(None),
            watchdog: RefCell::new(None),
            piece: RefCell::new(None),
            waiting: RefCell::new(Vec::new()),
            inner: RefCell::new(Inner {
                machine,
                ring: Some(Ring::new(memory::ring())),
                head: head.map(Rc::new),
                cookies: Vec::new(),
                start,
                wakers: Vec::new(),
            }),
        }
    }

    pub(crate) fn machine(&self) -> Progress {
        self.inner.borrow().machine
    }

    pub(crate) fn is_live(&self) -> bool {
        self.machine().state().is_live()
    }

    pub(crate) fn start(&self) -> Start {
        self.inner.borrow().start
    }

    pub(crate) fn head(&self) -> Option<Rc<Head>> {
        self.inner.borrow().head.clone()
    }

    /// What admission needs to know of it.
    pub(crate) fn view(&self) -> Stored {
        let machine = self.machine();
        Stored { id: self.id, state: machine.state(), len: machine.len(), fingerprint: self.fingerprint }
    }

    /// `set-cookie` of the upstream, for the one who started it.
    pub(crate) fn take_cookies(&self) -> Vec<HeaderValue> {
        core::mem::take(&mut self.inner.borrow_mut().cookies)
    }

    /// The upstream has answered. False where the recording has ended meanwhile.
    pub(crate) fn set_head(&self, head: Head, cookies: Vec<HeaderValue>, start: Start) -> bool {
        let mut inner = self.inner.borrow_mut();
        if self.ending.get() || !inner.machine.head() {
            return false;
        }
        inner.head = Some(Rc::new(head));
        inner.cookies = cookies;
        inner.start = start;
        drop(inner);
        self.wake();
        true
    }

    /// Publishes a chunk and says how many bytes are unwritten now.
    pub(crate) fn publish(&self, chunk: Bytes) -> u64 {
        let mut inner = self.inner.borrow_mut();
        let Inner { machine, ring: Some(ring), .. } = &mut *inner else { return 0 };
        if !machine.chunk(chunk.len()) {
            return 0;
        }
        ring.set_capacity(memory::ring());
        ring.push(chunk);
        let unwritten = ring.end() - ring.written_end();
        drop(inner);
        self.wake();
        unwritten
    }

    /// Whether something unwritten is as old as this.
    pub(crate) fn has_waited(&self, time: Duration) -> bool {
        let since_ms = self.flush.borrow().as_ref().map(|flush| flush.since_ms);
        since_ms.is_some_and(|since_ms| sys::now_ms().saturating_sub(since_ms) >= time.as_millis() as u64)
    }

    /// What is not in storage yet, and from which offset.
    pub(crate) fn unwritten(&self) -> (u64, Vec<Bytes>) {
        match &self.inner.borrow().ring {
            Some(ring) => (ring.written_end(), ring.unwritten()),
            None => (0, Vec::new()),
        }
    }

    /// Storage has every byte before this offset.
    pub(crate) fn written(&self, offset: u64) {
        if let Some(ring) = &mut self.inner.borrow_mut().ring {
            ring.written(offset);
        }
    }

    /// The end, for all to see. False where another one stands.
    pub(crate) fn seal(&self, end: End) -> bool {
        let mut inner = self.inner.borrow_mut();
        if !inner.machine.end(end) {
            return false;
        }
        if inner.start == Start::Pending {
            inner.start = Start::Nothing(end.no_head());
        }
        inner.ring = None;
        drop(inner);
        self.piece.take();
        self.upstream.take();
        self.flush.take();
        self.watchdog.take();
        self.wake();
        true
    }

    /// Storage could not take the end: what is there is a failed recording of what it holds.
    pub(crate) fn seal_failed(&self, code: ErrorCode) {
        let mut inner = self.inner.borrow_mut();
        let stored = inner.ring.as_ref().map_or(inner.machine.len(), Ring::written_end);
        let chunks = inner.machine.chunks();
        inner.machine = Progress::recovered(self.id, State::Failed, Some(code), stored, chunks);
        inner.ring = None;
        drop(inner);
        self.wake();
    }

    /// Waits until the start has come to something.
    pub(crate) async fn started(&self) -> Start {
        core::future::poll_fn(|cx| match self.start() {
            Start::Pending => {
                self.register(cx);
                Poll::Pending
            }
            start => Poll::Ready(start),
        })
        .await
    }

    /// What there is at an offset.
    pub(crate) fn read(&self, offset: u64) -> Got {
        let inner = self.inner.borrow();
        inner.machine.look(inner.ring.as_ref(), offset)
    }

    /// Calls this reader when there is more, or an end.
    pub(crate) fn wait(&self, reader: Rc<dyn Waiting>) {
        self.waiting.borrow_mut().push(reader);
    }

    /// Bytes at this offset for JavaScript. Readers that are abreast get the same copy; nobody writes to it.
    pub(crate) fn piece(&self, offset: u64, bytes: &[u8]) -> Rc<Piece> {
        let mut newest = self.piece.borrow_mut();
        match &*newest {
            Some((at, piece)) if *at == offset && piece.view().length() as usize == bytes.len() => {
                Rc::clone(piece)
            }
            _ => {
                let piece = Rc::new(Piece::copy(bytes));
                *newest = Some((offset, Rc::clone(&piece)));
                piece
            }
        }
    }

    fn register(&self, cx: &Context<'_>) {
        let mut inner = self.inner.borrow_mut();
        if !inner.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            inner.wakers.push(cx.waker().clone());
        }
    }

    fn wake(&self) {
        let wakers = core::mem::take(&mut self.inner.borrow_mut().wakers);
        wakers.into_iter().for_each(Waker::wake);
        let waiting = core::mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Waiting::step);
    }
}

//! What the pump and the readers of one recording share. One thread, so no lock; nothing is borrowed across an
//! await.

pub(crate) mod buffers;
pub(crate) mod memory;
pub(crate) mod owner;
pub(crate) mod pump;
pub(crate) mod reader;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::life::{Begin, Handle, Seen};
use durablefetch_protocol::recording::{End, Got, Progress};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::ring::Ring;
use durablefetch_protocol::{ErrorCode, Fingerprint, ProtocolError, RecordingId, State};
use http::HeaderValue;

use self::buffers::Piece;
use self::memory::Seat;
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
    pub(crate) fingerprint: Fingerprint,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: Cell<u64>,
    /// The last use that storage knows of.
    pub(crate) stored_use_ms: Cell<u64>,
    /// Those that follow it, and requests that wait for its head.
    pub(crate) readers: Cell<u64>,
    /// Aborting it closes the connection to the upstream.
    pub(crate) upstream: RefCell<Option<web_sys::AbortController>>,
    /// When what is unwritten will be written; `None` where nothing is.
    pub(crate) flush: RefCell<Option<Flush>>,
    pub(crate) watchdog: RefCell<Option<Timer>>,
    /// What it takes while it is in flight.
    seat: RefCell<Option<Seat>>,
    /// The newest piece that a reader was given, for the others to share: its offset and its bytes.
    piece: RefCell<Option<(u64, Rc<Piece>)>>,
    /// Readers that have everything there is.
    waiting: RefCell<Vec<Rc<dyn Waiting>>>,
    inner: RefCell<Inner>,
}

impl Handle for Recording {
    fn seen(&self) -> Seen {
        let Recording { fingerprint, readers, used_ms, inner, .. } = self;
        let (progress, start) = {
            let inner = inner.borrow();
            (inner.progress, inner.start)
        };
        let (readers, used_ms) = (readers.get(), used_ms.get());
        Seen { progress, fingerprint: *fingerprint, start, readers, used_ms }
    }
}

/// A write that is due. The chunk that comes in the last quarter of the wait is written with what waits, and then no
/// timer fires: each one costs workerd up to a millisecond of looking at the clock, which is more than the write.
pub(crate) struct Flush {
    /// When the first byte that is not written came.
    pub(crate) since_ms: u64,
    pub(crate) _timer: Timer,
}

struct Inner {
    progress: Progress,
    /// `None` once everything is in storage and no more will come.
    ring: Option<Ring>,
    head: Option<Rc<Head>>,
    cookies: Vec<HeaderValue>,
    start: Start,
    /// Why the start comes to nothing, in more words than its code.
    why: Option<ProtocolError>,
    wakers: Vec<Waker>,
}

impl Recording {
    /// A recording whose upstream request is about to be made. It takes a seat.
    pub(crate) fn connecting(begin: Begin) -> Self {
        let Begin { id, fingerprint, at_ms, .. } = begin;
        let seat = Some(Seat::take());
        let inner = Inner {
            progress: Progress::connecting(id),
            ring: Some(Ring::new(memory::ring())),
            head: None,
            cookies: Vec::new(),
            start: Start::Pending,
            why: None,
            wakers: Vec::new(),
        };
        Self::build(id, fingerprint, at_ms, at_ms, seat, inner)
    }

    /// What storage has.
    pub(crate) fn stored(
        progress: Progress,
        fingerprint: Fingerprint,
        started_ms: u64,
        used_ms: u64,
        head: Option<Head>,
    ) -> Self {
        let inner = Inner {
            progress,
            ring: None,
            head: head.map(Rc::new),
            cookies: Vec::new(),
            start: Start::Recorded,
            why: None,
            wakers: Vec::new(),
        };
        Self::build(progress.id(), fingerprint, started_ms, used_ms, None, inner)
    }

    fn build(
        id: RecordingId,
        fingerprint: Fingerprint,
        started_ms: u64,
        used_ms: u64,
        seat: Option<Seat>,
        inner: Inner,
    ) -> Self {
        Self {
            id,
            fingerprint,
            started_ms,
            used_ms: Cell::new(used_ms),
            stored_use_ms: Cell::new(used_ms),
            readers: Cell::new(0),
            upstream: RefCell::new(None),
            flush: RefCell::new(None),
            watchdog: RefCell::new(None),
            seat: RefCell::new(seat),
            piece: RefCell::new(None),
            waiting: RefCell::new(Vec::new()),
            inner: RefCell::new(inner),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.inner.borrow().progress
    }

    pub(crate) fn is_live(&self) -> bool {
        self.progress().state().is_live()
    }

    /// Whether bytes are taken: no end is decided.
    pub(crate) fn is_open(&self) -> bool {
        let progress = self.progress();
        progress.state().is_live() && progress.decided().is_none()
    }

    /// Its head; an empty one where none has come.
    pub(crate) fn head(&self) -> Rc<Head> {
        self.inner.borrow().head.clone().unwrap_or_default()
    }

    /// The upstream's HTTP status, once it has answered.
    pub(crate) fn status(&self) -> Option<u16> {
        self.inner.borrow().head.as_ref().map(|head| head.status)
    }

    /// `set-cookie` of the upstream, for the one who started it.
    pub(crate) fn take_cookies(&self) -> Vec<HeaderValue> {
        core::mem::take(&mut self.inner.borrow_mut().cookies)
    }

    /// Keeps for those who wait why the start comes to nothing.
    pub(crate) fn explain(&self, why: ProtocolError) {
        self.inner.borrow_mut().why = Some(why);
    }

    /// What those who waited are told of a start that came to nothing.
    pub(crate) fn why(&self, code: ErrorCode) -> ProtocolError {
        let why = self.inner.borrow().why.clone();
        why.filter(|why| why.code == code).unwrap_or_else(|| code.into())
    }

    /// The upstream has answered. Nobody is told before [`Self::tell`].
    pub(crate) fn set_head(&self, head: Head, cookies: Vec<HeaderValue>) {
        let mut inner = self.inner.borrow_mut();
        inner.head = Some(Rc::new(head));
        inner.cookies = cookies;
    }

    /// Shows the head to those who wait for it.
    pub(crate) fn tell(&self, start: Start) {
        let mut inner = self.inner.borrow_mut();
        if inner.progress.head() {
            inner.start = start;
            drop(inner);
            self.wake();
        }
    }

    /// Publishes a chunk and says how many bytes are unwritten now; `None` where an end is decided.
    pub(crate) fn publish(&self, chunk: Bytes) -> Option<u64> {
        let mut inner = self.inner.borrow_mut();
        let Inner { progress, ring: Some(ring), .. } = &mut *inner else { return None };
        if !progress.chunk(chunk.len()) {
            return None;
        }
        ring.set_capacity(memory::ring());
        ring.push(chunk);
        let unwritten = ring.end() - ring.written_end();
        drop(inner);
        self.wake();
        Some(unwritten)
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

    /// Decides how it ends. False where that is decided.
    pub(crate) fn decide(&self, end: End) -> bool {
        self.inner.borrow_mut().progress.decide(end)
    }

    /// Storage did not take its end: it fails, whatever was decided, and has no more than what is stored.
    pub(crate) fn fail(&self, code: ErrorCode) {
        let mut inner = self.inner.borrow_mut();
        let Inner { progress, ring, .. } = &mut *inner;
        if !progress.fail(code) {
            return;
        }
        let stored = ring.as_ref().map_or(progress.len(), Ring::written_end);
        if stored < progress.len() {
            let chunks = progress.chunks();
            *progress = Progress::recovered(self.id, State::Failed, Some(code), stored, chunks);
        }
    }

    /// Shows the end that is decided, and lets go of what it takes to be live.
    pub(crate) fn seal(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.progress.seal();
        self.over(inner);
    }

    /// Breaks its readers off, whatever was decided or shows.
    pub(crate) fn break_off(&self, end: End) {
        let mut inner = self.inner.borrow_mut();
        inner.progress.break_off(end);
        self.over(inner);
    }

    fn over(&self, mut inner: RefMut<'_, Inner>) {
        if let (Start::Pending, Some(end)) = (inner.start, inner.progress.decided()) {
            inner.start = Start::Nothing(end.no_head());
        }
        inner.ring = None;
        drop(inner);
        self.seat.take();
        self.piece.take();
        self.upstream.take();
        self.flush.take();
        self.watchdog.take();
        self.wake();
    }

    /// Closes the connection to the upstream.
    pub(crate) fn let_go(&self) {
        let upstream = self.upstream.take();
        upstream.iter().for_each(web_sys::AbortController::abort);
    }

    /// Waits until the start has come to something.
    pub(crate) async fn started(&self) -> Start {
        self.wait_for(|inner| Some(inner.start).filter(|start| *start != Start::Pending)).await
    }

    /// Waits until its end shows.
    pub(crate) async fn ended(&self) {
        self.wait_for(|inner| (!inner.progress.state().is_live()).then_some(())).await;
    }

    async fn wait_for<T>(&self, look: impl Fn(&Inner) -> Option<T>) -> T {
        core::future::poll_fn(|cx| {
            let mut inner = self.inner.borrow_mut();
            if let Some(found) = look(&inner) {
                return Poll::Ready(found);
            }
            if !inner.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                inner.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// What there is at an offset.
    pub(crate) fn read(&self, offset: u64) -> Got {
        let inner = self.inner.borrow();
        inner.progress.look(inner.ring.as_ref(), offset)
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

    fn wake(&self) {
        let wakers = core::mem::take(&mut self.inner.borrow_mut().wakers);
        wakers.into_iter().for_each(Waker::wake);
        let waiting = core::mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Waiting::step);
    }
}

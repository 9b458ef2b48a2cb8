//! What the pump, the writer and the readers of one recording share.
//!
//! The pump publishes bytes into the ring, the writer moves them to the file, readers take them from either. All
//! three meet in one short lock; nobody holds it while waiting.

mod follow;
pub(crate) mod in_flight;
pub(crate) mod memory;
mod persist;
pub(crate) mod pieces;
mod publish;
pub(crate) mod sync;
pub(crate) mod waiting;
mod work;
pub(crate) mod writer;

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use durablefetch_protocol::life::{Begin, Handle, Seen};
use durablefetch_protocol::recording::{End, Progress};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::ring::Ring;
use durablefetch_protocol::{ErrorCode, Fingerprint, Key, ProtocolError, RecordingId, State};
use futures_util::task::AtomicWaker;
use http::HeaderValue;
use tokio::sync::Notify;

use crate::error::StoreError;
use crate::observe::log::Asker;
use crate::recording::pieces::Pieces;
use crate::recording::waiting::{Waiting, Wake};
use crate::recording::writer::Writer;
use crate::storage::recovery;
use crate::storage::rows::Stored;
use crate::storage::usage::Account;

pub(crate) use durablefetch_protocol::recording::Start;

/// How the writing of a recording goes.
#[derive(Debug)]
enum Writing {
    /// Nothing went wrong.
    Fine,
    /// There was no room for what is unwritten. It is tried again once there is room: see [`Recording::retry`].
    Starved,
    /// A write failed. The recording ends like this.
    Failed(StoreError),
    /// Room is wanting for the recording: see [`Recording::give_up`]. Its file is emptied once.
    GivenUp { error: StoreError, emptied: bool },
}

impl Writing {
    fn error(&self) -> Option<&StoreError> {
        match self {
            Self::Fine | Self::Starved => None,
            Self::Failed(error) | Self::GivenUp { error, .. } => Some(error),
        }
    }

    /// A write failed with this. True where there was no room, and the bytes wait for it.
    fn fail(&mut self, error: StoreError) -> bool {
        match self {
            Self::Fine | Self::Starved if error.code == ErrorCode::StorageFull => *self = Self::Starved,
            Self::Fine | Self::Starved | Self::Failed(_) => *self = Self::Failed(error),
            Self::GivenUp { error: known, .. } => *known = error,
        }
        matches!(self, Self::Starved)
    }

    /// There may be room now.
    fn feed(&mut self) {
        if matches!(self, Self::Starved) {
            *self = Self::Fine;
        }
    }
}

/// What becomes of the body file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyFile {
    Kept,
    /// It is removed, or about to be. Nobody reads it.
    Removed,
    /// Another process has the recording by now.
    Anothers,
}

#[derive(Debug)]
struct Inner {
    progress: Progress,
    /// `None` for what was found in storage.
    ring: Option<Ring>,
    start: Start,
    writing: Writing,
    file: BodyFile,
    /// The writer has it on its list. This and `hurried` are flags, because the writer has two lists: a starved
    /// recording can be on one of them, on both or on neither, and so can one whose file is removed.
    dirty: bool,
    /// The writer has it on its urgent list, because many bytes are unwritten.
    hurried: bool,
    /// The pump waits for the writer. It can wait in any state of the above.
    pump_waits: bool,
    waiting: Waiting,
}

/// One recording, live or ended.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) id: RecordingId,
    pub(crate) key: Key,
    /// What its bytes count for.
    pub(crate) account: Arc<Account>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) started_ms: u64,
    head: OnceLock<Head>,
    /// Whose request started it; `None` of one found in storage.
    asker: OnceLock<Arc<Asker>>,
    /// When the first byte of its body came, or 0.
    first_byte_ms: AtomicU64,
    /// Readers that it has had, those that are gone among them.
    entered: AtomicU64,
    /// Why it came to nothing, in more words than its code.
    why: OnceLock<ProtocolError>,
    /// The upstream cannot have heard of the request.
    unheard: AtomicBool,
    /// `set-cookie` of the upstream, for the one who started it.
    cookies: Mutex<Vec<HeaderValue>>,
    /// Open while the writer writes it; who reads an ended recording opens it for himself.
    file: Mutex<Option<Arc<File>>>,
    /// In a cluster: how far its bytes are in the store.
    pieces: OnceLock<Arc<tokio::sync::Mutex<Pieces>>>,
    unsynced: AtomicBool,
    used_ms: AtomicU64,
    touched: AtomicBool,
    readers: AtomicU64,
    /// Bytes that count for the disk quota.
    counted: AtomicU64,
    /// What [`Writing::GivenUp`] says, for those who ask at every chunk and do not take the lock.
    given_up: AtomicBool,
    /// An end is decided, so the pump leaves. It repeats what the phase says, for those who do not take the lock.
    ended: AtomicBool,
    pump: AtomicWaker,
    changed: Notify,
    inner: Mutex<Inner>,
}

impl Recording {
    /// A recording whose upstream request is about to be made.
    pub(crate) fn connecting(begin: Begin, key: Key, account: Arc<Account>, ring: usize) -> Self {
        let Begin { id, fingerprint, at_ms, .. } = begin;
        let progress = Progress::connecting(id);
        Self::build(
            id,
            key,
            account,
            fingerprint,
            at_ms,
            at_ms,
            progress,
            Some(Ring::new(ring)),
            Start::Pending,
        )
    }

    /// A recording found in storage; `len` is that of its file.
    pub(crate) fn stored(key: Key, account: Arc<Account>, row: Stored, len: u64) -> Self {
        // A power loss may have taken the end of a body whose completion was kept.
        let state =
            if row.state == State::Complete && len < row.len { State::Interrupted } else { row.state };
        let progress = Progress::recovered(row.id, state, row.cause, row.len.min(len), row.chunks);
        let (started_ms, used_ms, row_len) = (row.started_ms, row.used_ms, row.len as i64);
        let recording = Self::build(
            row.id,
            key,
            account,
            row.fingerprint,
            started_ms,
            used_ms,
            progress,
            None,
            Start::Recorded,
        );
        if let Some(head) = row.head {
            let _ = recording.head.set(head);
        }
        // One whose end could not be committed is live to its row: what there is is in its file.
        let is_live = row.state.is_live();
        let counted = if is_live { len } else { recovery::counted(row_len, || Ok(len)).unwrap_or(len) };
        recording.counted.store(counted, Ordering::Relaxed);
        recording.ended.store(true, Ordering::Release);
        recording
    }

    #[expect(clippy::too_many_arguments, reason = "the two constructors above name them")]
    fn build(
        id: RecordingId,
        key: Key,
        account: Arc<Account>,
        fingerprint: Fingerprint,
        started_ms: u64,
        used_ms: u64,
        progress: Progress,
        ring: Option<Ring>,
        start: Start,
    ) -> Self {
        Self {
            id,
            key,
            account,
            fingerprint,
            started_ms,
            head: OnceLock::new(),
            asker: OnceLock::new(),
            first_byte_ms: AtomicU64::new(0),
            entered: AtomicU64::new(0),
            why: OnceLock::new(),
            unheard: AtomicBool::new(false),
            cookies: Mutex::default(),
            file: Mutex::default(),
            pieces: OnceLock::new(),
            unsynced: AtomicBool::new(false),
            used_ms: AtomicU64::new(used_ms),
            touched: AtomicBool::new(false),
            readers: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            given_up: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            pump: AtomicWaker::new(),
            changed: Notify::new(),
            inner: Mutex::new(Inner {
                progress,
                ring,
                start,
                writing: Writing::Fine,
                file: BodyFile::Kept,
                dirty: false,
                hurried: false,
                pump_waits: false,
                waiting: Waiting::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.get()
    }

    /// Its progress as readers see it. An end is seen only once it is on disk.
    pub(crate) fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// How it ends, on disk or not.
    pub(crate) fn decided(&self) -> Option<End> {
        self.lock().progress.decided()
    }

    pub(crate) fn start(&self) -> Start {
        self.lock().start
    }

    /// It was started by this request.
    pub(crate) fn set_asker(&self, asker: Arc<Asker>) {
        let _ = self.asker.set(asker);
    }

    pub(crate) fn asker(&self) -> Option<&Asker> {
        self.asker.get().map(|asker| &**asker)
    }

    /// The first byte of its body is here.
    pub(crate) fn set_first_byte(&self, now_ms: u64) {
        self.first_byte_ms.store(now_ms, Ordering::Relaxed);
    }

    /// When the first byte of its body came.
    pub(crate) fn first_byte_ms(&self) -> Option<u64> {
        Some(self.first_byte_ms.load(Ordering::Relaxed)).filter(|at_ms| *at_ms > 0)
    }

    /// Readers that it has had so far.
    pub(crate) fn entered(&self) -> u64 {
        self.entered.load(Ordering::Relaxed)
    }

    /// Keeps for who waits why the start comes to nothing.
    pub(crate) fn explain(&self, why: ProtocolError) {
        let _ = self.why.set(why);
    }

    /// It came to nothing before the upstream could have heard of it.
    pub(crate) fn set_unheard(&self) {
        self.unheard.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_unheard(&self) -> bool {
        self.unheard.load(Ordering::Relaxed)
    }

    /// What who waited is told of a start that came to nothing.
    pub(crate) fn why(&self, code: ErrorCode) -> ProtocolError {
        self.why.get().filter(|why| why.code == code).cloned().unwrap_or_else(|| code.into())
    }

    /// Waits until the start has come to something.
    pub(crate) async fn started(&self) -> Start {
        self.wait_for(|inner| (inner.start != Start::Pending).then_some(inner.start)).await
    }

    /// Waits until the file of one that is given up is empty.
    pub(crate) async fn emptied(&self) {
        self.wait_for(|inner| {
            let waits = matches!(inner.writing, Writing::GivenUp { emptied: false, .. });
            (!waits || inner.file != BodyFile::Kept).then_some(())
        })
        .await;
    }

    /// Waits until the end is on disk, or its readers are broken off.
    pub(crate) async fn sealed(&self) {
        self.wait_for(|inner| (!inner.progress.state().is_live()).then_some(())).await;
    }

    async fn wait_for<T>(&self, check: impl Fn(&Inner) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = check(&self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    /// Decides how it ends; false where that is decided. Readers get what there is until the end is on disk.
    pub(crate) fn end(&self, end: End) -> bool {
        let decided = self.lock().progress.decide(end);
        if decided {
            self.ended.store(true, Ordering::Release);
            self.pump.wake();
        }
        decided
    }

    /// Breaks its readers off at once, whatever end was decided.
    pub(crate) fn break_off(&self, end: End) {
        let mut inner = self.lock();
        inner.progress.break_off(end);
        let mut wake = Vec::new();
        inner.waiting.drain_into(&mut wake);
        self.ended.store(true, Ordering::Release);
        drop(inner);
        wake.into_iter().for_each(Wake::wake);
        self.pump.wake();
        self.changed.notify_waiters();
    }

    /// Has the file removed, which nobody reads; false where that was asked for already.
    pub(crate) fn discard(self: &Arc<Self>, writer: &Writer) -> bool {
        let mut inner = self.lock();
        if inner.file != BodyFile::Kept {
            return false;
        }
        inner.file = BodyFile::Removed;
        self.queue(inner, writer);
        true
    }

    /// Another process has it: nothing is written, and its file stays.
    pub(crate) fn disown(&self) {
        self.lock().file = BodyFile::Anothers;
    }

    /// Has the writer look at it, if it is not to do so already.
    fn queue(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>, writer: &Writer) {
        let is_queued = std::mem::replace(&mut inner.dirty, true);
        drop(inner);
        if !is_queued {
            writer.dirty(Arc::clone(self));
        }
    }

    /// This many more of its bytes count for the disk quota.
    pub(crate) fn count(&self, bytes: u64) {
        self.counted.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Its bytes count no more. Returns how many did.
    pub(crate) fn take_counted(&self) -> u64 {
        self.counted.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn readers(&self) -> u64 {
        self.readers.load(Ordering::Relaxed)
    }

    pub(crate) fn used_ms(&self) -> u64 {
        self.used_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn touch(&self, now_ms: u64) {
        self.used_ms.fetch_max(now_ms, Ordering::Relaxed);
        self.touched.store(true, Ordering::Relaxed);
    }

    /// When it was last used, if that is not on disk.
    pub(crate) fn take_touched(&self) -> Option<u64> {
        self.touched.swap(false, Ordering::Relaxed).then(|| self.used_ms())
    }
}

impl Handle for Recording {
    fn seen(&self) -> Seen {
        let inner = self.lock();
        let (progress, start) = (inner.progress, inner.start);
        drop(inner);
        let (fingerprint, readers, used_ms) = (self.fingerprint, self.readers(), self.used_ms());
        Seen { progress, fingerprint, start, readers, used_ms }
    }
}

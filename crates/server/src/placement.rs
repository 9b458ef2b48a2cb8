//! Where this process stands among those that share its data directory: usually it is alone, and serves.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::placement::{Drain, Holder, Next, Owner, Process, Seen, Standing};
use tokio::sync::watch;

use crate::storage::places::Guard;

/// This process, and what it holds what it has with.
#[derive(Debug)]
pub(crate) struct Placement {
    me: Owner,
    /// Of the change of hands that gave it what it has.
    epoch: AtomicU64,
    /// Of one that is about to be committed, or the same again.
    expected: AtomicU64,
    process: Mutex<Process>,
    /// Another one takes connections in its place.
    is_succeeded: AtomicBool,
    /// Keys that it has let go of, and storage does not say so yet.
    releasing: AtomicUsize,
    /// The service manager knows who its main process is from now on.
    is_announced: AtomicBool,
    standing: watch::Sender<Standing>,
}

impl Placement {
    pub(crate) fn new(me: Owner, drain: Drain) -> Self {
        Self {
            me,
            epoch: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            process: Mutex::new(Process::new(me, drain)),
            is_succeeded: AtomicBool::new(false),
            releasing: AtomicUsize::new(0),
            is_announced: AtomicBool::new(false),
            standing: watch::Sender::new(Standing::Serving),
        }
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Process)) {
        let mut process = self.process();
        change(&mut process);
        let standing = process.standing();
        self.standing.send_if_modified(|now| std::mem::replace(now, standing) != standing);
    }

    pub(crate) fn me(&self) -> Owner {
        self.me
    }

    /// What guards the commits of this process. To be asked in the transaction: what is expected is known there.
    pub(crate) fn guard(&self) -> Guard {
        let epochs = [&self.epoch, &self.expected].map(|epoch| epoch.load(Ordering::Acquire));
        Guard { owner: self.me, epochs }
    }

    /// It is about to hold what it has with this one; until that is known, both count. What it had it has all the same.
    pub(crate) fn expects(&self, epoch: u64) {
        self.expected.store(epoch, Ordering::Release);
    }

    /// What it holds its keys with.
    pub(crate) fn holder(&self) -> Holder {
        Holder { owner: self.me, epoch: self.epoch.load(Ordering::Acquire) }
    }

    pub(crate) fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Tells of each change of where it stands.
    pub(crate) fn changes(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Whether it takes what nobody has.
    pub(crate) fn claims(&self) -> bool {
        self.process().claims()
    }

    pub(crate) fn may_be_succeeded(&self, by: Owner) -> bool {
        self.process().may_be_succeeded(by)
    }

    pub(crate) fn takes_the_place_of(&self, dead: Owner) -> bool {
        self.process().takes_the_place_of(dead)
    }

    /// It holds what it has with this.
    pub(crate) fn holds(&self, holder: Holder) {
        self.expected.store(holder.epoch, Ordering::Release);
        self.epoch.store(holder.epoch, Ordering::Release);
    }

    pub(crate) fn succeeded(&self, now_ms: u64) {
        self.is_announced.store(false, Ordering::Release);
        self.is_succeeded.store(true, Ordering::Release);
        self.change(|process| process.succeeded(now_ms));
    }

    /// Others of the cluster have what it lets go of. It takes connections to its end.
    pub(crate) fn drains(&self, now_ms: u64) {
        self.is_announced.store(true, Ordering::Release);
        self.change(|process| process.succeeded(now_ms));
    }

    pub(crate) fn serves_again(&self, holder: Holder) {
        self.holds(holder);
        self.is_succeeded.store(false, Ordering::Release);
        self.change(Process::serves_again);
    }

    /// Whether it takes connections.
    pub(crate) fn accepts(&self) -> bool {
        !self.is_succeeded.load(Ordering::Acquire)
    }

    /// Whether those who come are better off with another process: a successor, or others of the cluster.
    pub(crate) fn sends_away(&self) -> bool {
        !self.accepts() || self.standing() == Standing::Drains
    }

    /// The one that took its place has left, and has no successor: those who come are told so here.
    pub(crate) fn is_left_alone(&self, now_ms: u64) {
        self.is_succeeded.store(false, Ordering::Release);
        self.told_to_end(now_ms);
        self.standing.send_modify(|_| {});
    }

    /// So many keys are being let go of.
    pub(crate) fn set_releasing(&self, keys: usize) {
        self.releasing.store(keys, Ordering::Release);
    }

    pub(crate) fn releasing(&self) -> usize {
        self.releasing.load(Ordering::Acquire)
    }

    pub(crate) fn told_to_end(&self, now_ms: u64) {
        self.change(|process| process.told_to_end(now_ms));
    }

    /// The service manager, if any, knows of the successor.
    pub(crate) fn announced(&self) {
        self.is_announced.store(true, Ordering::Release);
    }

    /// What it does next, where so much lives in it.
    pub(crate) fn next(&self, keys: usize, live: usize, others: usize, now_ms: u64) -> Next {
        let is_announced = self.is_announced.load(Ordering::Acquire);
        self.process().next(Seen { keys, live, is_announced, others }, now_ms)
    }
}

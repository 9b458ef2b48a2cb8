//! The keys that somebody asks about at this moment, and what is known of each.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::Key;
use durablefetch_protocol::life::KeyLife;
use durablefetch_protocol::placement::{Holder, Known, Owner};
use tokio::sync::Notify;

use crate::recording::Recording;
use crate::storage::usage::{Account, Usage};

/// Keys in memory before those that nobody uses are looked for out of turn.
const IDLE_MAX: usize = 128;

/// In a cluster, as many keys of others are remembered: where they are the store says again.
const ELSEWHERE_MAX: usize = 16 * 1024;

/// The life of one key, with its recordings.
pub(crate) type Life = KeyLife<Arc<Recording>>;

/// All keys that something is known of and that somebody holds.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    usage: Arc<Usage>,
    inner: Mutex<Inner>,
    /// There are more than [`IDLE_MAX`].
    crowded: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Key, Arc<Entry>>,
    /// A line is drawn: this process has the keys that are here, and no others. A successor has those.
    is_closed: bool,
    /// It has the keys that it has claimed, each for itself, and they are here: it is one of a cluster.
    claims_each: bool,
    /// The keys of others, and where they were last.
    elsewhere: HashMap<Key, Owner>,
    /// Claimed keys that are being let go of.
    releasing: HashSet<Key>,
}

/// How a key was claimed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimed {
    pub(crate) holder: Holder,
    /// Something may be stored under this holder that is not known here: it is to be taken once more before it is loaded.
    pub(crate) is_stale: bool,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    /// What is stored of it counts for this.
    pub(crate) account: Arc<Account>,
    /// `None` until it is loaded. Never held across an await.
    life: Mutex<Option<Life>>,
    /// The commit slot: held from a plan that has changes until it is applied.
    pub(crate) slot: Arc<tokio::sync::Mutex<()>>,
    /// In a cluster: how this process has it. `None`: it may be read, and not changed.
    claimed: Mutex<Option<Claimed>>,
    /// In a cluster: no answer came to something that was to be written. What is known here may not be what is stored.
    is_unsure: AtomicBool,
}

impl Keys {
    /// `claims_each`: keys are claimed one by one.
    pub(crate) fn new(usage: Arc<Usage>, claims_each: bool) -> Self {
        let inner = Mutex::new(Inner { claims_each, ..Inner::default() });
        Self { usage, inner, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a key. It stays in memory as long as somebody holds it.
    ///
    /// # Errors
    /// What is known of where it is, where another process has the key.
    pub(crate) fn entry(&self, key: &Key) -> Result<Arc<Entry>, Known> {
        let mut inner = self.lock();
        if let Some(entry) = inner.entries.get(key) {
            return Ok(Arc::clone(entry));
        }
        if inner.is_closed {
            return Err(Known::Nothing);
        }
        if !inner.elsewhere.is_empty()
            && let Some(owner) = inner.elsewhere.get(key)
        {
            return Err(Known::Elsewhere(*owner));
        }
        if inner.claims_each {
            return Err(Known::Nothing);
        }
        Ok(self.insert(&mut inner, key, None))
    }

    fn make(&self, key: &Key, claimed: Option<Claimed>) -> Arc<Entry> {
        let (account, claimed) = (self.usage.account(key.scope()), Mutex::new(claimed));
        let (life, slot, is_unsure) = Default::default();
        Arc::new(Entry { key: key.clone(), account, life, slot, claimed, is_unsure })
    }

    fn insert(&self, inner: &mut Inner, key: &Key, claimed: Option<Claimed>) -> Arc<Entry> {
        let entry = self.make(key, claimed);
        inner.entries.insert(key.clone(), Arc::clone(&entry));
        let held = inner.entries.len();
        if held > IDLE_MAX && held % IDLE_MAX == 1 {
            self.crowded.notify_one();
        }
        entry
    }

    /// The entry of a key that the store of the cluster says this process has. `None` while it is being let go of.
    pub(crate) fn claimed(&self, key: &Key, claimed: Claimed) -> Option<Arc<Entry>> {
        let mut inner = self.lock();
        if inner.releasing.contains(key) {
            return None;
        }
        inner.elsewhere.remove(key);
        let there = inner.entries.get(key).cloned();
        Some(there.unwrap_or_else(|| self.insert(&mut inner, key, Some(claimed))))
    }

    /// An entry beside all others, to be read and not to be changed: nobody has the key.
    pub(crate) fn unclaimed(&self, key: &Key) -> Arc<Entry> {
        self.make(key, None)
    }

    /// Another process has what this one had claimed.
    pub(crate) fn lost(&self, entry: &Arc<Entry>) {
        entry.set_claimed(None);
        let mut inner = self.lock();
        if inner.entries.get(&entry.key).is_some_and(|there| Arc::ptr_eq(there, entry)) {
            inner.entries.remove(&entry.key);
        }
    }

    /// What was taken out by [`Keys::take_idle`] is let go of in the store, or is not.
    pub(crate) fn released(&self, key: &Key) {
        self.lock().releasing.remove(key);
    }

    /// Waits until so many are held that those nobody uses should go.
    pub(crate) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Everything that is in memory.
    pub(crate) fn held(&self) -> Vec<Arc<Entry>> {
        self.lock().entries.values().cloned().collect()
    }

    /// How many keys are in memory.
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Lets go of what nobody holds. A pump and a reader hold the entry of their key.
    pub(crate) fn let_go(&self) {
        let mut inner = self.lock();
        // Behind the line, or in a cluster, it is let go of in storage as well: see [`Keys::idle`] and
        // [`Keys::take_idle`].
        if !inner.is_closed && !inner.claims_each {
            inner.entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        drop(inner);
        self.usage.let_go();
    }

    /// Draws a line: from now on this process has the keys that somebody holds at this moment, and no others. Returns them.
    pub(crate) fn draw_line(&self) -> Vec<Arc<Entry>> {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        inner.entries.values().cloned().collect()
    }

    /// The line was not committed: all is as it was.
    pub(crate) fn erase_line(&self) {
        self.lock().is_closed = false;
    }

    /// This process has all keys but these.
    pub(crate) fn open(&self, elsewhere: HashMap<Key, Owner>) {
        let mut inner = self.lock();
        inner.is_closed = false;
        inner.elsewhere = elsewhere;
    }

    /// Behind the line, takes out what nobody holds any more.
    pub(crate) fn idle(&self) -> Vec<Arc<Entry>> {
        let mut inner = self.lock();
        if !inner.is_closed {
            return Vec::new();
        }
        inner.entries.extract_if(|_, entry| is_idle(entry)).map(|(_, entry)| entry).collect()
    }

    /// In a cluster, the keys that nobody holds any more: each is taken out for itself, by [`Keys::take_idle`].
    pub(crate) fn idle_keys(&self) -> Vec<Key> {
        self.lock().entries.values().filter(|entry| is_idle(entry)).map(|entry| entry.key.clone()).collect()
    }

    /// Takes out one of them, if nobody holds it still. It is being let go of until [`Keys::released`] is told.
    pub(crate) fn take_idle(&self, key: &Key) -> Option<Arc<Entry>> {
        let mut inner = self.lock();
        inner.entries.get(key).filter(|entry| is_idle(entry))?;
        inner.releasing.insert(key.clone());
        inner.entries.remove(key)
    }

    /// The store says who has a key.
    pub(crate) fn found(&self, key: &Key, owner: Option<Owner>) {
        let mut inner = self.lock();
        if inner.is_closed {
            return;
        }
        if inner.elsewhere.len() >= ELSEWHERE_MAX && inner.claims_each {
            inner.elsewhere.clear();
        }
        match owner {
            Some(owner) => _ = inner.elsewhere.insert(key.clone(), owner),
            None => _ = inner.elsewhere.remove(key),
        }
    }

    /// Nothing is with this process any more.
    pub(crate) fn forget(&self, owner: Owner) {
        self.lock().elsewhere.retain(|_, other| *other != owner);
    }

    /// The processes that have a key, of those that share the data directory.
    pub(crate) fn others(&self) -> HashSet<Owner> {
        let inner = self.lock();
        if inner.is_closed || inner.claims_each {
            HashSet::new()
        } else {
            inner.elsewhere.values().copied().collect()
        }
    }
}

fn is_idle(entry: &Arc<Entry>) -> bool {
    Arc::strong_count(entry) == 1
}

impl Entry {
    /// In a cluster: how this process has the key.
    pub(crate) fn claim(&self) -> Option<Claimed> {
        *self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_claimed(&self, claimed: Option<Claimed>) {
        *self.claimed.lock().unwrap_or_else(PoisonError::into_inner) = claimed;
    }

    /// What is known of the key may not be what is stored. Once nothing of it is live here, it is loaded once more.
    pub(crate) fn set_unsure(&self) {
        self.is_unsure.store(true, Ordering::Release);
    }

    /// Whether it has to be loaded before anybody looks at it.
    pub(crate) fn is_to_be_loaded(&self) -> bool {
        match self.life().as_ref() {
            None => true,
            Some(life) => self.is_unsure.load(Ordering::Acquire) && !life.is_live(),
        }
    }

    /// This is what is stored of it.
    pub(crate) fn set_loaded(&self, life: Life) {
        *self.life() = Some(life);
    }

    /// It is loaded from now on: what is unsure later is another matter.
    pub(crate) fn begin_to_load(&self) {
        *self.life() = None;
        self.is_unsure.store(false, Ordering::Release);
    }

    /// What is known of the key; `None` where it is not loaded.
    pub(crate) fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

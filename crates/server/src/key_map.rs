//! The keys that somebody asks about at this moment, and what is known of each.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::Key;
use durablefetch_protocol::life::KeyLife;
use durablefetch_protocol::placement::{Known, Owner};
use tokio::sync::Notify;

use crate::recording::Recording;
use crate::storage::usage::{Account, Usage};

/// Keys in memory before those that nobody uses are looked for out of turn.
const IDLE_MAX: usize = 128;

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
    /// The keys of others, and where they were last.
    elsewhere: HashMap<Key, Owner>,
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
}

impl Keys {
    pub(crate) fn new(usage: Arc<Usage>) -> Self {
        Self { usage, ..Self::default() }
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
        let account = self.usage.account(key.scope());
        let entry =
            Arc::new(Entry { key: key.clone(), account, life: Mutex::default(), slot: Arc::default() });
        inner.entries.insert(key.clone(), Arc::clone(&entry));
        let held = inner.entries.len();
        if held > IDLE_MAX && held % IDLE_MAX == 1 {
            self.crowded.notify_one();
        }
        Ok(entry)
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
        // Behind the line it is let go of in storage as well: see [`Keys::idle`].
        if !inner.is_closed {
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
        let is_idle = |entry: &Arc<Entry>| Arc::strong_count(entry) == 1;
        inner.entries.extract_if(|_, entry| is_idle(entry)).map(|(_, entry)| entry).collect()
    }

    /// The store says who has a key.
    pub(crate) fn found(&self, key: &Key, owner: Option<Owner>) {
        let mut inner = self.lock();
        if inner.is_closed {
            return;
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

    /// The processes that have a key.
    pub(crate) fn others(&self) -> HashSet<Owner> {
        let inner = self.lock();
        if inner.is_closed { HashSet::new() } else { inner.elsewhere.values().copied().collect() }
    }
}

impl Entry {
    /// What is known of the key; `None` where it is not loaded.
    pub(crate) fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

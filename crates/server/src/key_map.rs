//! The keys that somebody asks about at this moment, and what is known of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::Key;
use durablefetch_protocol::life::KeyLife;
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
    entries: Mutex<HashMap<Key, Arc<Entry>>>,
    /// There are more than [`IDLE_MAX`].
    crowded: Notify,
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

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a key. It stays in memory as long as somebody holds it.
    pub(crate) fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(key) {
            return Arc::clone(entry);
        }
        let account = self.usage.account(key.scope());
        let entry =
            Arc::new(Entry { key: key.clone(), account, life: Mutex::default(), slot: Arc::default() });
        entries.insert(key.clone(), Arc::clone(&entry));
        if entries.len() > IDLE_MAX && entries.len() % IDLE_MAX == 1 {
            self.crowded.notify_one();
        }
        entry
    }

    /// Waits until so many are held that those nobody uses should go.
    pub(crate) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Everything that is in memory.
    pub(crate) fn held(&self) -> Vec<Arc<Entry>> {
        self.entries().values().cloned().collect()
    }

    /// Lets go of what nobody holds. A pump and a reader hold the entry of their key.
    pub(crate) fn let_go(&self) {
        self.entries().retain(|_, entry| Arc::strong_count(entry) > 1);
        self.usage.let_go();
    }
}

impl Entry {
    /// What is known of the key; `None` where it is not loaded.
    pub(crate) fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The background fsync: bounds to about a second what a power loss can take. `kill -9` takes nothing that was
//! written, with or without it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::recording::Recording;

const EVERY: Duration = Duration::from_secs(1);
/// With more files than this, one `syncfs` is cheaper than an fsync of each.
const FILES_ONE_BY_ONE: usize = 8;

#[derive(Debug, Default)]
struct Pending {
    files: Vec<(Arc<Recording>, Arc<File>)>,
    closed: bool,
}

/// A handle to the thread that syncs.
#[derive(Debug, Clone)]
pub(crate) struct Syncer {
    pending: Arc<(Mutex<Pending>, Condvar)>,
}

impl Syncer {
    /// `wal` is the database's log, `root` a directory of the file system that all is on.
    pub(crate) fn spawn(root: PathBuf, wal: PathBuf) -> io::Result<(Self, thread::JoinHandle<()>)> {
        let pending = Arc::new((Mutex::new(Pending::default()), Condvar::new()));
        let theirs = Arc::clone(&pending);
        let thread = thread::Builder::new().name("df-sync".into()).spawn(move || {
            let (mutex, condition) = &*theirs;
            loop {
                let waited = condition
                    .wait_timeout_while(
                        mutex.lock().unwrap_or_else(PoisonError::into_inner),
                        EVERY,
                        |pending| !pending.closed,
                    )
                    .unwrap_or_else(PoisonError::into_inner);
                let mut pending = waited.0;
                let files = std::mem::take(&mut pending.files);
                let closed = pending.closed;
                drop(pending);
                if !files.is_empty() {
                    sync(&root, &wal, &files);
                }
                if closed {
                    return;
                }
            }
        })?;
        Ok((Self { pending }, thread))
    }

    /// The recording's file has bytes that are not synced, and had none before.
    pub(crate) fn add(&self, recording: Arc<Recording>, file: Arc<File>) {
        self.pending.0.lock().unwrap_or_else(PoisonError::into_inner).files.push((recording, file));
    }

    /// Syncs what there is and ends the thread.
    pub(crate) fn close(&self) {
        self.pending.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.pending.1.notify_one();
    }
}

fn sync(root: &Path, wal: &Path, files: &[(Arc<Recording>, Arc<File>)]) {
    for (recording, _) in files {
        recording.clear_unsynced();
    }
    #[cfg(target_os = "linux")]
    if files.len() > FILES_ONE_BY_ONE {
        if let Err(error) = File::open(root).and_then(|root| Ok(rustix::fs::syncfs(root)?)) {
            tracing::warn!("the data directory cannot be synced: {error}");
        }
        return;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (root, FILES_ONE_BY_ONE);
    for (recording, file) in files {
        if let Err(error) = file.sync_data() {
            tracing::warn!(recording = %recording.id, "a body file cannot be synced: {error}");
        }
    }
    if let Ok(wal) = File::open(wal)
        && let Err(error) = wal.sync_data()
    {
        tracing::warn!("the database log cannot be synced: {error}");
    }
}

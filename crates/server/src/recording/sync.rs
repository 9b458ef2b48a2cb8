//! The background fsync: bounds to about a second what a power loss can take. `kill -9` takes nothing that was
//! written, with or without it.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::recording::Recording;
use crate::storage::bodies::Bodies;

const EVERY: Duration = Duration::from_secs(1);
/// With more files than this, one `syncfs` is cheaper than an fsync of each.
const FILES_ONE_BY_ONE: usize = 8;

/// No open files: thousands of short recordings may end before the next sync.
#[derive(Debug, Default)]
struct Pending {
    recordings: Vec<Arc<Recording>>,
    closed: bool,
}

/// A handle to the thread that syncs.
#[derive(Debug, Clone)]
pub(crate) struct Syncer {
    pending: Arc<(Mutex<Pending>, Condvar)>,
}

impl Syncer {
    /// `wal` is the database's log, on the file system of the bodies.
    pub(crate) fn spawn(bodies: Bodies, wal: PathBuf) -> io::Result<(Self, thread::JoinHandle<()>)> {
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
                let recordings = std::mem::take(&mut pending.recordings);
                let closed = pending.closed;
                drop(pending);
                if !recordings.is_empty() {
                    sync(&bodies, &wal, &recordings);
                }
                if closed {
                    return;
                }
            }
        })?;
        Ok((Self { pending }, thread))
    }

    /// The recording's file has bytes that are not synced, and had none before.
    pub(crate) fn add(&self, recording: Arc<Recording>) {
        self.pending.0.lock().unwrap_or_else(PoisonError::into_inner).recordings.push(recording);
    }

    /// Syncs what there is and ends the thread.
    pub(crate) fn close(&self) {
        self.pending.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.pending.1.notify_one();
    }
}

fn sync(bodies: &Bodies, wal: &Path, recordings: &[Arc<Recording>]) {
    for recording in recordings {
        recording.clear_unsynced();
    }
    #[cfg(target_os = "linux")]
    if recordings.len() > FILES_ONE_BY_ONE {
        if let Err(error) = std::fs::File::open(bodies.root()).and_then(|root| Ok(rustix::fs::syncfs(root)?))
        {
            tracing::warn!("the data directory cannot be synced: {error}");
        }
        return;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = FILES_ONE_BY_ONE;
    for recording in recordings {
        // One that is removed meanwhile needs no sync.
        if let Err(error) = bodies.sync(recording.id) {
            tracing::warn!(recording = %recording.id, "a body file cannot be synced: {error}");
        }
    }
    // Windows syncs only what may be written.
    if let Ok(wal) = OpenOptions::new().write(true).open(wal)
        && let Err(error) = wal.sync_data()
    {
        tracing::warn!("the database log cannot be synced: {error}");
    }
}

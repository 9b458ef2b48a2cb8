//! The writer's side: what is not in the file yet.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::error::StoreError;
use crate::shared::Shared;
use crate::storage::bodies::Bodies;

/// What the writer has to write, and from which offset.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) from: u64,
    pub(crate) chunks: Vec<Bytes>,
}

impl Shared {
    /// What is to be written; `None` where the file is to be removed.
    pub(crate) fn take_unwritten(&self) -> Option<Work> {
        let mut inner = self.lock();
        inner.dirty = false;
        inner.hurried = false;
        if inner.removed {
            return None;
        }
        let work =
            inner.ring.as_ref().map(|ring| Work { from: ring.written_end(), chunks: ring.unwritten() });
        Some(work.unwrap_or(Work { from: 0, chunks: Vec::new() }))
    }

    /// Bytes up to this offset are written, or could not be.
    pub(crate) fn written(&self, result: Result<u64, StoreError>) {
        let mut inner = self.lock();
        match result {
            Ok(offset) => {
                if let Some(ring) = &mut inner.ring {
                    ring.written(offset);
                }
            }
            Err(error) => inner.store_error = Some(error),
        }
        let wake = std::mem::take(&mut inner.pump_waits) || inner.store_error.is_some();
        drop(inner);
        if wake {
            self.pump.wake();
        }
    }

    pub(crate) fn file(&self) -> Option<&Arc<File>> {
        self.file.get()
    }

    pub(crate) fn file_or_create(&self, bodies: &Bodies) -> io::Result<Arc<File>> {
        if let Some(file) = self.file.get() {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(bodies.create(self.id)?);
        Ok(Arc::clone(self.file.get_or_init(|| file)))
    }

    /// True where it had nothing unsynced before.
    pub(crate) fn mark_unsynced(&self) -> bool {
        !self.unsynced.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn clear_unsynced(&self) {
        self.unsynced.store(false, Ordering::Relaxed);
    }
}

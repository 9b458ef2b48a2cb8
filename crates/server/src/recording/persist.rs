//! The writer's side: what is not in the file yet.

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use durablefetch_protocol::ErrorCode;

use crate::error::StoreError;
use crate::recording::work::{List, Work};
use crate::recording::writer::Writer;
use crate::recording::{BodyFile, Recording, Writing};
use crate::storage::bodies::Bodies;

impl Recording {
    /// What is to be done now, for the writer, who took it from this list.
    pub(crate) fn take_work(&self, list: List) -> Work {
        let mut inner = self.lock();
        inner.dirty &= list != List::Dirty;
        inner.hurried = false;
        match inner.file {
            BodyFile::Kept => {}
            BodyFile::Removed => return Work::Remove,
            BodyFile::Anothers => return Work::Write { from: 0, chunks: Vec::new() },
        }
        if matches!(inner.writing, Writing::GivenUp { emptied: false, .. }) {
            return Work::Empty;
        }
        match &inner.ring {
            Some(ring) => Work::Write { from: ring.written_end(), chunks: ring.unwritten() },
            None => Work::Write { from: 0, chunks: Vec::new() },
        }
    }

    /// The file of one that is given up is empty, as far as that can be done.
    pub(crate) fn set_emptied(&self) {
        if let Writing::GivenUp { emptied, .. } = &mut self.lock().writing {
            *emptied = true;
        }
        self.changed.notify_waiters();
    }

    /// How many bytes are published and not in the file.
    pub(crate) fn unwritten_bytes(&self) -> u64 {
        let inner = self.lock();
        inner.ring.as_ref().map_or(0, |ring| ring.end().saturating_sub(ring.written_end()))
    }

    /// Bytes up to this offset are written, or could not be. True where there was no room for them: they stay in
    /// memory, to be written once [`Recording::retry`] says so.
    pub(crate) fn written(&self, result: Result<u64, StoreError>) -> bool {
        let mut inner = self.lock();
        match result {
            Ok(offset) => {
                if let Some(ring) = &mut inner.ring {
                    ring.written(offset);
                }
            }
            Err(error) => {
                if inner.writing.fail(error) {
                    return true;
                }
            }
        }
        let wake = std::mem::take(&mut inner.pump_waits) || inner.writing.error().is_some();
        drop(inner);
        if wake {
            self.pump.wake();
        }
        false
    }

    /// There may be room now.
    pub(crate) fn retry(self: &Arc<Self>, writer: &Writer) {
        let mut inner = self.lock();
        inner.writing.feed();
        self.queue(inner, writer);
        writer.hurry(Arc::clone(self));
    }

    /// For want of room its file is emptied, so that others have some, and from now on its bytes are for
    /// those alone who read them as they come. It will end as failed, at the latest when nobody reads.
    pub(crate) fn give_up(self: &Arc<Self>, writer: &Writer) {
        let mut inner = self.lock();
        if matches!(inner.writing, Writing::GivenUp { .. }) {
            return;
        }
        let message = "the file system has no room for the recording".to_owned();
        let error = StoreError { code: ErrorCode::StorageFull, message };
        inner.writing = Writing::GivenUp { error, emptied: false };
        self.given_up.store(true, Ordering::Release);
        if let Some(ring) = &mut inner.ring {
            ring.written(ring.end());
        }
        self.queue(inner, writer);
        // Before others try again to write: the room that they need is in its file.
        writer.hurry(Arc::clone(self));
        self.pump.wake();
    }

    /// Whether what was published cannot be read from storage.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    fn lock_file(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that is being written.
    pub(crate) fn file(&self) -> Option<Arc<File>> {
        self.lock_file().clone()
    }

    /// What has ended holds no file open.
    pub(super) fn close_file(&self) {
        self.lock_file().take();
    }

    pub(crate) fn file_or_create(&self, bodies: &Bodies) -> io::Result<Arc<File>> {
        let mut file = self.lock_file();
        if let Some(file) = &*file {
            return Ok(Arc::clone(file));
        }
        let created = Arc::new(bodies.create(self.id)?);
        *file = Some(Arc::clone(&created));
        Ok(created)
    }

    /// True where it had nothing unsynced before.
    pub(crate) fn mark_unsynced(&self) -> bool {
        !self.unsynced.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn clear_unsynced(&self) {
        self.unsynced.store(false, Ordering::Relaxed);
    }
}

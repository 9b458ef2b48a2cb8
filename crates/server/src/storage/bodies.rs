//! Body files: `bodies/{last two characters of the id}/{id}`. A file's length is the stored length.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::RecordingId;

use crate::storage::rows::stored_id;
use crate::storage::{private, system};

pub(crate) use system::{read_cached, write_all_at};

/// The directory of body files.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    root: PathBuf,
    held: Arc<Mutex<Held>>,
}

/// Who wants files to stay, and which ones are to go once nobody does.
#[derive(Debug, Default)]
struct Held {
    holders: usize,
    leaving: Vec<RecordingId>,
}

/// Files stay while this is alive: somebody copies them.
#[derive(Debug)]
pub(crate) struct Hold {
    bodies: Bodies,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let leaving = {
            let mut held = self.bodies.held();
            held.holders -= 1;
            if held.holders > 0 {
                return;
            }
            std::mem::take(&mut held.leaving)
        };
        leaving.into_iter().for_each(|id| self.bodies.remove(id));
    }
}

impl Bodies {
    /// Makes the directory where there is none.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let root = data.join("bodies");
        private::own_directory(&root)?;
        Ok(Self { root, held: Arc::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has files stay until the hold is dropped.
    pub(crate) fn hold(&self) -> Hold {
        self.held().holders += 1;
        Hold { bodies: self.clone() }
    }

    /// Whether files that are to go are there still.
    pub(crate) fn is_held(&self) -> bool {
        self.held().holders > 0
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Bytes that the file system has for this process.
    pub(crate) fn free(&self) -> io::Result<u64> {
        fs4::available_space(&self.root)
    }

    /// The end of an id is random, its beginning is the time.
    fn path(&self, id: RecordingId) -> PathBuf {
        let name = id.to_string();
        self.root.join(&name[name.len() - 2..]).join(&name)
    }

    /// Makes the file of a new recording. Only its owner may read it. What is there already stays: an id is used once.
    pub(crate) fn create(&self, id: RecordingId) -> io::Result<File> {
        let path = self.path(id);
        match (private::create(&path), path.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                private::own_directory(parent)?;
                private::create(&path)
            }
            (opened, _) => opened,
        }
    }

    /// Opens the file of a stored recording to read it; `None` where it has none, because no byte came.
    pub(crate) fn open_stored(&self, id: RecordingId) -> io::Result<Option<File>> {
        self.open_as(id, OpenOptions::new().read(true))
    }

    /// Puts the file of a stored recording on the disk, if it has one.
    pub(crate) fn sync(&self, id: RecordingId) -> io::Result<()> {
        // Windows syncs only what may be written.
        let file = self.open_as(id, OpenOptions::new().write(true))?;
        file.map_or(Ok(()), |file| file.sync_data())
    }

    fn open_as(&self, id: RecordingId, how: &mut OpenOptions) -> io::Result<Option<File>> {
        match private::open(&self.path(id), how) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The stored length; 0 without a file.
    pub(crate) fn len(&self, id: RecordingId) -> io::Result<u64> {
        match fs::symlink_metadata(self.path(id)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Gives the room of a file back at once, which to remove it does only once nobody has it open any more.
    pub(crate) fn empty(&self, id: RecordingId) {
        if self.is_held() {
            // To remove it follows, and waits.
            return;
        }
        let emptied =
            private::open(&self.path(id), OpenOptions::new().write(true)).and_then(|file| file.set_len(0));
        if let Err(error) = emptied
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(recording = %id, "a body file cannot be emptied: {error}");
        }
    }

    /// Removes a file. Readers that have it open read on.
    pub(crate) fn remove(&self, id: RecordingId) {
        let mut held = self.held();
        if held.holders > 0 {
            held.leaving.push(id);
            return;
        }
        drop(held);
        if let Err(error) = fs::remove_file(self.path(id))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(recording = %id, "a body file cannot be removed: {error}");
        }
    }

    /// Bytes of all files. One that goes meanwhile has none.
    pub(crate) fn bytes(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for id in self.list()?.into_iter().flatten() {
            bytes += self.len(id)?;
        }
        Ok(bytes)
    }

    /// The ids of all files, and the paths of what is not a body file. A symbolic link is an error: what it leads to may
    /// be somebody else's.
    pub(crate) fn list(&self) -> io::Result<Vec<Result<RecordingId, PathBuf>>> {
        let mut found = Vec::new();
        for shard in fs::read_dir(&self.root)? {
            let shard = shard?;
            let (name, folder) = (shard.file_name(), shard.path());
            if !private::kind(&shard)?.is_dir() {
                found.push(Err(folder));
                continue;
            }
            for file in fs::read_dir(&folder)? {
                let file = file?;
                private::kind(&file)?;
                let file = file.file_name();
                let id = file
                    .to_str()
                    .filter(|file| name.len() == 2 && name.to_str().is_some_and(|name| file.ends_with(name)));
                found.push(id.and_then(stored_id).ok_or_else(|| folder.join(file)));
            }
        }
        Ok(found)
    }
}

/// Reads from `offset` until `buffer` is full or the file ends.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match system::read_at(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

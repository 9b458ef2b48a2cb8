//! Whether storage would take a recording now: a file is made in the data directory, written and removed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::private;
use super::system::{self, Identity};
use crate::error::StoreError;
use durablefetch_protocol::ErrorCode;

/// As much as a first piece of a recording, and more than a page.
const PIECE: [u8; 8192] = [0; 8192];
/// What is written.
const FILE: &str = "ready";

/// Why it would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The directory is not there any more, or another one is.
    Gone,
    /// The file system has no room.
    Full,
    /// It cannot be written.
    Failing,
}

/// What tries it.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    data: PathBuf,
    /// The directories that were there at the start, and which they were.
    directories: Vec<(PathBuf, Identity)>,
}

impl Probe {
    /// For these directories; the first is written to.
    pub(crate) fn new(data: &Path, bodies: &Path) -> io::Result<Self> {
        let directories = [data, bodies]
            .into_iter()
            .map(|path| Ok((path.to_owned(), system::identity(path)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { data: data.to_owned(), directories })
    }

    /// Tries. Blocks.
    pub(crate) fn run(&self) -> Result<(), Trouble> {
        for (path, was) in &self.directories {
            match system::identity(path) {
                Ok(is) if is == *was => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Trouble::Failing),
                _ => return Err(Trouble::Gone),
            }
        }
        let path = self.data.join(FILE);
        let written = private::create(&path).and_then(|mut file| file.write_all(&PIECE));
        let removed = fs::remove_file(&path);
        written.and(removed).map_err(|error| {
            tracing::debug!("the data directory cannot be written: {error}");
            let full = StoreError::from(error).code == ErrorCode::StorageFull;
            if full { Trouble::Full } else { Trouble::Failing }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_gone_once_it_is_removed_or_another_one_is_there() {
        let root = tempfile::tempdir().unwrap();
        let (data, bodies) = (root.path().join("data"), root.path().join("data/bodies"));
        fs::create_dir_all(&bodies).unwrap();
        let probe = Probe::new(&data, &bodies).unwrap();
        assert_eq!(probe.run(), Ok(()));
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing stays");
        fs::rename(&data, root.path().join("moved")).unwrap();
        assert_eq!(probe.run(), Err(Trouble::Gone));
        fs::create_dir_all(&bodies).unwrap();
        assert_eq!(probe.run(), Err(Trouble::Gone));
        fs::remove_dir_all(&data).unwrap();
        fs::rename(root.path().join("moved"), &data).unwrap();
        assert_eq!(probe.run(), Ok(()));
        fs::remove_dir(&bodies).unwrap();
        assert_eq!(probe.run(), Err(Trouble::Gone));
    }

    #[test]
    fn a_file_that_cannot_be_made_is_a_failure() {
        let data = tempfile::tempdir().unwrap();
        let probe = Probe::new(data.path(), data.path()).unwrap();
        fs::create_dir(data.path().join(FILE)).unwrap();
        assert_eq!(probe.run(), Err(Trouble::Failing));
    }
}

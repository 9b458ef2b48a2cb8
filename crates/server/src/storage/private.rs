//! What is stored is its owner's business: files and directories that nobody else may read, and no way that leads out
//! of the data directory through a symbolic link.

use std::fs::{self, DirEntry, File, FileType, OpenOptions};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::system;

/// Makes a directory where there is none, those above it included. Returns whether others may look into it, which
/// one that was there before may allow.
pub(crate) fn directory(path: &Path) -> io::Result<bool> {
    system::make_directories(path)?;
    Ok(system::is_open_to_others(&fs::metadata(path)?))
}

/// Makes a directory of the recorder's own where there is none, and takes it from others where there is one.
pub(crate) fn own_directory(path: &Path) -> io::Result<()> {
    not_a_link(path)?;
    if directory(path)? {
        system::take_directory(path)?;
    }
    Ok(())
}

/// Opens a file of the recorder's own to read and write it, making it where there is none. What is in it stays.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Opens a file of the recorder's own in this way.
pub(crate) fn open(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    system::open_unless_link(path, how)?.ok_or_else(|| SymbolicLink::error(path))
}

/// Takes a file that is open from all but its owner.
pub(crate) fn take_from_others(file: &File) -> io::Result<()> {
    if system::is_open_to_others(&file.metadata()?) { system::take_file(file) } else { Ok(()) }
}

/// Refuses what is a symbolic link; what is not there is none.
fn not_a_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(SymbolicLink::error(path)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What an entry of a directory is, unless it is a symbolic link.
pub(crate) fn kind(entry: &DirEntry) -> io::Result<FileType> {
    let kind = entry.file_type()?;
    if kind.is_symlink() { Err(SymbolicLink::error(&entry.path())) } else { Ok(kind) }
}

/// A path of the recorder's own is a symbolic link: its maker chose what would be read and written in its place.
#[derive(Debug)]
pub(crate) struct SymbolicLink(PathBuf);

impl SymbolicLink {
    fn error(path: &Path) -> io::Error {
        io::Error::other(Self(path.to_owned()))
    }

    /// The path, where this is the error's cause.
    pub(crate) fn path(error: &io::Error) -> Option<&Path> {
        error.get_ref()?.downcast_ref::<Self>().map(|link| link.0.as_path())
    }
}

impl fmt::Display for SymbolicLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is a symbolic link", self.0.display())
    }
}

impl std::error::Error for SymbolicLink {}

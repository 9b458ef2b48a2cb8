//! Linux and macOS: files have an owner, and rights for others.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Identity;

const FILE: u32 = 0o600;
const DIRECTORY: u32 = 0o700;
/// What the group and all others may do.
const OTHERS: u32 = 0o077;

/// Makes a directory, unless it exists, and those above it. Only their owner may use them.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)
}

/// Whether others than its owner may do anything with it.
pub(crate) fn is_open_to_others(found: &Metadata) -> bool {
    found.permissions().mode() & OTHERS != 0
}

/// Takes a directory from all but its owner.
pub(crate) fn take_directory(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(DIRECTORY))
}

/// Takes a file that is open from all but its owner.
pub(crate) fn take_file(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(FILE))
}

/// Opens a file, a new one for its owner alone. `None` where it is a symbolic link.
pub(crate) fn open_unless_link(path: &Path, how: &mut OpenOptions) -> io::Result<Option<File>> {
    match how.mode(FILE).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Ok(None),
        opened => opened.map(Some),
    }
}

pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Its device and its inode.
pub(crate) fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

//! Windows: what others may do is what the directory above passes on. The recorder sets no access list, and looks into none.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;

use super::Identity;

/// Makes a directory, unless it exists, and those above it.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Nobody looks.
pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
    false
}

#[expect(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
pub(crate) fn take_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "it may fail on other systems")]
pub(crate) fn take_file(_: &File) -> io::Result<()> {
    Ok(())
}

/// Opens a file. `None` where it is a symbolic link, which takes rights that not every user has to make.
pub(crate) fn open_unless_link(path: &Path, how: &mut OpenOptions) -> io::Result<Option<File>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Ok(None),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        // To put a link here after this look takes the right to write to the data directory.
        _ => how.open(path).map(Some),
    }
}

pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Its volume and its number there.
pub(crate) fn identity(path: &Path) -> io::Result<Identity> {
    let found = winapi_util::file::information(winapi_util::Handle::from_path_any(path)?)?;
    Ok((found.volume_serial_number(), found.file_index()))
}

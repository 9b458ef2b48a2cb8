//! What each system has its own calls for: reading and writing in the middle of a file, the rights of others, links.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    identity, is_open_to_others, make_directories, open_unless_link, read_at, take_directory, take_file,
    write_all_at,
};
#[cfg(windows)]
pub(crate) use windows::{
    identity, is_open_to_others, make_directories, open_unless_link, read_at, take_directory, take_file,
    write_all_at,
};

use std::fs::File;
use std::io;

/// What a directory keeps as long as it lives.
pub(crate) type Identity = (u64, u64);

/// Reads from the page cache alone: fails where that would wait for a disk, or cannot be asked for.
#[cfg(target_os = "linux")]
pub(crate) fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut slices = [io::IoSliceMut::new(buffer)];
    Ok(preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_cached(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

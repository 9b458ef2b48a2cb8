//! How the processes that share a data directory reach each other: each has a socket in it, and a file that it locks for as
//! long as it lives. Both are for their owner alone.

mod ask;
mod kept;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use ask::ask;
pub(crate) use kept::{Kept, Sender};
#[cfg(unix)]
pub(crate) use unix::{Listener, Stream, bind, connect, connect_at, listen_at, lives, remove, remove_all};
#[cfg(windows)]
pub(crate) use windows::{Listener, Stream, bind, connect, lives, remove, remove_all};

/// A connection to another process, on this machine or another one.
pub(crate) type Way = Box<dyn Duplex>;

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Headers of a request or an answer that is passed on: more than any upstream may send.
pub(crate) const HEADERS_MAX: usize = 2000;
/// Bytes of its head: what a client or an upstream has sent, and what the processes add.
pub(crate) const HEAD_MAX: usize = 2 * super::HEAD_MAX;

/// Request, between processes alone: it is passed on, for a client at this address.
pub(crate) const FORWARDED: &str = "durablefetch-forwarded";
/// Response, between processes alone: the key is not here.
pub(crate) const NOT_HERE: &str = "durablefetch-not-here";
/// What a process tells of what it still has, line by line until it leaves.
pub(crate) const REPORT: &str = "/report";
/// Asks the process that serves for room on the disk.
pub(crate) const ROOM: &str = "/room";
/// Asks a process that drains to end its longest live recording of a scope.
pub(crate) const END_LONGEST: &str = "/end-longest";
/// Asks for a recording of a key to be deleted, or for all that is stored of it.
pub(crate) const DELETE: &str = "/delete-here";
/// Asks for the numbers of what a process has in memory.
pub(crate) const LIVE: &str = "/live";

//! What the writer is told to do.

use bytes::Bytes;

/// What the writer has to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// To write these, the first at this offset.
    Write { from: u64, chunks: Vec<Bytes> },
    /// To make the file empty.
    Empty,
    /// To remove the file.
    Remove,
}

/// Which of the writer's lists a recording was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// All that have something to be written, until the next sweep.
    Dirty,
    /// Those that somebody waits for. They stay on the other list.
    Urgent,
}

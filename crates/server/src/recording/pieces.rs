//! In a cluster: the bytes of a live recording on their way to the store, where others find them once it has ended, or once
//! its process is dead.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use durablefetch_protocol::placement::Holder;
use durablefetch_protocol::recording::Got;
use tokio::sync::Mutex;

use crate::recording::Recording;
use crate::storage::bodies;

/// How far they are.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// Under which it was started.
    pub(crate) holder: Holder,
    /// The table that they go to.
    pub(crate) bucket: u8,
    /// Up to here they are in the store.
    pub(crate) sent: u64,
    /// No answer came to the piece from there to here: it may be in the store, and is sent as it was.
    pub(crate) unsure: Option<u64>,
    /// When the last one was sent.
    pub(crate) last: Option<Instant>,
}

impl Pieces {
    /// Of a recording that has started.
    pub(crate) const fn new(holder: Holder, bucket: u8) -> Self {
        Self { holder, bucket, sent: 0, unsure: None, last: None }
    }
}

impl Recording {
    /// Its bytes go to the store from now on.
    pub(crate) fn set_pieces(&self, pieces: Pieces) {
        let _ = self.pieces.set(Arc::new(Mutex::new(pieces)));
    }

    /// How far its bytes are in the store of the cluster; `None` without one.
    pub(crate) fn pieces(&self) -> Option<&Arc<Mutex<Pieces>>> {
        self.pieces.get()
    }

    /// Bytes of a live recording, which has as many: from memory, or from its file.
    pub(crate) async fn bytes(&self, from: u64, until: u64) -> io::Result<Vec<u8>> {
        let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the recording has fewer bytes");
        let mut bytes = Vec::new();
        let mut at = from;
        while at < until {
            let left = usize::try_from(until - at).unwrap_or(usize::MAX);
            let got = {
                let inner = self.lock();
                inner.progress.look(inner.ring.as_ref(), at)
            };
            let before = bytes.len();
            match got {
                Got::Bytes(some) => bytes.extend_from_slice(&some[..some.len().min(left)]),
                Got::Stored(stored) => {
                    let file = self.file().ok_or_else(short)?;
                    let len = left.min(usize::try_from(stored - at).unwrap_or(usize::MAX));
                    let read = move || {
                        let mut buffer = vec![0; len];
                        let n = bodies::read_at(&file, &mut buffer, at)?;
                        buffer.truncate(n);
                        Ok::<_, io::Error>(buffer)
                    };
                    bytes.extend(tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??);
                }
                Got::Wait | Got::Ended(_) | Got::Gone => return Err(short()),
            }
            if bytes.len() == before {
                return Err(short());
            }
            at += (bytes.len() - before) as u64;
        }
        Ok(bytes)
    }
}

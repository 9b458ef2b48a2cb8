//! Connections to other processes of a cluster that have nothing to do: the next request that is passed on there saves a
//! handshake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durablefetch_protocol::placement::Owner;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

/// What requests are sent through.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// How long one may have nothing to do. The other side waits for longer: see
/// [`Limits::request_timeout`](crate::config::Limits::request_timeout).
const IDLE_FOR: Duration = Duration::from_secs(5);
/// As many are kept to one process.
const MOST: usize = 32;

/// Those to each process, and since when they have nothing to do.
type Idle = HashMap<Owner, Vec<(Sender, Instant)>>;

/// Those that are kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Idle>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One to this process, the last that was used.
    pub(crate) fn take(&self, owner: Owner) -> Option<Sender> {
        let mut all = self.lock();
        let kept = all.get_mut(&owner)?;
        kept.retain(|(sender, since)| sender.is_ready() && since.elapsed() < IDLE_FOR);
        let last = kept.pop();
        if kept.is_empty() {
            all.remove(&owner);
        }
        last.map(|(sender, _)| sender)
    }

    /// Keeps one once its answer is read to the end. One whose answer is not ends with that.
    pub(crate) fn keep(&self, owner: Owner, mut sender: Sender) {
        let kept = self.clone();
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                let mut all = kept.lock();
                let kept = all.entry(owner).or_default();
                if kept.len() < MOST {
                    kept.push((sender, Instant::now()));
                }
            }
        });
    }
}

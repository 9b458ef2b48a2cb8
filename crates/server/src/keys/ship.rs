//! In a cluster: the bytes of what is live go to the store, those of all recordings as one statement at a time; and what was
//! used that this process does not have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use durablefetch_protocol::Key;
use durablefetch_protocol::placement::Holder;
use durablefetch_store_postgres::{Error, Piece, Store};
use tokio::sync::OwnedMutexGuard;
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::recorder::Recorder;
use crate::recording::pieces::Pieces;
use crate::recording::{Recording, Start};

/// How often bytes are sent, and so how long a first one waits at most.
const TICK: Duration = Duration::from_millis(250);
/// How long further ones wait for company.
const WAIT: Duration = Duration::from_secs(2);
/// As many wait for nobody.
const ENOUGH: u64 = 64 * 1024;
/// Bytes of one piece.
const PIECE_MAX: u64 = 1 << 20;
/// Bytes of one statement.
const STATEMENT_MAX: usize = 8 << 20;
/// How soon the store is asked again that did not answer.
const AGAIN: Duration = Duration::from_millis(100);

/// A piece on its way, and the right to send those of its recording.
type Sending = (Arc<Recording>, OwnedMutexGuard<Pieces>, Piece);

/// Sends until it is dropped.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let Some(cluster) = &recorder.cluster else { return };
    loop {
        sleep(TICK).await;
        if let Err(error) = cluster.tell_uses().await {
            tracing::debug!("the cluster's store does not know what was used: {error}");
        }
        while send_due(&recorder, cluster).await {}
    }
}

/// Sends what is due. True where there is more.
async fn send_due(recorder: &Arc<Recorder>, cluster: &Cluster) -> bool {
    let (mut batch, mut bytes): (Vec<Sending>, usize) = (Vec::new(), 0);
    let mut has_more = false;
    for recording in recorder.in_flight.all() {
        if bytes >= STATEMENT_MAX {
            has_more = true;
            break;
        }
        // One whose last bytes are on their way is seen to by its end.
        let Some(Ok(pieces)) = recording.pieces().map(|pieces| Arc::clone(pieces).try_lock_owned()) else {
            continue;
        };
        if !is_due(&recording, &pieces) {
            continue;
        }
        match piece(&recording, &pieces).await {
            Ok(Some(piece)) => {
                bytes += piece.bytes.len();
                has_more |= piece.bytes.len() as u64 == PIECE_MAX;
                batch.push((recording, pieces, piece));
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(recording = %recording.id, "not sent: {error}"),
        }
    }
    if batch.is_empty() {
        return false;
    }
    let sent = send(&cluster.store, &mut batch).await;
    match sent {
        Ok(fenced) => {
            drop(batch);
            for recording in fenced {
                if let Ok(entry) = recorder.keys.entry(&recording.key) {
                    entry.fenced(recorder);
                }
            }
            has_more
        }
        Err(error) => {
            tracing::warn!("live bytes wait for the cluster's store: {error}");
            false
        }
    }
}

/// Whether bytes of this recording have waited for long enough.
fn is_due(recording: &Recording, pieces: &Pieces) -> bool {
    if recording.start() != Start::Recorded || recording.is_given_up() {
        return false;
    }
    let unsent = recording.progress().len().saturating_sub(pieces.sent);
    let has_waited = pieces.last.is_none_or(|last| last.elapsed() >= WAIT);
    pieces.unsure.is_some() || unsent >= ENOUGH || unsent > 0 && has_waited
}

/// The next piece of a recording; `None` if all of its bytes are sent.
async fn piece(recording: &Recording, pieces: &Pieces) -> std::io::Result<Option<Piece>> {
    let from = pieces.sent;
    let end = recording.progress().len().min(from + PIECE_MAX);
    let end = pieces.unsure.unwrap_or(end);
    if end <= from {
        return Ok(None);
    }
    let bytes = recording.bytes(from, end).await?;
    Ok(Some(Piece { recording: recording.id, bucket: pieces.bucket, at: from, bytes }))
}

/// Sends pieces. Returns the recordings whose keys other processes have by now.
async fn send(store: &Store, batch: &mut [Sending]) -> Result<Vec<Arc<Recording>>, Error> {
    // Until it is known that they are there.
    for (_, pieces, piece) in batch.iter_mut() {
        pieces.unsure = Some(piece.at + piece.bytes.len() as u64);
    }
    let rows: Vec<(&Key, Holder, Piece)> = batch
        .iter()
        .map(|(recording, pieces, piece)| (&recording.key, pieces.holder, piece.clone()))
        .collect();
    let fenced = store.append(&rows).await?;
    for (_, pieces, _) in batch.iter_mut() {
        if let Some(sent) = pieces.unsure.take() {
            pieces.sent = sent;
        }
        pieces.last = Some(Instant::now());
    }
    Ok(batch
        .iter()
        .map(|(recording, ..)| recording)
        .filter(|recording| fenced.contains(&recording.id))
        .cloned()
        .collect())
}

/// What is left of a recording that is about to end, for the statement that commits its end. Until it is dropped no other
/// piece is sent.
pub(super) struct Rest {
    pub(super) piece: Option<Piece>,
    _sending: OwnedMutexGuard<Pieces>,
}

/// Why the store has not all bytes of a recording.
pub(super) enum NotSent {
    /// It has not taken any within its time: it does not take the end either.
    Away(String),
    /// They cannot be read here, or it refuses them.
    Failed(String),
}

/// Sends all bytes of a recording but the last. `None` for one whose bytes nobody else reads.
pub(super) async fn rest(cluster: &Cluster, recording: &Arc<Recording>) -> Result<Option<Rest>, NotSent> {
    let Some(pieces) = recording.pieces() else { return Ok(None) };
    if recording.start() != Start::Recorded || recording.is_given_up() {
        return Ok(None);
    }
    let mut pieces = Arc::clone(pieces).lock_owned().await;
    let mut since = Instant::now();
    loop {
        let left = recording.progress().len().saturating_sub(pieces.sent);
        let next = piece(recording, &pieces).await.map_err(|error| NotSent::Failed(error.to_string()))?;
        let next = match next {
            Some(next) if left > ENOUGH || pieces.unsure.is_some() => next,
            last => return Ok(Some(Rest { piece: last, _sending: pieces })),
        };
        let mut batch = [(Arc::clone(recording), pieces, next)];
        let sent = send(&cluster.store, &mut batch).await;
        let [(_, back, _)] = batch;
        pieces = back;
        match sent {
            Ok(_) => since = Instant::now(),
            Err(Error::Unavailable(_) | Error::Busy(_)) if since.elapsed() < cluster.within => {
                sleep(AGAIN).await
            }
            Err(error @ (Error::Unavailable(_) | Error::Busy(_))) => {
                return Err(NotSent::Away(error.to_string()));
            }
            Err(error) => return Err(NotSent::Failed(error.to_string())),
        }
    }
}

//! The cluster that this process is one of: the store in PostgreSQL that all of them share, and how they reach each other.

mod identity;
mod peers;
mod settings;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::placement::Owner;
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use durablefetch_store_postgres::{Error, Node, Options, Renewal, Standing, Store};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use crate::config::{Config, Shared};
use crate::error::StartError;
use identity::Identity;
use peers::Peers;

use peers::Way;

/// This process among the others.
pub(crate) struct Cluster {
    pub(crate) store: Store,
    peers: Peers,
    /// When recordings were last used here whose keys this process does not have. The store does not know yet.
    used: Mutex<HashMap<RecordingId, u64>>,
    /// Bytes of bodies that the store may have.
    pub(crate) most_bytes: u64,
    /// How many it had a moment ago.
    stored: AtomicU64,
    /// Whether that was too many, so that nothing is to be started.
    is_full: AtomicBool,
    /// Processes of the cluster that lived a moment ago.
    nodes: AtomicUsize,
    /// How long the store may take for what has to be known.
    pub(crate) within: Duration,
    renewal: Renewal,
}

/// What is known of a cluster at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Bytes of bodies in its store, and those that there may be.
    pub(crate) stored: u64,
    pub(crate) most: u64,
    /// Processes that live.
    pub(crate) nodes: usize,
    /// Whether the store has answered for as long as a lease lasts.
    pub(crate) is_reached: bool,
}

/// What of a cluster there is before a process is one of it.
pub(crate) struct Joining {
    store: Store,
    options: Options,
    identity: Identity,
    /// Keys fingerprints and scopes, in all of them.
    pub(crate) secret: [u8; 32],
}

impl Joining {
    /// Reaches the store, and makes its tables where they are not there. `ttl`: how long what has ended is kept unused.
    pub(crate) async fn begin(shared: &Shared, me: Owner, ttl: Duration) -> Result<Self, StartError> {
        let failed = |error: Error| match error {
            Error::Url(text) => StartError::ClusterUrl(text),
            other => StartError::Cluster(other.to_string()),
        };
        let options = Options::parse(&shared.database, shared.store_timeout).map_err(failed)?;
        let store = Store::new(&options, me, shared.lease, ttl).map_err(failed)?;
        store.migrate().await.map_err(failed)?;
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StartError::Cluster(error.to_string()))?;
        let secret = store.secret(fresh).await.map_err(failed)?;
        let identity = Identity::new().map_err(StartError::Cluster)?;
        Ok(Self { store, options, identity, secret })
    }

    /// Is one of the cluster from now on, which others reach at this URL. Its listener is bound.
    pub(crate) async fn join(
        self,
        config: &Config,
        shared: &Shared,
        me: Owner,
        url: String,
    ) -> Result<Cluster, StartError> {
        let Self { store, options, identity, .. } = self;
        let failed = |error: Error| StartError::Cluster(error.to_string());
        let node = Node { url, spki: identity.spki().to_owned() };
        let differences =
            store.join(&node, &settings::of(config, shared)).await.map_err(|error| match error {
                Error::Differs(_) => StartError::OtherSettings(error.to_string()),
                other => failed(other),
            })?;
        for difference in differences {
            tracing::warn!("{difference}: it should be the same in all of the cluster");
        }
        let renewal = Renewal::start(&options, me, shared.lease).map_err(failed)?;
        let peers = Peers::new(identity, me).map_err(|error| StartError::Cluster(error.to_string()))?;
        Ok(Cluster {
            store,
            peers,
            used: Mutex::default(),
            most_bytes: shared.most_bytes,
            stored: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
            nodes: AtomicUsize::new(0),
            within: shared.store_timeout,
            renewal,
        })
    }
}

impl Cluster {
    /// Whether the store has answered for as long as a lease lasts.
    pub(crate) fn is_reached(&self) -> bool {
        matches!(self.renewal.standing(), Standing::Held { .. } | Standing::Unknown)
    }

    /// So many bytes of bodies are stored. `evicted`: what could go has gone. Otherwise another process may be about to see to it,
    /// and only what is there the next time as well is too much. An eighth beyond the limit is not: things come and go.
    pub(crate) fn stores(&self, bytes: u64, evicted: bool) {
        let most = self.most_bytes.saturating_add(self.most_bytes / 8);
        let was_over = self.stored.swap(bytes, Ordering::Relaxed) > most;
        self.is_full.store(bytes > most && (evicted || was_over), Ordering::Relaxed);
    }

    /// So many processes live.
    pub(crate) fn sees(&self, nodes: usize) {
        self.nodes.store(nodes, Ordering::Relaxed);
    }

    /// What there is to be told of it.
    pub(crate) fn now(&self) -> Now {
        Now {
            stored: self.stored.load(Ordering::Relaxed),
            most: self.most_bytes,
            nodes: self.nodes.load(Ordering::Relaxed),
            is_reached: self.is_reached(),
        }
    }

    /// Whether nothing is to be started, since the store has too much.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// How this process stands, from now on.
    pub(crate) fn standings(&self) -> watch::Receiver<Standing> {
        self.renewal.watch()
    }

    /// A recording is used whose key this process does not have.
    pub(crate) fn uses(&self, id: RecordingId, now_ms: u64) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id, now_ms);
    }

    /// Tells the store of such uses.
    pub(crate) async fn tell_uses(&self) -> Result<(), Error> {
        let used: Vec<_> = self.used.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        if used.is_empty() { Ok(()) } else { self.store.used(&used).await }
    }

    /// Bytes of what is stored, at least one and `most` at most.
    pub(crate) async fn read(&self, id: RecordingId, from: u64, most: usize) -> io::Result<Bytes> {
        let mut bytes =
            self.store.read(id, from, most).await.map_err(|error| io::Error::other(error.to_string()))?;
        bytes.truncate(most);
        if bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the store has fewer bytes than its row says",
            ));
        }
        Ok(bytes.into())
    }

    /// Takes a connection of another process; `None` for one of somebody else.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        self.peers.accept(&self.store, stream).await
    }

    /// Whether another process lives that takes what this one lets go of.
    pub(crate) async fn has_others(&self) -> io::Result<bool> {
        self.peers.look(&self.store).await
    }

    /// Where another process is reached, and over which connection.
    pub(crate) async fn connect(&self, owner: Owner) -> io::Result<Way> {
        self.peers.connect(&self.store, owner).await
    }
}

/// What is answered where the store does not do what a request needs: nothing was started.
pub(crate) fn refused(error: Error) -> ProtocolError {
    tracing::error!("the cluster's store: {error}");
    match error {
        Error::Unavailable(_) | Error::Busy(_) | Error::Known => later(),
        _ => ErrorCode::StorageFailed.into(),
    }
}

/// What is answered while the store has more than it may.
pub(crate) fn full() -> ProtocolError {
    let message =
        "the cluster's database has as much as --max-cluster-bytes allows, and nothing that has ended may go";
    ProtocolError::new(ErrorCode::StorageFull, message)
}

/// Nothing was started, and the same request may be sent again a little later.
pub(crate) fn later() -> ProtocolError {
    let message = "the cluster's database does not answer now, or the URL is moving to another process: nothing was started";
    ProtocolError::new(ErrorCode::ShuttingDown, message)
}

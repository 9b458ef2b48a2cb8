//! What every request of a recorder has at hand.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use durablefetch_protocol::access::allowance::Allowance;
use durablefetch_protocol::address::Own;
use durablefetch_protocol::placement::{Drain, Owner, Standing};
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId};

use crate::clock::now_ms;
use crate::cluster::{self, Cluster, Joining};
use crate::config::{Config, Shared};
use crate::error::StartError;
use crate::key_map::Keys;
use crate::net::descriptors;
use crate::net::peer::Kept;
use crate::net::tls::Tls;
use crate::observe::elsewhere::Elsewhere;
use crate::observe::log::Log;
use crate::observe::metrics::{Metrics, Now};
use crate::observe::refusals::Refusals;
use crate::placement::Placement;
use crate::readers::Readers;
use crate::readiness::{Health, Reason};
use crate::recording::Recording;
use crate::recording::in_flight::{InFlight, Seat};
use crate::recording::memory::Memory;
use crate::recording::sync::Syncer;
use crate::recording::writer::Writer;
use crate::rules::{Current, Rules};
use crate::storage::bodies::Bodies;
use crate::storage::db::Db;
use crate::storage::probe::Probe;
use crate::storage::usage::Usage;
use crate::storage::{self, Store, schema};
use crate::uploads::Uploads;
use crate::upstream::http::Upstreams;

/// One recorder.
pub(crate) struct Recorder {
    pub(crate) config: Config,
    pub(crate) own: Own,
    pub(crate) keys: Keys,
    /// The cluster that it is one of: rows are in its store, and `db` is none. `None`: the data directory has all.
    pub(crate) cluster: Option<Cluster>,
    /// Connections to others of the cluster.
    pub(crate) kept: Kept,
    pub(crate) db: Db,
    pub(crate) bodies: Bodies,
    pub(crate) writer: Writer,
    /// What SIGHUP may change.
    rules: Current,
    pub(crate) memory: Memory,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Log,
    pub(crate) refusals: Refusals,
    /// The certificate that is shown, where there is TLS.
    pub(crate) tls: OnceLock<Tls>,
    /// Keys the fingerprints.
    pub(crate) secret: [u8; 32],
    /// What is stored.
    pub(crate) usage: Arc<Usage>,
    /// Recordings whose end storage refused: their rows say that they are live.
    unended: Mutex<Vec<Arc<Recording>>>,
    /// One at a time makes room.
    pub(crate) making_room: tokio::sync::Mutex<()>,
    /// Connections that are open.
    pub(crate) connections: AtomicUsize,
    pub(crate) readers: Readers,
    /// What others have started.
    pub(crate) elsewhere: Elsewhere,
    /// Bytes of request bodies in memory.
    pub(crate) uploads: Uploads,
    /// Whether storage is in order.
    pub(crate) health: Health,
    /// Recordings in flight.
    pub(crate) in_flight: InFlight,
    /// Where this process stands among those that share the data directory.
    pub(crate) placement: Arc<Placement>,
    /// The id that was given out last.
    last_id: Mutex<RecordingId>,
}

/// The threads that storage runs on, and the lock on its directory.
pub(crate) struct StorageThreads {
    db: Option<JoinHandle<()>>,
    writer: JoinHandle<()>,
    sync: JoinHandle<()>,
    syncer: Syncer,
    lock: File,
}

impl Recorder {
    /// Opens the store and everything else. `port` is where the recorder listens.
    pub(crate) fn open(config: Config, port: u16) -> Result<(Arc<Self>, StorageThreads), StartError> {
        let me = new_owner(&config)?;
        let store = storage::open(&config.data, me, None)?;
        Self::with(config, port, me, store, None)
    }

    /// Joins the cluster, whose processes reach this one at `peers`, and opens everything else.
    pub(crate) async fn open_in_cluster(
        config: Config,
        port: u16,
        shared: &Shared,
        peers: SocketAddr,
    ) -> Result<(Arc<Self>, StorageThreads), StartError> {
        let (me, url) = (new_owner(&config)?, shared.url(peers)?);
        let joining = Joining::begin(shared, me, config.ttl).await?;
        let store = storage::open_for_cluster(&config.data, joining.secret)?;
        let cluster = joining.join(&config, shared, me, url).await?;
        Self::with(config, port, me, store, Some(cluster))
    }

    /// Opens everything beside the process that serves the same directory, whose lock this is. Nothing is here until it is
    /// handed over.
    pub(crate) fn open_beside(
        config: Config,
        port: u16,
        lock: File,
    ) -> Result<(Arc<Self>, StorageThreads), StartError> {
        let me = new_owner(&config)?;
        let store = storage::open_beside(&config.data, lock)?;
        Self::with(config, port, me, store, None)
    }

    fn with(
        mut config: Config,
        port: u16,
        me: Owner,
        store: Store,
        cluster: Option<Cluster>,
    ) -> Result<(Arc<Self>, StorageThreads), StartError> {
        descriptors::fit_process(&mut config.limits);
        config.limits.share();
        let data = config.data.clone();
        let Store { connection, bodies, served, secret, lock } = store;
        let upstreams = Upstreams::new(&config, &secret, port)?;

        let usage = Arc::new(Usage::new(&config.limits));
        if let Some(served) = &served {
            usage.recount(served.found.of_scopes(), |scope| served.found.own_most.get(scope).copied());
        }
        let failed = |error| StartError::DataDir(data.clone(), error);
        let wal = data.join(storage::LOG);
        let probe = Probe::new(&data, bodies.root()).map_err(failed)?;
        let (db, db_thread) = match connection {
            Some(connection) => {
                schema::limit_log(&connection, config.limits.disk_bytes)
                    .map_err(|error| StartError::Database(data.join(storage::DATABASE), error.to_string()))?;
                let (db, thread) = Db::spawn(connection, usage.database()).map_err(failed)?;
                (db, Some(thread))
            }
            None => (Db::none(), None),
        };
        let (syncer, sync_thread) = Syncer::spawn(bodies.clone(), wal).map_err(failed)?;
        let (writer, writer_thread) = Writer::spawn(bodies.clone(), syncer.clone()).map_err(failed)?;
        let drain = Drain { alone_ms: millis(config.drain), succeeded_ms: millis(config.drain_succeeded()) };
        let placement = Arc::new(Placement::new(me, drain));
        let keys = Keys::new(Arc::clone(&usage), cluster.is_some());
        match served {
            Some(served) => placement.holds(served.holder),
            None if cluster.is_some() => {}
            None => drop(keys.draw_line()),
        }
        let recorder = Self {
            own: config.own(port),
            keys,
            cluster,
            kept: Kept::default(),
            db,
            bodies,
            writer,
            rules: Current::new(Rules::new(&config, upstreams)),
            memory: Memory::new(config.limits.memory_bytes),
            metrics: Arc::new(Metrics::new(config.node.as_deref())),
            log: Log::new(now_ms() as u32, config.node.as_deref()),
            refusals: Refusals::default(),
            tls: OnceLock::new(),
            secret,
            usage,
            unended: Mutex::default(),
            making_room: tokio::sync::Mutex::default(),
            connections: AtomicUsize::new(0),
            readers: Readers::new(config.limits.total_readers),
            elsewhere: Elsewhere::new(),
            uploads: Uploads::new(config.limits.upload_bytes.max(config.limits.request_bytes)),
            health: Health::new(probe),
            in_flight: InFlight::default(),
            placement,
            last_id: Mutex::new(RecordingId::ZERO),
            config,
        };
        recorder.metrics.set_limits(&recorder.config.limits.named());
        let threads =
            StorageThreads { db: db_thread, writer: writer_thread, sync: sync_thread, syncer, lock };
        Ok((Arc::new(recorder), threads))
    }

    /// What requests are judged by now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.get()
    }

    /// Has requests to come be judged by another set-up.
    pub(crate) fn go_by(&self, config: &Config) {
        self.usage.limit(&config.limits);
        self.metrics.set_limits(&config.limits.named());
        let upstreams = self.rules().upstreams.going_by(config);
        self.rules.set(Rules::new(config, upstreams));
    }

    /// Whether a recording of this key may be started now; the seat is for it. `leaving`: so many of its scope are broken
    /// off for it.
    pub(crate) fn may_start<'a>(
        &'a self,
        key: &'a Key,
        allowance: Allowance,
        leaving: usize,
    ) -> Result<Seat<'a>, ProtocolError> {
        if self.ends() {
            return Err(ErrorCode::ShuttingDown.into());
        }
        if self.cluster.as_ref().is_some_and(Cluster::is_full) {
            return Err(cluster::full());
        }
        let seat = self.in_flight.seat(key, &self.rules().limits, allowance, leaving)?;
        // Between the two a shutdown may have begun, and it waits for seats only that were taken before.
        if self.ends() {
            return Err(ErrorCode::ShuttingDown.into());
        }
        Ok(seat)
    }

    /// How many recordings are in flight.
    pub(crate) fn live(&self) -> usize {
        self.in_flight.all().len()
    }

    /// Bytes that are published and not in a file.
    pub(crate) fn unwritten_bytes(&self) -> u64 {
        self.in_flight.all().iter().map(|live| live.unwritten_bytes()).sum()
    }

    /// Everything that is counted, in Prometheus' text format.
    pub(crate) fn metrics_text(&self) -> String {
        let live = self.in_flight.all();
        let connecting = live.iter().filter(|live| live.head().is_none()).count();
        let streaming = live.len() - connecting;
        let bodies = self.usage.bodies();
        let database = self.usage.bytes().saturating_sub(bodies);
        let connections = self.connections.load(Ordering::Relaxed);
        let unwritten = self.unwritten_bytes();
        self.metrics.render(Now {
            connecting,
            streaming,
            bodies,
            database,
            connections,
            unwritten,
            stored: self.usage.recordings(),
            is_draining: !self.placement.claims(),
            cluster: self.cluster.as_ref().map(Cluster::now),
            keys: self.keys.len(),
            certificate_until_s: self.tls.get().and_then(Tls::until_s),
        })
    }

    /// A recording is in flight.
    pub(crate) fn takes_off(&self, seat: Seat<'_>, recording: &Arc<Recording>) {
        self.metrics.started.increment(1);
        self.set_live(seat.keep(recording));
    }

    /// A recording is in flight no more.
    pub(crate) fn lands(&self, id: RecordingId) {
        self.set_live(self.in_flight.remove(id));
    }

    fn set_live(&self, live: usize) {
        self.memory.set_live(live);
        self.writer.set_live(live);
    }

    /// The live recording, of this scope or of any, that has most bytes in storage.
    pub(crate) fn longest_live(&self, scope: Option<&str>) -> Option<Arc<Recording>> {
        let is_meant = |live: &Arc<Recording>| scope.is_none_or(|scope| live.key.scope() == scope);
        let live = self.in_flight.all().into_iter().filter(|live| !live.has_ended() && !live.is_given_up());
        live.filter(is_meant).max_by_key(|live| live.progress().len())
    }

    /// Those that waited for room look again.
    pub(crate) fn wake_pumps(&self) {
        self.in_flight.all().iter().for_each(|live| live.wake_pump());
    }

    /// Bytes are published.
    pub(crate) fn disk_grows(&self, recording: &Recording, bytes: u64) {
        if !recording.is_given_up() {
            self.usage.add_body(&recording.account, bytes);
            recording.count(bytes);
        }
    }

    /// Has a recording live on without a file, for want of room.
    pub(crate) fn give_up(&self, recording: &Arc<Recording>) {
        tracing::warn!(recording = %recording.id, "given up: the file system has no room for it");
        recording.give_up(&self.writer);
        self.usage.remove_body(&recording.account, recording.take_counted());
    }

    /// Has a recording's file removed.
    pub(crate) fn discard(&self, recording: &Arc<Recording>) {
        if recording.discard(&self.writer) {
            self.usage.remove_body(&recording.account, recording.take_counted());
        }
    }

    /// Storage refused the ends of these recordings.
    pub(crate) fn end_later(&self, recordings: impl IntoIterator<Item = Arc<Recording>>) {
        self.unended.lock().unwrap_or_else(PoisonError::into_inner).extend(recordings);
    }

    /// Those whose ends storage refused.
    pub(crate) fn take_unended(&self) -> Vec<Arc<Recording>> {
        std::mem::take(&mut *self.unended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why it takes no starts now; empty where it does.
    pub(crate) async fn unready(&self) -> Vec<Reason> {
        let draining = (!self.placement.claims()).then_some(Reason::Draining);
        let db = self.cluster.is_none().then_some(&self.db);
        let storage = self.health.storage(db, &self.writer).await;
        let store =
            self.cluster.as_ref().is_some_and(|cluster| !cluster.is_reached()).then_some(Reason::Store);
        draining.into_iter().chain(storage).chain(store).collect()
    }

    /// Whether it starts nothing any more. One that has a successor starts what is for a key that still lives in it.
    fn ends(&self) -> bool {
        self.placement.standing() == Standing::Ends
    }

    /// Whether no other process has anything in the data directory.
    pub(crate) fn is_alone(&self) -> bool {
        self.placement.claims() && self.keys.others().is_empty()
    }

    /// Waits until no recording is in flight.
    pub(crate) async fn quiet(&self) {
        self.in_flight.quiet().await;
    }

    /// Ends what is in flight: the recorder is going away under it.
    pub(crate) fn interrupt(&self) -> usize {
        self.in_flight.all().iter().filter(|live| live.end(End::Interrupt)).count()
    }

    /// The id that was given out last.
    pub(crate) fn last_id(&self) -> RecordingId {
        *self.last_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ids to come are later than this one.
    pub(crate) fn later_than(&self, id: RecordingId) {
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(id);
    }

    /// A new id.
    pub(crate) fn new_id(&self) -> Result<RecordingId, ProtocolError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            tracing::error!("the system gives no random bytes: {error}");
            ProtocolError::from(ErrorCode::Internal)
        })?;
        let id = RecordingId::from_parts(now_ms(), u128::from_le_bytes(random));
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        *last = id.after(*last);
        Ok(*last)
    }
}

/// Names this process.
fn new_owner(config: &Config) -> Result<Owner, StartError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        StartError::DataDir(config.data.clone(), std::io::Error::other(error.to_string()))
    })?;
    Ok(Owner(u128::from_be_bytes(random)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl StorageThreads {
    /// The lock on the directory, for a successor.
    pub(crate) fn lock(&self) -> std::io::Result<File> {
        self.lock.try_clone()
    }

    /// Writes everything and ends the threads.
    pub(crate) fn close(self, recorder: &Recorder) {
        recorder.writer.close();
        let panicked = self.writer.join().is_err();
        self.syncer.close();
        recorder.db.close(!recorder.placement.accepts());
        if panicked | self.sync.join().is_err() | self.db.is_some_and(|db| db.join().is_err()) {
            tracing::error!("a storage thread has panicked");
        }
    }
}

//! What every request of a recorder has at hand.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use durablefetch_protocol::access::Access;
use durablefetch_protocol::address::Own;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use tokio::sync::Notify;

use crate::budget::Budget;
use crate::clock::now_ms;
use crate::config::Config;
use crate::error::StartError;
use crate::keys::Keys;
use crate::meters::{Meters, Now};
use crate::shared::Shared;
use crate::storage::bodies::Bodies;
use crate::storage::db::{self, Db};
use crate::storage::recovery::{self, RecoveryError};
use crate::storage::schema;
use crate::storage::sync::Syncer;
use crate::storage::writer::Writer;
use crate::upstream::Upstreams;

/// One recorder.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) access: Access,
    pub(crate) own: Own,
    pub(crate) keys: Keys,
    pub(crate) db: Db,
    pub(crate) bodies: Bodies,
    pub(crate) writer: Writer,
    pub(crate) upstreams: Upstreams,
    pub(crate) budget: Budget,
    pub(crate) meters: Arc<Meters>,
    /// Keys the fingerprints.
    pub(crate) secret: [u8; 32],
    /// Bytes stored.
    pub(crate) disk: AtomicU64,
    /// There are more of them than there may be.
    pub(crate) disk_over: Notify,
    /// Recordings in flight.
    live: Mutex<HashMap<RecordingId, Arc<Shared>>>,
    /// The last one of them has ended.
    quiet: Notify,
    draining: AtomicBool,
}

/// The threads that storage runs on, and the lock on its directory.
pub(crate) struct Threads {
    db: JoinHandle<()>,
    writer: JoinHandle<()>,
    sync: JoinHandle<()>,
    syncer: Syncer,
    _lock: File,
}

impl App {
    /// Opens the store and everything else. `port` is where the recorder listens.
    pub(crate) fn open(config: Config, port: u16) -> Result<(Arc<Self>, Threads), StartError> {
        let data = config.data.clone();
        let failed = |error| StartError::DataDir(data.clone(), error);
        // What is recorded is its owner's business.
        DirBuilder::new().recursive(true).mode(0o700).create(&data).map_err(failed)?;
        let lock = File::create(data.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::DataDirInUse(data.clone()),
            TryLockError::Error(error) => failed(error),
        })?;
        let bodies = Bodies::open(&data).map_err(failed)?;
        let path = data.join("recordings.db");
        let mut connection = db::open(&path)?;
        let database = |error: rusqlite::Error| StartError::Database(path.clone(), error.to_string());
        let found = recovery::recover(&mut connection, &bodies).map_err(|error| match error {
            RecoveryError::Database(error) => database(error),
            RecoveryError::Bodies(error) => failed(error),
        })?;
        if found.interrupted > 0 || found.orphans > 0 {
            tracing::info!(found.interrupted, found.orphans, "recovered from an end without a shutdown");
        }
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StartError::Client(error.to_string()))?;
        let secret = schema::secret(&connection, fresh).map_err(database)?;
        let upstreams = Upstreams::new(&config, &secret, port)?;

        let wal = data.join("recordings.db-wal");
        let (db, db_thread) = Db::spawn(connection).map_err(failed)?;
        let (syncer, sync_thread) = Syncer::spawn(bodies.root().to_owned(), wal).map_err(failed)?;
        let (writer, writer_thread) = Writer::spawn(bodies.clone(), syncer.clone()).map_err(failed)?;
        let app = Self {
            access: config.access(),
            own: config.own(port),
            keys: Keys::default(),
            db,
            bodies,
            writer,
            upstreams,
            budget: Budget::new(config.limits.memory_bytes),
            meters: Arc::new(Meters::new()),
            secret,
            disk: AtomicU64::new(found.bytes),
            disk_over: Notify::new(),
            live: Mutex::default(),
            quiet: Notify::new(),
            draining: AtomicBool::new(false),
            config,
        };
        let threads =
            Threads { db: db_thread, writer: writer_thread, sync: sync_thread, syncer, _lock: lock };
        Ok((Arc::new(app), threads))
    }

    fn live(&self) -> MutexGuard<'_, HashMap<RecordingId, Arc<Shared>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something may be started now.
    pub(crate) fn may_start(&self) -> Result<(), ProtocolError> {
        if self.draining.load(Ordering::Acquire) {
            return Err(ErrorCode::ShuttingDown.into());
        }
        if self.live().len() >= self.config.limits.recordings {
            return Err(ErrorCode::TooManyRecordings.into());
        }
        if self.disk.load(Ordering::Relaxed) > self.config.limits.disk_bytes {
            self.disk_over.notify_one();
            return Err(ErrorCode::StorageFull.into());
        }
        Ok(())
    }

    /// Everything that is counted, in Prometheus' text format.
    pub(crate) fn metrics(&self) -> String {
        let live: Vec<_> = self.live().values().cloned().collect();
        let connecting = live.iter().filter(|live| live.head().is_none()).count();
        let streaming = live.len() - connecting;
        self.meters.render(Now { connecting, streaming, stored: self.disk.load(Ordering::Relaxed) })
    }

    /// A recording is in flight.
    pub(crate) fn takes_off(&self, recording: &Arc<Shared>) {
        self.meters.started.increment(1);
        let mut live = self.live();
        live.insert(recording.id, Arc::clone(recording));
        self.budget.set_live(live.len());
    }

    /// A recording is in flight no more.
    pub(crate) fn lands(&self, id: RecordingId) {
        let mut live = self.live();
        live.remove(&id);
        self.budget.set_live(live.len());
        if live.is_empty() {
            self.quiet.notify_waiters();
        }
    }

    /// The live recording that has most bytes.
    pub(crate) fn longest_live(&self) -> Option<Arc<Shared>> {
        self.live()
            .values()
            .filter(|live| !live.has_ended())
            .max_by_key(|live| live.recording().len())
            .cloned()
    }

    /// Bytes were published.
    pub(crate) fn disk_grows(&self, bytes: u64) {
        let total = self.disk.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > self.config.limits.disk_bytes {
            self.disk_over.notify_one();
        }
    }

    /// Has a recording's file removed.
    pub(crate) fn discard(&self, recording: &Arc<Shared>, break_readers: bool) {
        if recording.discard(&self.writer, break_readers) {
            let len = recording.recording().len();
            self.disk.fetch_sub(len, Ordering::Relaxed);
        }
    }

    /// Starts nothing from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Waits until no recording is in flight.
    pub(crate) async fn quiet(&self) {
        loop {
            let quiet = self.quiet.notified();
            tokio::pin!(quiet);
            quiet.as_mut().enable();
            if self.live().is_empty() {
                return;
            }
            quiet.await;
        }
    }

    /// Ends what is in flight: the recorder is going away under it.
    pub(crate) fn interrupt(&self) -> usize {
        let live: Vec<_> = self.live().values().cloned().collect();
        live.iter().filter(|live| live.end(End::Interrupt)).count()
    }

    /// A new id.
    pub(crate) fn new_id(&self) -> Result<RecordingId, ProtocolError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            tracing::error!("the system gives no random bytes: {error}");
            ProtocolError::from(ErrorCode::Internal)
        })?;
        Ok(RecordingId::from_parts(now_ms(), u128::from_le_bytes(random)))
    }
}

impl Threads {
    /// Writes everything and ends the threads.
    pub(crate) fn close(self, app: &App) {
        app.writer.close();
        let panicked = self.writer.join().is_err();
        self.syncer.close();
        app.db.close();
        if panicked | self.sync.join().is_err() | self.db.join().is_err() {
            tracing::error!("a storage thread has panicked");
        }
    }
}

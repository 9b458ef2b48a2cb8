//! What every request of a recorder has at hand.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use durablefetch_protocol::access::Access;
use durablefetch_protocol::address::Own;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use tokio::sync::Notify;

use crate::clock::now_ms;
use crate::config::Config;
use crate::error::StartError;
use crate::key_map::Keys;
use crate::net::descriptors;
use crate::observe::log::Log;
use crate::observe::metrics::{Metrics, Now};
use crate::recording::Recording;
use crate::recording::in_flight::{InFlight, Seat};
use crate::recording::memory::Memory;
use crate::recording::sync::Syncer;
use crate::recording::writer::Writer;
use crate::storage::bodies::Bodies;
use crate::storage::db::Db;
use crate::storage::{self, Store};
use crate::upstream::http::Upstreams;

/// One recorder.
pub(crate) struct Recorder {
    pub(crate) config: Config,
    pub(crate) access: Access,
    pub(crate) own: Own,
    pub(crate) keys: Keys,
    pub(crate) db: Db,
    pub(crate) bodies: Bodies,
    pub(crate) writer: Writer,
    pub(crate) upstreams: Upstreams,
    pub(crate) memory: Memory,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Log,
    /// Keys the fingerprints.
    pub(crate) secret: [u8; 32],
    /// Bytes stored.
    pub(crate) disk: AtomicU64,
    /// There are more of them than there may be.
    pub(crate) disk_over: Notify,
    /// One at a time makes room.
    pub(crate) making_room: tokio::sync::Mutex<()>,
    /// Connections that are open.
    pub(crate) connections: AtomicUsize,
    /// Recordings in flight.
    in_flight: InFlight,
    draining: AtomicBool,
    /// The id that was given out last.
    last_id: Mutex<RecordingId>,
}

/// The threads that storage runs on, and the lock on its directory.
pub(crate) struct StorageThreads {
    db: JoinHandle<()>,
    writer: JoinHandle<()>,
    sync: JoinHandle<()>,
    syncer: Syncer,
    _lock: File,
}

impl Recorder {
    /// Opens the store and everything else. `port` is where the recorder listens.
    pub(crate) fn open(mut config: Config, port: u16) -> Result<(Arc<Self>, StorageThreads), StartError> {
        descriptors::fit_process(&mut config.limits);
        let data = config.data.clone();
        let Store { connection, bodies, found, secret, lock } = storage::open(&data)?;
        let upstreams = Upstreams::new(&config, &secret, port)?;

        let failed = |error| StartError::DataDir(data.clone(), error);
        let wal = data.join(storage::LOG);
        let (db, db_thread) = Db::spawn(connection).map_err(failed)?;
        let (syncer, sync_thread) = Syncer::spawn(bodies.clone(), wal).map_err(failed)?;
        let (writer, writer_thread) = Writer::spawn(bodies.clone(), syncer.clone()).map_err(failed)?;
        let recorder = Self {
            access: config.access(),
            own: config.own(port),
            keys: Keys::default(),
            db,
            bodies,
            writer,
            upstreams,
            memory: Memory::new(config.limits.memory_bytes),
            metrics: Arc::new(Metrics::new()),
            log: Log::new(now_ms() as u32),
            secret,
            disk: AtomicU64::new(found.bytes),
            disk_over: Notify::new(),
            making_room: tokio::sync::Mutex::default(),
            connections: AtomicUsize::new(0),
            in_flight: InFlight::default(),
            draining: AtomicBool::new(false),
            last_id: Mutex::new(RecordingId::ZERO),
            config,
        };
        let threads =
            StorageThreads { db: db_thread, writer: writer_thread, sync: sync_thread, syncer, _lock: lock };
        Ok((Arc::new(recorder), threads))
    }

    /// Whether a recording of this scope may be started now; the seat is for it.
    pub(crate) fn may_start(&self, scope: &str) -> Result<Seat<'_>, ProtocolError> {
        if self.draining.load(Ordering::Acquire) {
            return Err(ErrorCode::ShuttingDown.into());
        }
        let seat = self.in_flight.seat(scope, &self.config.limits)?;
        // Between the two a shutdown may have begun, and it waits for seats only that were taken before.
        if self.draining.load(Ordering::Acquire) {
            return Err(ErrorCode::ShuttingDown.into());
        }
        Ok(seat)
    }

    /// Whether more is stored than may be; then there will be room soon.
    pub(crate) fn is_over_quota(&self) -> bool {
        let over = self.disk.load(Ordering::Relaxed) > self.config.limits.disk_bytes;
        if over {
            self.disk_over.notify_one();
        }
        over
    }

    /// Everything that is counted, in Prometheus' text format.
    pub(crate) fn metrics_text(&self) -> String {
        let live = self.in_flight.all();
        let connecting = live.iter().filter(|live| live.head().is_none()).count();
        let streaming = live.len() - connecting;
        let stored = self.disk.load(Ordering::Relaxed);
        let connections = self.connections.load(Ordering::Relaxed);
        let unwritten = live.iter().map(|live| live.unwritten_bytes()).sum();
        self.metrics.render(Now { connecting, streaming, stored, connections, unwritten })
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

    /// The live recording that has most bytes in storage.
    pub(crate) fn longest_live(&self) -> Option<Arc<Recording>> {
        let live = self.in_flight.all().into_iter().filter(|live| !live.has_ended() && !live.is_given_up());
        live.max_by_key(|live| live.progress().len())
    }

    /// Those that waited for room look again.
    pub(crate) fn wake_pumps(&self) {
        self.in_flight.all().iter().for_each(|live| live.wake_pump());
    }

    /// Bytes are published.
    pub(crate) fn disk_grows(&self, recording: &Recording, bytes: u64) {
        if !recording.is_given_up() {
            recording.count(bytes);
            self.disk.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Has a recording live on without a file: there is no room for it.
    pub(crate) fn give_up(&self, recording: &Arc<Recording>) {
        tracing::warn!(recording = %recording.id, "given up: the file system has no room for it");
        recording.give_up(&self.writer);
        self.disk.fetch_sub(recording.take_counted(), Ordering::Relaxed);
    }

    /// Has a recording's file removed.
    pub(crate) fn discard(&self, recording: &Arc<Recording>) {
        if recording.discard(&self.writer) {
            self.disk.fetch_sub(recording.take_counted(), Ordering::Relaxed);
        }
    }

    /// Starts nothing from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Waits until no recording is in flight.
    pub(crate) async fn quiet(&self) {
        self.in_flight.quiet().await;
    }

    /// Ends what is in flight: the recorder is going away under it.
    pub(crate) fn interrupt(&self) -> usize {
        self.in_flight.all().iter().filter(|live| live.end(End::Interrupt)).count()
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

impl StorageThreads {
    /// Writes everything and ends the threads.
    pub(crate) fn close(self, recorder: &Recorder) {
        recorder.writer.close();
        let panicked = self.writer.join().is_err();
        self.syncer.close();
        recorder.db.close();
        if panicked | self.sync.join().is_err() | self.db.join().is_err() {
            tracing::error!("a storage thread has panicked");
        }
    }
}

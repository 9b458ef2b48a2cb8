//! The accept loop, from the first connection to the last.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::placement::{Next, Standing};
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::clock::now_ms;
use crate::config::Config;
use crate::error::StartError;
use crate::http::{connections, metrics_listener};
use crate::keys::{housekeeping, leases, ship, take_over};
use crate::net::peer;
use crate::net::service_manager::ServiceManager;
use crate::net::threads::Threads;
use crate::net::tls::Tls;
use crate::operator;
use crate::recorder::{Recorder, StorageThreads};
use crate::reload::Reloads;
use crate::succession::{self, Desk, Offer, Sockets, accept};

/// A client that has read a live body to its end asks how it ended: for so long there is somebody to ask.
const LAST_WORD: Duration = Duration::from_secs(2);
/// How long readers may take to get the last bytes after everything has ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// How often somebody hears that all is well, and how.
type Beat = (Duration, Box<dyn Fn() + Send>);

/// How often a process that leaves looks what still lives in it.
const TICK: Duration = Duration::from_millis(25);

/// A recorder that is ready to serve.
pub struct Server {
    listener: TcpListener,
    tls: Option<Tls>,
    metrics: Option<TcpListener>,
    operator: Option<operator::Listener>,
    peers: Option<peer::Listener>,
    /// In a cluster: where the others reach this one.
    cluster: Option<TcpListener>,
    desk: Option<Desk>,
    beat: Option<Beat>,
    recorder: Arc<Recorder>,
    storage_threads: StorageThreads,
    threads: Threads,
}

/// Opens a recorder and serves until `shutdown` resolves and what is live has drained.
///
/// # Errors
/// See [`Server::open`].
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartError> {
    Server::open(listener, config)?.serve(shutdown).await;
    Ok(())
}

impl Server {
    /// Opens the store, recovers what the last process left, and gets ready to serve.
    ///
    /// # Errors
    /// Where others could reach it and the set-up does not say what they may do ([`Config::check`]), or where the
    /// certificate or the data directory cannot be used.
    pub fn open(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        let (address, tls, threads) = prepare(&listener, &config)?;
        let (recorder, storage_threads) = Recorder::open(config, address.port())?;
        peer::remove_all(&recorder.config.data);
        Ok(Self::new(listener, tls, threads, recorder, storage_threads))
    }

    /// Joins a cluster, whose processes reach this one through `peers`, and gets ready to serve.
    ///
    /// # Errors
    /// As [`Server::open`], and where the cluster's database cannot be used, or where [`Config::cluster`] is none.
    pub async fn join(listener: TcpListener, peers: TcpListener, config: Config) -> Result<Self, StartError> {
        let (address, tls, threads) = prepare(&listener, &config)?;
        let bound = peers.local_addr().map_err(StartError::Listener)?;
        let none = || StartError::Cluster("no database is named".to_owned());
        let shared = config.cluster.clone().ok_or_else(none)?;
        let (recorder, storage_threads) =
            Recorder::open_in_cluster(config, address.port(), &shared, bound).await?;
        let server = Self::new(listener, tls, threads, recorder, storage_threads);
        Ok(Self { cluster: Some(peers), ..server })
    }

    /// Opens the store beside the recorder that serves it, takes its place and gets ready to serve. What lives in that one
    /// goes on there.
    ///
    /// # Errors
    /// As [`Server::open`], and where that one keeps its place.
    pub async fn succeed(
        listener: TcpListener,
        config: Config,
        offer: &mut Offer,
    ) -> Result<Self, StartError> {
        let (address, tls, threads) = prepare(&listener, &config)?;
        let data = config.data.clone();
        let failed = |error| StartError::DataDir(data.clone(), error);
        let lock = offer.lock().map_err(failed)?;
        let (recorder, storage_threads) = Recorder::open_beside(config, address.port(), lock)?;
        // What that one passes on finds somebody.
        let peers = peer::bind(&data, recorder.placement.me()).map_err(failed)?;
        offer.take(&recorder).await?;
        let server = Self::new(listener, tls, threads, recorder, storage_threads);
        Ok(Self { peers, ..server })
    }

    fn new(
        listener: TcpListener,
        tls: Option<Tls>,
        threads: Threads,
        recorder: Arc<Recorder>,
        storage_threads: StorageThreads,
    ) -> Self {
        if let Some(tls) = &tls {
            let _ = recorder.tls.set(tls.clone());
        }
        let operator = bind_operator(&recorder);
        let (metrics, peers, cluster, desk, beat) = (None, None, None, None, None);
        Self {
            listener,
            tls,
            metrics,
            operator,
            peers,
            cluster,
            desk,
            beat,
            recorder,
            storage_threads,
            threads,
        }
    }

    /// Answers `/metrics`, `/healthz` and `/readyz` on this listener too. Everybody who reaches it may read them; on loopback, pages
    /// of other sites may not.
    #[must_use]
    pub fn with_metrics(mut self, listener: TcpListener) -> Self {
        self.metrics = Some(listener);
        self
    }

    /// Gives its place to another process that is started with the same data directory and is told to listen at the same
    /// address. Comes after [`Server::with_metrics`].
    #[must_use]
    pub fn with_successors(
        mut self,
        listen: SocketAddr,
        metrics_listen: Option<SocketAddr>,
        manager: ServiceManager,
    ) -> Self {
        let handed = || -> std::io::Result<Sockets> {
            let metrics =
                self.metrics.as_ref().map(|metrics| SockRef::from(metrics).try_clone()).transpose()?;
            Ok(Sockets {
                listen,
                metrics_listen,
                listener: SockRef::from(&self.listener).try_clone()?.into(),
                metrics: metrics.map(Into::into),
                lock: self.storage_threads.lock()?,
                manager,
            })
        };
        let data = &self.recorder.config.data;
        let bound = match self.peers.take() {
            Some(peers) => Ok(Some(peers)),
            None => peer::bind(data, self.recorder.placement.me()),
        };
        let ready: std::io::Result<_> = bound.and_then(|peers| Ok((peers, handed()?)));
        match ready {
            Ok((Some(peers), sockets)) => {
                self.peers = Some(peers);
                self.desk = Some(Desk::new(Arc::clone(&self.recorder), sockets));
            }
            Ok((None, _)) => {}
            // Without it the recorder serves all the same.
            Err(error) => tracing::warn!("no successor can take this recorder's place: {error}"),
        }
        self
    }

    /// What takes over a set-up that is read again while it serves.
    ///
    /// # Errors
    /// Where the listener does not tell its address.
    pub fn reloads(&self) -> Result<Reloads, StartError> {
        let address = self.listener.local_addr().map_err(StartError::Listener)?;
        Ok(Reloads::new(Arc::clone(&self.recorder), self.tls.clone(), address))
    }

    /// Has somebody hear, this often, that every thread that serves connections still runs what it is given.
    #[must_use]
    pub fn with_beat(mut self, every: Duration, beat: impl Fn() + Send + 'static) -> Self {
        self.beat = Some((every, Box::new(beat)));
        self
    }

    /// Serves until `shutdown` resolves; then starts nothing new, lets live recordings finish for as long as the set-up
    /// says, and ends the rest as interrupted. Everything but starts is answered meanwhile. Where a successor takes its
    /// place, what lives in it goes on, and it returns once that has ended.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, tls, metrics, operator, peers, cluster, desk, beat, .. } = self;
        let (recorder, storage_threads, threads) = (self.recorder, self.storage_threads, self.threads);
        let housekeeper = tokio::spawn(housekeeping::run(Arc::clone(&recorder)));
        let watching = match recorder.cluster {
            None => tokio::spawn(succession::watch::run(Arc::clone(&recorder))),
            Some(_) => tokio::spawn(leases::run(Arc::clone(&recorder))),
        };
        let shipping = tokio::spawn(ship::run(Arc::clone(&recorder)));
        let metrics = metrics.map(|listener| tokio::spawn(tell_metrics(listener, Arc::clone(&recorder))));
        let operator = tokio::spawn(operate(operator, Arc::clone(&recorder)));
        let desk = desk.map(|desk| tokio::spawn(desk.serve()));
        let beat = beat.map(|(every, beat)| {
            let threads = threads.handles();
            tokio::spawn(async move {
                loop {
                    for thread in &threads {
                        let _ = thread.spawn(async {}).await;
                    }
                    beat();
                    sleep(every).await;
                }
            })
        });
        let connections = GracefulShutdown::new();
        let (serving, _) = watch::channel(());
        let end = leave(&recorder, shutdown);
        let take = |stream| {
            let watcher = (connections.watcher(), serving.subscribe());
            connections::serve(stream, &threads, &recorder, tls.as_ref(), watcher);
        };
        tokio::select! {
            () = accept(&listener, &recorder, end, take) => {}
            () = accept::peers(peers.as_ref(), &recorder, &threads) => {}
            () = accept::cluster(cluster.as_ref(), &recorder, &threads) => {}
        }
        drop(listener);
        drop(serving);
        if timeout(GOODBYE, connections.shutdown()).await.is_err() {
            tracing::debug!("some readers did not take the last bytes in time");
        }
        for task in
            [metrics, desk, beat, Some(operator), Some(watching), Some(shipping)].into_iter().flatten()
        {
            task.abort();
        }
        housekeeper.abort();
        let _ = housekeeper.await;
        take_over::leave(&recorder).await;
        let close = move || {
            threads.close();
            storage_threads.close(&recorder);
            if peers.is_some() {
                peer::remove(&recorder.config.data, recorder.placement.me());
                if recorder.placement.accepts() {
                    succession::leave(&recorder.config.data);
                }
            }
        };
        if tokio::task::spawn_blocking(close).await.is_err() {
            tracing::error!("storage was not closed in order");
        }
    }
}

/// What has to be in order before the store is opened.
fn prepare(
    listener: &TcpListener,
    config: &Config,
) -> Result<(SocketAddr, Option<Tls>, Threads), StartError> {
    let address = listener.local_addr().map_err(StartError::Listener)?;
    config.check(address)?;
    let tls = config.tls.as_ref().map(Tls::read).transpose()?;
    let threads = Threads::spawn().map_err(StartError::Threads)?;
    Ok((address, tls, threads))
}

/// Without it the recorder serves all the same.
fn bind_operator(recorder: &Recorder) -> Option<operator::Listener> {
    let warn = |error: &std::io::Error| {
        let data = recorder.config.data.display();
        tracing::warn!(
            "`durablefetch ls` and the like cannot ask this recorder: no socket in {data}: {error}"
        );
    };
    operator::bind(&recorder.config.data).inspect_err(warn).ok().flatten()
}

/// Waits until this process takes connections, or does not.
async fn until(recorder: &Recorder, accepts: bool) {
    let mut changes = recorder.placement.changes();
    // The sender lives as long as the recorder.
    let _ = changes.wait_for(|_| recorder.placement.accepts() == accepts).await;
}

/// Answers what operators ask, while this process is the one that they find.
async fn operate(mut first: Option<operator::Listener>, recorder: Arc<Recorder>) {
    loop {
        until(&recorder, true).await;
        if let Some(socket) = first.take().or_else(|| bind_operator(&recorder)) {
            tokio::select! { () = operator::serve(&socket, &recorder) => {}, () = until(&recorder, false) => {} }
        }
        until(&recorder, false).await;
    }
}

async fn tell_metrics(listener: TcpListener, recorder: Arc<Recorder>) {
    loop {
        until(&recorder, true).await;
        tokio::select! {
            () = metrics_listener::run(&listener, &recorder) => {}
            () = until(&recorder, false) => {}
        }
    }
}

/// Takes what comes until the end, while no successor does. While the recorder drains alone that goes on: the readers of
/// what is live may come back for the rest.
async fn accept(
    listener: &TcpListener,
    recorder: &Recorder,
    end: impl Future<Output = ()>,
    mut take: impl FnMut(TcpStream),
) {
    let mut end = pin!(end);
    let mut changes = recorder.placement.changes();
    loop {
        tokio::select! {
            accepted = listener.accept(), if recorder.placement.accepts() => match accepted {
                Ok((stream, _)) => take(stream),
                Err(error) => {
                    // Out of descriptors, mostly: it passes when a connection closes.
                    tracing::warn!("a connection cannot be accepted: {error}");
                    sleep(Duration::from_millis(50)).await;
                }
            },
            _ = changes.changed() => {}
            () = &mut end => return,
        }
    }
}

/// Resolves once this process may leave: it was told to end, or a successor has its place; nothing is live in it; and the
/// readers of what was have had time for their last question.
async fn leave(recorder: &Arc<Recorder>, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let mut changes = recorder.placement.changes();
    let (mut is_told, mut was_of_use) = (false, false);
    loop {
        let standing = *changes.borrow_and_update();
        if standing == Standing::Drains
            && let Err(error) = take_over::release(recorder).await
        {
            tracing::error!("what is idle stays where it is: {}", error.message);
        }
        let (keys, live) = (recorder.keys.len(), recorder.in_flight.taken());
        was_of_use |= standing == Standing::Drains || live > 0 && standing == Standing::Ends;
        match recorder.placement.next(keys, live, recorder.keys.others().len(), now_ms()) {
            Next::Wait { .. } => {}
            Next::Interrupt => {
                let interrupted = recorder.interrupt();
                if interrupted > 0 {
                    tracing::warn!(interrupted, "live recordings did not finish in time");
                }
            }
            Next::Leave => break,
        }
        tokio::select! {
            () = &mut shutdown, if !is_told => {
                is_told = true;
                leases::told_to_end(recorder).await;
            }
            _ = changes.changed() => {}
            () = recorder.quiet(), if standing != Standing::Serving && live > 0 => {}
            () = sleep(TICK), if standing != Standing::Serving => {}
        }
    }
    if was_of_use {
        sleep(LAST_WORD).await;
    }
}

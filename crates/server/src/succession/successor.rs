//! The successor: asks the process that serves for its place, and takes it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use durablefetch_protocol::RecordingId;
use durablefetch_protocol::placement::Holder;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::Serialize;

use super::desk::SOCKET;
use super::words::{Answers, Asks, Ready, VERSION, Yours};
use crate::error::StartError;
use crate::keys::take_over;
use crate::net::peer;
use crate::net::service_manager::ServiceManager;
use crate::recorder::Recorder;
use crate::storage;
use crate::storage::places;
use crate::storage::usage::Grown;

/// Where the process that serves has just died, another one takes its place within this time.
const CHANGING: Duration = Duration::from_secs(2);
/// How long it may take to give its place away.
const PATIENCE: Duration = Duration::from_secs(30);

/// The process that serves would give its place away.
#[derive(Debug)]
pub struct Offer {
    stream: BufReader<UnixStream>,
    lock: File,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    manager: ServiceManager,
}

/// Asks the process that serves this directory, where there is one, for its place. `None`: the start goes on as without it.
/// Blocks.
#[must_use]
pub fn ask(data: &Path, listen: SocketAddr, metrics_listen: Option<SocketAddr>) -> Option<Offer> {
    let until = Instant::now() + CHANGING;
    while was_here(data) && storage::is_in_use(data) && storage::is_current(data) && Instant::now() < until {
        let asked = peer::connect_at(data, SOCKET);
        match asked.map_err(|_| No::Gone).and_then(|stream| offered(stream, listen, metrics_listen)) {
            Ok(offer) => return Some(offer),
            Err(No::Kept(why)) => {
                tracing::warn!("the recorder that serves {} keeps its place: {why}", data.display());
                return None;
            }
            // It is dying: another one takes its place, or the lock is free in a moment.
            Err(No::Gone) => sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// Whether a process has served this directory that has not left it in order: it may be dying at this moment, and what it
/// listens on is free a moment later.
#[must_use]
pub fn was_here(data: &Path) -> bool {
    data.join(SOCKET).exists()
}

/// Why it offers nothing.
enum No {
    /// It keeps its place.
    Kept(String),
    /// It does not answer.
    Gone,
}

fn offered(stream: UnixStream, listen: SocketAddr, metrics_listen: Option<SocketAddr>) -> Result<Offer, No> {
    let failed = |_: io::Error| No::Gone;
    let other = || No::Kept("it is of another version".to_owned());
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    say(&stream, &Asks { version: VERSION, listen, metrics_listen, pid: std::process::id() })
        .map_err(failed)?;
    let (line, handed) = hear_with(&stream).map_err(failed)?;
    match serde_json::from_slice(&line).map_err(|_| other())? {
        Answers::Refused(why) => Err(No::Kept(why)),
        Answers::Yours(_) => Err(other()),
        Answers::Welcome { notify, watchdog_us } => {
            let mut handed = handed.into_iter();
            let (Some(lock), Some(listener)) = (handed.next(), handed.next()) else {
                return Err(other());
            };
            let manager =
                ServiceManager::handed(notify.map(Into::into), watchdog_us.map(Duration::from_micros));
            let (lock, listener) = (File::from(lock), TcpListener::from(listener));
            let metrics = handed.next().map(TcpListener::from);
            Ok(Offer { stream: BufReader::new(stream), lock, listener, metrics, manager })
        }
    }
}

impl Offer {
    /// What it listens on.
    ///
    /// # Errors
    /// Where the system has no descriptor left.
    pub fn listener(&self) -> io::Result<TcpListener> {
        self.listener.try_clone()
    }

    /// What it answers for metrics on, where that is where this one is told to.
    pub fn metrics(&mut self) -> Option<TcpListener> {
        self.metrics.take()
    }

    /// The service manager that it was started by.
    #[must_use]
    pub fn manager(&self) -> ServiceManager {
        self.manager.clone()
    }

    pub(crate) fn lock(&self) -> io::Result<File> {
        self.lock.try_clone()
    }

    /// Takes the place. Where the process that has it dies meanwhile, it is taken all the same.
    pub(crate) async fn take(&mut self, recorder: &Arc<Recorder>) -> Result<(), StartError> {
        let me = recorder.placement.me();
        let in_use = || StartError::DataDirInUse(recorder.config.data.clone());
        let yours = say(self.stream.get_ref(), &Ready { owner: me.to_string() })
            .and_then(|()| hear(&mut self.stream))
            .map(|line| serde_json::from_str(&line));
        match yours {
            Ok(Ok(Answers::Yours(yours))) => settle(recorder, &yours).await.map_err(|error| {
                StartError::Database(recorder.config.data.join(storage::DATABASE), error.message)
            }),
            Ok(Ok(Answers::Refused(why))) => {
                tracing::error!("the recorder that serves keeps its place: {why}");
                Err(in_use())
            }
            _ => in_place_of_the_dead(recorder).await,
        }
    }

    /// Tells the process that served that this one is the service manager's, and waits until that has been told. Blocks.
    pub fn announce(mut self) {
        let owner = String::new();
        let _ = say(self.stream.get_ref(), &Ready { owner }).and_then(|()| hear(&mut self.stream));
    }
}

async fn settle(recorder: &Arc<Recorder>, yours: &Yours) -> Result<(), crate::error::StoreError> {
    let of = yours.accounts.iter().map(|account| {
        let (rows, requests, recordings) = (account.rows, account.requests, account.recordings);
        (account.scope.as_str(), account.bodies, Grown { rows, requests, recordings })
    });
    recorder.usage.recount(of, |_| None);
    for account in yours.accounts.iter().filter(|account| account.own_most > 0) {
        recorder.usage.allow(&recorder.usage.account(&account.scope), Some(account.own_most));
    }
    if let Some(last) = RecordingId::parse(&yours.last_id) {
        recorder.later_than(last);
    }
    let me = recorder.placement.me();
    recorder.placement.holds(Holder { owner: me, epoch: yours.epoch });
    let elsewhere = recorder.db.call(move |db| places::elsewhere(db, me)).await?;
    recorder.keys.open(elsewhere);
    Ok(())
}

/// The answer is lost. Who serves stands in the database: this one, or one that is dead, or one that has taken its place.
async fn in_place_of_the_dead(recorder: &Arc<Recorder>) -> Result<(), StartError> {
    let data = &recorder.config.data;
    let failed = |message: String| StartError::Database(data.join(storage::DATABASE), message);
    let until = Instant::now() + CHANGING;
    while Instant::now() < until {
        let serving = recorder.db.call(places::serving).await.map_err(|error| failed(error.message))?;
        let me = recorder.placement.me();
        let is_mine = serving.is_some_and(|serving| serving.owner == me);
        let is_free = serving.is_none_or(|serving| !peer::lives(data, serving.owner));
        if is_mine || is_free {
            let taken = take_over::serve(recorder, serving).await.map_err(|error| failed(error.message))?;
            if taken {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(StartError::DataDirInUse(data.clone()))
}

fn say(mut stream: &UnixStream, what: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(what)? + "\n";
    stream.write_all(line.as_bytes())
}

fn hear(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

/// A line, and the descriptors that come with its first byte.
fn hear_with(stream: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut first = [0; 4096];
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut first)], &mut control, RecvFlags::empty())?;
    let mut handed = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            handed.extend(descriptors);
        }
    }
    for descriptor in &handed {
        fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
    }
    let mut line = first[..received.bytes].to_vec();
    let mut stream = stream;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok((line, handed))
}

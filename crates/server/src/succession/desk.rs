//! Where a successor asks the process that serves for its place.

use std::fs;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::placement::{Owner, Standing};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::sockets::Sockets;
use super::words::{Account, Answers, Asks, Ready, VERSION, Yours};
use crate::clock::now_ms;
use crate::keys::housekeeping;
use crate::net::peer;
use crate::recorder::Recorder;
use crate::storage::places::{self, Kept};

/// The socket's file in the data directory.
pub(super) const SOCKET: &str = "successor.sock";
/// How long a successor may take to open the store, and to become the main process.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest line that it says.
const LINE_MAX: u64 = 4096;

/// Listens for a successor, while this process serves.
pub(crate) struct Desk {
    recorder: Arc<Recorder>,
    sockets: Sockets,
    /// There before anything is answered.
    first: Option<UnixListener>,
}

impl Desk {
    pub(crate) fn new(recorder: Arc<Recorder>, sockets: Sockets) -> Self {
        let first = bind(&recorder.config.data);
        Self { recorder, sockets, first }
    }

    /// Gives the place away to one that may have it. It ends when it is dropped.
    pub(crate) async fn serve(mut self) {
        let mut first = self.first.take();
        let mut changes = self.recorder.placement.changes();
        loop {
            if *changes.borrow_and_update() == Standing::Serving
                && let Some(listener) = first.take().or_else(|| bind(&self.recorder.config.data))
            {
                self.wait(&listener, &mut changes).await;
            }
            if *changes.borrow() != Standing::Serving && changes.changed().await.is_err() {
                return;
            }
        }
    }

    async fn wait(&self, listener: &UnixListener, changes: &mut tokio::sync::watch::Receiver<Standing>) {
        while *changes.borrow_and_update() == Standing::Serving {
            tokio::select! {
                _ = changes.changed() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if is_ours(&stream) => self.talk(stream).await,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!("a successor's connection cannot be accepted: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
    }

    /// One successor, from its first word to the last.
    async fn talk(&self, stream: UnixStream) {
        let mut stream = BufReader::new(stream);
        let Some(asks) = hear::<Asks>(&mut stream).await else { return };
        if let Err(why) = self.may(&asks) {
            return say(stream.get_ref(), &Answers::Refused(why), &[]).await;
        }
        let (notify, watchdog) = self.sockets.manager.to_hand();
        let welcome = Answers::Welcome {
            notify: notify.and_then(|socket| socket.into_string().ok()),
            watchdog_us: watchdog.and_then(|after| u64::try_from(after.as_micros()).ok()),
        };
        let mut handed = vec![self.sockets.lock.as_fd(), self.sockets.listener.as_fd()];
        if let Some(metrics) = &self.sockets.metrics
            && asks.metrics_listen == self.sockets.metrics_listen
        {
            handed.push(metrics.as_fd());
        }
        say(stream.get_ref(), &welcome, &handed).await;
        // Where it ends before it is ready, nothing has happened.
        let Some(owner) = hear::<Ready>(&mut stream).await.and_then(|ready| Owner::parse(&ready.owner))
        else {
            return;
        };
        let answer = match give(&self.recorder, owner).await {
            Ok(yours) => Answers::Yours(Box::new(yours)),
            Err(why) => return say(stream.get_ref(), &Answers::Refused(why), &[]).await,
        };
        tracing::info!(
            pid = asks.pid,
            "a successor serves from now on: what lives in this process goes on in it"
        );
        say(stream.get_ref(), &answer, &[]).await;
        // A process that is started by a command is the service manager's own once that has ended.
        if hear::<Ready>(&mut stream).await.is_some() {
            self.sockets.manager.main_is(asks.pid);
            say(stream.get_ref(), &"announced", &[]).await;
        }
        self.recorder.placement.announced();
    }

    /// Whether this one may take the place of this process.
    fn may(&self, asks: &Asks) -> Result<(), String> {
        if asks.version != VERSION {
            return Err("the two are of versions that do not know each other's words".to_owned());
        }
        let bound = self.sockets.listener.local_addr().unwrap_or(self.sockets.listen);
        // Port 0 is another one each time, but the one that it became may be named.
        if asks.listen.port() == 0 || ![self.sockets.listen, bound].contains(&asks.listen) {
            return Err(format!("name {bound} as --listen to take it"));
        }
        if !self.recorder.placement.claims() {
            return Err("it is shutting down".to_owned());
        }
        Ok(())
    }
}

/// Gives the place of this process away: draws the line, and commits it.
async fn give(recorder: &Arc<Recorder>, to: Owner) -> Result<Yours, String> {
    let failed = |error: durablefetch_protocol::ProtocolError| error.message;
    // What is idle is somebody else's a moment later, with all that is known of it.
    housekeeping::end_unended(recorder).await.map_err(failed)?;
    housekeeping::let_go(recorder).await.map_err(failed)?;
    if !recorder.placement.may_be_succeeded(to) {
        return Err("it is shutting down".to_owned());
    }
    let kept = recorder.keys.draw_line().into_iter().map(|entry| {
        let ids = entry.life().as_ref().map(|life| life.ids().collect()).unwrap_or_default();
        (entry.key.clone(), ids)
    });
    let (kept, by): (Vec<Kept>, _) = (kept.collect(), recorder.placement.holder());
    let committed = recorder.db.call(move |db| places::hand_over(db, by, &kept, to)).await;
    let next = match committed {
        Ok(Some(next)) => next,
        Ok(None) => return Err("another one serves".to_owned()),
        Err(error) => {
            // The transaction is one: it was not committed, if this process serves still.
            match recorder.db.call(places::serving).await {
                Ok(Some(next)) if next.owner == to => next,
                _ => {
                    recorder.keys.erase_line();
                    return Err(error.message);
                }
            }
        }
    };
    recorder.placement.succeeded(now_ms());
    let accounts =
        recorder.usage.leave_to_another().into_iter().map(|(scope, bodies, grown, own_most)| Account {
            scope: scope.into(),
            bodies,
            rows: grown.rows,
            requests: grown.requests,
            recordings: grown.recordings,
            own_most,
        });
    let accounts = accounts.collect();
    Ok(Yours { epoch: next.epoch, last_id: recorder.last_id().to_string(), accounts })
}

/// Listens in the data directory, which this process serves: what is there is left over.
pub(crate) fn bind(data: &Path) -> Option<UnixListener> {
    let bound = peer::listen_at(data, SOCKET).and_then(|listener| {
        fs::set_permissions(data.join(SOCKET), fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let warn =
        |error: &io::Error| tracing::warn!("no successor can ask this recorder for its place: {error}");
    bound.inspect_err(warn).ok()
}

/// Leaves in order: the next process need not look for one that may be dying.
pub(crate) fn leave(data: &Path) {
    let _ = fs::remove_file(data.join(SOCKET));
}

fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| [own, 0].contains(&peer.uid()))
}

async fn hear<T: DeserializeOwned>(stream: &mut BufReader<UnixStream>) -> Option<T> {
    let mut line = String::new();
    timeout(PATIENCE, stream.take(LINE_MAX).read_line(&mut line)).await.ok()?.ok()?;
    serde_json::from_str(&line).ok()
}

async fn say(stream: &UnixStream, what: &impl Serialize, handed: &[BorrowedFd<'_>]) {
    let line = serde_json::to_string(what).unwrap_or_default() + "\n";
    let mut left = line.as_bytes();
    let mut handed = handed;
    while !left.is_empty() {
        let sent = stream.async_io(Interest::WRITABLE, || send(stream, left, handed)).await;
        match sent {
            Ok(sent) => (left, handed) = (&left[sent..], &[]),
            Err(error) => return tracing::debug!("a successor cannot be told: {error}"),
        }
    }
}

fn send(stream: &UnixStream, bytes: &[u8], handed: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !handed.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(handed));
    }
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::DONTWAIT)?)
}

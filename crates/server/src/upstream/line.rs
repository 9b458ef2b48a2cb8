//! A connection over HTTP/2, for one request after the other.
//!
//! Never for two at a time: whatever ends a connection would end the answers of others, and one who takes nothing of
//! an answer would hold up theirs.

use std::future::{Future as _, pending, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::response_head::UPSTREAM_HEAD_MAX;
use futures_util::FutureExt as _;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::observe::redact;
use crate::upstream::budget::Traffic;

/// Bytes of a head, for which HTTP/2 counts 32 more for each header (RFC 9113 §10.5.1).
const HEAD_MAX: u32 = (2 * UPSTREAM_HEAD_MAX) as u32;
/// What may come of a body before it is taken.
const WINDOW: u32 = 2 << 20;
/// Interim answers to one request.
const INTERIM_MAX: usize = 100_000;
/// An idle connection is asked so often whether it is alive,
const PING_EVERY: Duration = Duration::from_secs(15);
/// and answers within this time.
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// A connection on which one request can be made now.
#[derive(Debug)]
pub(crate) struct Line {
    sender: SendRequest<Bytes>,
    traffic: Traffic,
    phase: watch::Sender<Phase>,
    /// Only then a dead one is told from one whose upstream is slow.
    answers_pings: Arc<AtomicBool>,
    /// Where it leads.
    remote: Option<SocketAddr>,
    /// It takes no request from then on.
    until: Instant,
    /// Where its task lives.
    thread: ThreadId,
}

/// What its task sees to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first request.
    First,
    /// A later one, which has no head yet: an answer, or a pong, has to come.
    Asking,
    /// A body, which may be silent for long.
    Answering,
    /// Nothing.
    Idle,
}

/// Why nothing has answered.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The upstream has provably not processed the request, and will not.
    Unprocessed(h2::Error),
    /// It may have.
    Failed(h2::Error),
    /// It sends interim answers without an end.
    Interim,
}

impl Line {
    /// Speaks HTTP/2 on a connection.
    pub(crate) async fn open<T>(
        stream: T,
        traffic: Traffic,
        remote: Option<SocketAddr>,
        until: Instant,
        patience: Duration,
    ) -> Result<Self, h2::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = h2::client::Builder::new();
        builder.max_header_list_size(HEAD_MAX).initial_window_size(WINDOW);
        builder.initial_connection_window_size(WINDOW).enable_push(false);
        let (sender, mut connection) = builder.handshake(stream).await?;
        let (phase, phases) = watch::channel(Phase::First);
        let answers_pings = Arc::<AtomicBool>::default();
        if let Some(mut pings) = connection.ping_pong() {
            // Goes before the first request, so its pong comes before the answer.
            pings.send_ping(Ping::opaque())?;
            let pings = Pings { pings, is_out: true, have_come: Arc::clone(&answers_pings) };
            tokio::spawn(drive(connection, pings, phases, until, patience));
        }
        let thread = thread::current().id();
        Ok(Self { sender, traffic, phase, answers_pings, remote, until, thread })
    }

    pub(crate) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Whether it can be asked again, as far as is known here.
    pub(crate) fn is_open(&self) -> bool {
        self.until > Instant::now()
            && self.answers_pings.load(Ordering::Relaxed)
            && !self.phase.is_closed()
            && matches!(self.sender.clone().ready().now_or_never(), Some(Ok(_)))
    }

    /// Whether its task lives on the calling thread.
    pub(crate) fn is_here(&self) -> bool {
        self.thread == thread::current().id()
    }

    /// When it takes no more requests.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// It has nothing to do.
    pub(crate) fn rest(&self) {
        self.phase.send_replace(Phase::Idle);
    }

    /// It is to be asked again.
    pub(crate) fn resume(&self) {
        self.phase.send_replace(Phase::Asking);
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn ask(
        &mut self,
        request: Request<()>,
        body: Bytes,
    ) -> Result<Response<RecvStream>, NoAnswer> {
        let before = self.traffic.writes();
        let asked = self.ask_it(request, body).await;
        asked.map_err(|failed| match failed {
            // What was to be sent has not left this machine, and will not: its stream has failed.
            NoAnswer::Failed(error) if self.traffic.writes() == before => NoAnswer::Unprocessed(error),
            failed => failed,
        })
    }

    async fn ask_it(&mut self, request: Request<()>, body: Bytes) -> Result<Response<RecvStream>, NoAnswer> {
        // Where it is not ready, no stream is begun.
        poll_fn(|cx| self.sender.poll_ready(cx)).await.map_err(NoAnswer::Unprocessed)?;
        let begun = self.sender.send_request(request, body.is_empty());
        let (response, mut sending) = begun.map_err(NoAnswer::Failed)?;
        if !body.is_empty() {
            // All of it is in memory anyway; it goes as the upstream gives window.
            sending.send_data(body, true).map_err(NoAnswer::Failed)?;
        }
        let head = head(response).await?;
        self.traffic.answered();
        self.phase.send_replace(Phase::Answering);
        Ok(head)
    }
}

async fn head(mut response: ResponseFuture) -> Result<Response<RecvStream>, NoAnswer> {
    let mut interim = 0;
    poll_fn(|cx| {
        while let Poll::Ready(Some(answer)) = response.poll_informational(cx) {
            if let Err(error) = answer {
                return Poll::Ready(Err(classify(error)));
            }
            interim += 1;
            if interim > INTERIM_MAX {
                return Poll::Ready(Err(NoAnswer::Interim));
            }
        }
        Pin::new(&mut response).poll(cx).map_err(classify)
    })
    .await
}

/// Whether the upstream says that it has not looked at the request (RFC 9113 §8.7). A stream has the error of a GOAWAY
/// only where its number is above the last one that the GOAWAY names; those below fail by what happens to them later.
fn classify(error: h2::Error) -> NoAnswer {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    if error.is_remote() && (error.is_go_away() || refused) {
        NoAnswer::Unprocessed(error)
    } else {
        NoAnswer::Failed(error)
    }
}

/// Whether the upstream has sent all of its answer and only wants no more of the request (RFC 9113 §8.1).
pub(crate) fn is_end(error: &h2::Error) -> bool {
    error.is_remote() && error.is_reset() && error.reason() == Some(Reason::NO_ERROR)
}

/// Pings, one at a time.
struct Pings {
    pings: PingPong,
    is_out: bool,
    have_come: Arc<AtomicBool>,
}

impl Pings {
    /// Sends one where none is out, and waits for its pong. Says whether there is a connection left to wait on.
    async fn pong(&mut self) -> bool {
        if !self.is_out && self.pings.send_ping(Ping::opaque()).is_err() {
            return false;
        }
        self.is_out = true;
        let is_alive = poll_fn(|cx| self.pings.poll_pong(cx)).await.is_ok();
        self.is_out = false;
        self.have_come.fetch_or(is_alive, Ordering::Relaxed);
        is_alive
    }

    /// Returns where the connection is of no more use in this phase.
    async fn watch(&mut self, phase: Phase, until: Instant, patience: Duration) -> &'static str {
        const DEAD: &str = "it has not answered a ping";
        match phase {
            Phase::First | Phase::Answering if self.is_out => {
                self.pong().await;
            }
            Phase::First | Phase::Answering => {}
            Phase::Asking => {
                if !timeout(patience, self.pong()).await.unwrap_or(false) {
                    return DEAD;
                }
            }
            Phase::Idle => loop {
                let next = Instant::now() + PING_EVERY;
                if next >= until {
                    sleep_until(until).await;
                    return "it was kept for as long as it may be";
                }
                sleep_until(next).await;
                if !timeout(PING_PATIENCE, self.pong()).await.unwrap_or(false) {
                    return DEAD;
                }
            },
        }
        pending().await
    }
}

/// Drives a connection: it answers pings and gives window while a recording waits for room.
async fn drive<T>(
    mut connection: Connection<T, Bytes>,
    mut pings: Pings,
    mut phases: watch::Receiver<Phase>,
    until: Instant,
    patience: Duration,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut is_owned = true;
    loop {
        // What nobody can ask any more goes on to its end.
        let phase = if is_owned { *phases.borrow_and_update() } else { Phase::Answering };
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!("an upstream's connection ended: {}", redact::text(&error.to_string()));
                }
                return;
            }
            changed = phases.changed(), if is_owned => is_owned = changed.is_ok(),
            why = pings.watch(phase, until, patience) => {
                tracing::debug!("an upstream's connection was closed: {why}");
                return;
            }
        }
    }
}

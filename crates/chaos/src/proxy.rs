//! A TCP proxy that does what a run's faults say, one after the other, at their bytes.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::listen::listen;
use crate::plan::{Fault, Version, What};

/// Bytes that a throttled proxy passes at once, and how many of these before it lets go again.
const DRIP: usize = 97;
const DRIPS: usize = 60;

/// One proxy, for one run after the other.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// The port that it leads to.
    target: u16,
    state: Mutex<State>,
    /// Counts up with everything that ends all connections, and says how.
    end: watch::Sender<(u64, End)>,
}

#[derive(Clone, Copy)]
enum End {
    Reset,
    Close,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    /// Bytes passed towards clients since the last fault.
    passed: usize,
    /// How many requests to answer, and how.
    answers: Option<(u16, u32)>,
    stalled_until: Option<Instant>,
    drips: usize,
    speaks: Version,
}

/// What may pass now.
enum Pass {
    All(usize),
    After(Instant),
    End,
}

impl Proxy {
    pub(crate) async fn start(target: u16) -> Result<Self> {
        let (end, _) = watch::channel((0, End::Reset));
        let shared = Arc::new(Shared { target, state: Mutex::default(), end });
        Ok(Self { port: listen(&shared, Shared::serve).await?, shared })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Ends what is open, and begins with these faults.
    pub(crate) fn begin(&self, faults: &[Fault], speaks: Version) {
        *self.shared.state() = State { faults: faults.iter().copied().collect(), speaks, ..State::default() };
        self.shared.end_all(End::Reset);
    }

    /// How many of its faults have not come about.
    pub(crate) fn left(&self) -> usize {
        self.shared.state().faults.len()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_all(&self, how: End) {
        self.end.send_modify(|(count, last)| (*count, *last) = (*count + 1, how));
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) {
        let mut end = self.end.subscribe();
        let how = tokio::select! {
            how = self.pass(&mut client) => how.unwrap_or(End::Reset),
            _ = end.changed() => end.borrow().1,
        };
        match how {
            End::Reset => {
                let _ = client.set_zero_linger();
            }
            End::Close => {
                let _ = client.shutdown().await;
                // A socket that is closed with unread bytes in it resets what it has sent.
                let _ = tokio::time::timeout(Duration::from_millis(500), drain(&mut client)).await;
            }
        }
    }

    async fn pass(&self, client: &mut TcpStream) -> io::Result<End> {
        let mut first = vec![0; 16 << 10];
        let length = client.read(&mut first).await?;
        if length == 0 {
            return Ok(End::Close);
        }
        first.truncate(length);
        if let Some(status) = self.answer() {
            // Nobody waits for the rest of the request but the socket's buffer.
            let text = format!(
                "HTTP/1.1 {status} Chaos\r\ncontent-type: text/html\r\naccess-control-allow-origin: *\r\n\
                 access-control-allow-headers: *\r\ncontent-length: 5\r\nconnection: close\r\n\r\nchaos"
            );
            client.write_all(text.as_bytes()).await?;
            return Ok(End::Close);
        }
        let mut target = TcpStream::connect(("127.0.0.1", self.target)).await?;
        let _ = target.set_nodelay(true);
        let _ = client.set_nodelay(true);
        if self.state().speaks == Version::Http10 {
            let line = first.windows(2).position(|two| two == b"\r\n").unwrap_or(0);
            if first[..line].ends_with(b"HTTP/1.1") {
                first[line - 1] = b'0';
            }
        }
        target.write_all(&first).await?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_target, mut to_target) = target.split();
        let up = async {
            tokio::io::copy(&mut from_client, &mut to_target).await?;
            // Left by the client: its request ends with it.
            io::Result::Ok(End::Close)
        };
        let down = async {
            let mut buffer = vec![0; 16 << 10];
            loop {
                let length = from_target.read(&mut buffer).await?;
                if length == 0 {
                    return io::Result::Ok(End::Close);
                }
                let mut rest = &buffer[..length];
                while !rest.is_empty() {
                    match self.may_pass(rest.len()) {
                        Pass::All(bytes) => {
                            to_client.write_all(&rest[..bytes]).await?;
                            rest = &rest[bytes..];
                            if bytes == DRIP {
                                sleep(Duration::from_millis(1)).await;
                            }
                        }
                        Pass::After(then) => sleep_until(then).await,
                        // All connections are told, this one too.
                        Pass::End => std::future::pending::<()>().await,
                    }
                }
            }
        };
        tokio::select! { how = up => how, how = down => how }
    }

    /// A status to answer this request with.
    fn answer(&self) -> Option<u16> {
        let mut state = self.state();
        let (status, times) = state.answers?;
        state.answers = (times > 1).then_some((status, times - 1));
        Some(status)
    }

    fn may_pass(&self, wanted: usize) -> Pass {
        let mut state = self.state();
        if let Some(then) = state.stalled_until {
            if Instant::now() < then {
                return Pass::After(then);
            }
            state.stalled_until = None;
        }
        let room = state.faults.front().map_or(usize::MAX, |fault| fault.after - state.passed);
        if room == 0 {
            return self.come_about(&mut state);
        }
        let mut bytes = wanted.min(room);
        if state.drips > 0 && bytes >= DRIP {
            state.drips -= 1;
            bytes = DRIP;
        }
        state.passed += bytes;
        Pass::All(bytes)
    }

    fn come_about(&self, state: &mut State) -> Pass {
        let Some(fault) = state.faults.pop_front() else { return Pass::End };
        state.passed = 0;
        match fault.what {
            What::Reset => self.end_all(End::Reset),
            What::Close => self.end_all(End::Close),
            What::Answer(status, times) => {
                state.answers = Some((status, times));
                self.end_all(End::Reset);
            }
            What::Stall(ms) => {
                let then = Instant::now() + Duration::from_millis(ms);
                state.stalled_until = Some(then);
                return Pass::After(then);
            }
            What::Throttle => {
                state.drips = DRIPS;
                return Pass::All(0);
            }
        }
        Pass::End
    }
}

async fn drain(client: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while client.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

//! An upstream that speaks HTTP/2 frame by frame: what it says, and what it does not, is up to the test.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use crate::upstream_tls::listen;

/// What is done about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It is answered.
    Answer,
    /// It is answered, and the connection is said to take no more.
    AnswerAndLeave,
    /// It is answered, and the connection ends without a word.
    AnswerAndEnd,
    /// `REFUSED_STREAM`.
    Refuse,
    /// `GOAWAY`, which names an earlier one as the last that was processed.
    LeaveBefore,
    /// `GOAWAY`, which names this very one as processed. No answer comes.
    LeaveAfter,
    /// Half of an answer, and `CANCEL`.
    Cut,
    /// The connection breaks.
    Break,
    /// Nothing, not even to pings.
    Silence,
}

/// What an upstream has seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A request on the connection of this number, which was dealt with like this, and its body.
    Request(usize, Act, String),
    /// The connection of this number is over.
    Closed(usize),
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// `END_STREAM` of DATA and HEADERS; `ACK` of SETTINGS and PING.
const END_OR_ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// An upstream, and what it is asked.
pub(crate) struct Frames {
    pub(crate) url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Act {
    /// Whether the request counts as processed.
    pub(crate) fn processes(self) -> bool {
        !matches!(self, Self::Refuse | Self::LeaveBefore | Self::Silence)
    }
}

/// What is done about each request, as they come.
type Acts = Arc<Mutex<dyn Iterator<Item = Act> + Send>>;

impl Frames {
    /// It deals with its requests in this order, wherever they come; those that are left are answered. The certificate is
    /// written to `file`. Whether it `pongs`: answers pings.
    pub(crate) async fn start(
        file: &Path,
        acts: impl Iterator<Item = Act> + Send + 'static,
        pongs: bool,
    ) -> Self {
        let (url, listener, acceptor) = listen(file, &["h2"]).await;
        let acts: Acts = Arc::new(Mutex::new(acts));
        let (telling, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, acts, telling) = (acceptor.clone(), Arc::clone(&acts), telling.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let body = Vec::new();
                    let mut connection = Connection { stream, number, acts, telling, pongs, body };
                    // It breaks where the test says so.
                    let _ = connection.serve().await;
                    // The test may be over.
                    let _ = connection.telling.send(Seen::Closed(number));
                });
            }
        });
        Self { url, seen }
    }

    pub(crate) async fn saw(&mut self) -> Seen {
        tokio::time::timeout(crate::support::PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    /// The requests that it has seen.
    pub(crate) fn requests(&mut self) -> Vec<Seen> {
        let seen = std::iter::from_fn(|| self.seen.try_recv().ok());
        seen.filter(|seen| !matches!(seen, Seen::Closed(_))).collect()
    }

    /// The next thing that it has seen already.
    pub(crate) fn has_seen(&mut self) -> Option<Seen> {
        self.seen.try_recv().ok()
    }
}

struct Connection {
    stream: TlsStream<TcpStream>,
    number: usize,
    acts: Acts,
    telling: mpsc::UnboundedSender<Seen>,
    pongs: bool,
    /// Of the request that comes.
    body: Vec<u8>,
}

impl Connection {
    async fn serve(&mut self) -> io::Result<()> {
        let mut preface = [0; 24];
        self.stream.read_exact(&mut preface).await?;
        self.send(SETTINGS, 0, 0, &[]).await?;
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await?;
            let [a, b, c, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.stream.read_exact(&mut payload).await?;
            match kind {
                SETTINGS if flags & END_OR_ACK == 0 => self.send(SETTINGS, END_OR_ACK, 0, &[]).await?,
                PING if flags & END_OR_ACK == 0 && self.pongs => {
                    self.send(PING, END_OR_ACK, 0, &payload).await?;
                }
                DATA => {
                    self.body.extend(payload);
                    if flags & END_OR_ACK == 0 {
                        continue;
                    }
                    let act = self.acts.lock().unwrap().next().unwrap_or(Act::Answer);
                    let body = String::from_utf8(std::mem::take(&mut self.body)).unwrap();
                    self.telling.send(Seen::Request(self.number, act, body)).unwrap();
                    if !self.act(act, u32::from_be_bytes(stream)).await? {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    /// Says whether it reads on.
    async fn act(&mut self, act: Act, stream: u32) -> io::Result<bool> {
        let go_away = |last: u32| [last.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        match act {
            Act::Answer | Act::AnswerAndLeave | Act::AnswerAndEnd => {
                // `:status: 200` is number 8 of HPACK's table.
                self.send(HEADERS, END_HEADERS, stream, &[0x88]).await?;
                if act == Act::AnswerAndLeave {
                    self.send(GOAWAY, 0, 0, &go_away(stream)).await?;
                }
                self.send(DATA, END_OR_ACK, stream, b"over HTTP/2").await?;
                if act == Act::AnswerAndEnd {
                    self.stream.shutdown().await?;
                }
            }
            Act::Refuse => self.send(RST_STREAM, 0, stream, &REFUSED_STREAM.to_be_bytes()).await?,
            Act::LeaveBefore => self.send(GOAWAY, 0, 0, &go_away(stream.saturating_sub(2))).await?,
            Act::Cut => {
                self.send(HEADERS, END_HEADERS, stream, &[0x88]).await?;
                self.send(DATA, 0, stream, b"over").await?;
                self.send(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()).await?;
            }
            Act::LeaveAfter => {
                self.send(GOAWAY, 0, 0, &go_away(stream)).await?;
                return Ok(false);
            }
            Act::Break => {
                self.stream.get_ref().0.set_zero_linger()?;
                return Ok(false);
            }
            Act::Silence => self.pongs = false,
        }
        Ok(true)
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        let frame = [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat();
        self.stream.write_all(&frame).await
    }
}

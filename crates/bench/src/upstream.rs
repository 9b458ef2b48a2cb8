//! The upstream: serves the stream that a request's path describes (see [`Stream`]).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::record;
use crate::target::Stream;

/// A running upstream.
#[derive(Debug, Clone)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    ending: AtomicBool,
    requests: AtomicU64,
    /// When a stream's end was sent.
    ends: Mutex<HashMap<String, u64>>,
}

impl Upstream {
    /// Listens on a free port of loopback, for as long as the runtime runs.
    ///
    /// # Errors
    /// Without a port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the upstream cannot listen")?;
        let upstream = Self { address: listener.local_addr()?, shared: Arc::default() };
        let shared = Arc::clone(&upstream.shared);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of descriptors: the clients see to it that this fails the run.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let shared = Arc::clone(&shared);
                // A client that leaves is not an error: recorders do so at a stop, clients at the end of a run.
                tokio::spawn(async move { serve(stream, &shared).await.ok() });
            }
        });
        Ok(upstream)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Ends all streams that have no end of their own, each when its next chunk would be due.
    pub fn end_all(&self) {
        self.shared.ending.store(true, Ordering::Relaxed);
    }

    /// Streams go on until [`Upstream::end_all`] again.
    pub fn begin(&self) {
        self.shared.ending.store(false, Ordering::Relaxed);
    }

    /// When the end of the stream of this name was sent, on the clock of [`record::now`].
    #[must_use]
    pub fn ended_at(&self, name: &str) -> Option<u64> {
        self.shared.ends.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

/// Reads a request: its path, and whether it is of HTTP/1.1.
///
/// # Errors
/// Where what comes is not one.
pub(crate) async fn asked(socket: &mut TcpStream) -> Result<(String, bool)> {
    let mut head = Vec::with_capacity(1024);
    loop {
        ensure!(head.len() < 64 * 1024 && socket.read_buf(&mut head).await? > 0, "no request");
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(&head)?.is_complete() {
            return Ok((request.path.unwrap_or_default().to_owned(), request.version == Some(1)));
        }
    }
}

async fn serve(mut socket: TcpStream, shared: &Shared) -> Result<()> {
    socket.set_nodelay(true)?;
    let (path, is_1_1) = asked(&mut socket).await?;
    let stream = match Stream::parse(&path) {
        Ok(stream) => stream,
        Err(error) => {
            let text = format!("{error:#}\n");
            let len = text.len();
            let answer =
                format!("HTTP/1.1 404 Not Found\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{text}");
            return Ok(socket.write_all(answer.as_bytes()).await?);
        }
    };
    shared.requests.fetch_add(1, Ordering::Relaxed);
    // HTTP/1.0, as some proxies speak it, knows no chunks: its body ends with the connection.
    let framing = if is_1_1 { "transfer-encoding: chunked\r\n" } else { "" };
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n{framing}connection: close\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).await?;
    send(&mut socket, &stream, is_1_1, shared).await?;
    shared.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.name, record::now());
    if is_1_1 {
        socket.write_all(b"0\r\n\r\n").await?;
    }
    Ok(socket.shutdown().await?)
}

async fn send(socket: &mut TcpStream, stream: &Stream, is_1_1: bool, shared: &Shared) -> Result<()> {
    let size = if is_1_1 { format!("{:x}\r\n", stream.chunk) } else { String::new() };
    let mut wire = size.clone().into_bytes();
    wire.extend_from_slice(&record::blank(stream.chunk));
    if is_1_1 {
        wire.extend_from_slice(b"\r\n");
    }
    let at = size.len()..size.len() + stream.chunk;
    let every = Duration::from_micros(stream.every_us);
    // Streams do not beat in step.
    let phase = RandomState::new().hash_one(&stream.name) % stream.every_us.max(1);
    let mut due = Instant::now() + Duration::from_micros(phase);
    let mut number = 0;
    while stream.chunks == 0 || number < stream.chunks {
        if !every.is_zero() {
            sleep_until(due).await;
            due += every;
        }
        if stream.chunks == 0 && shared.ending.load(Ordering::Relaxed) {
            break;
        }
        record::stamp(&mut wire[at.clone()], record::now(), number);
        socket.write_all(&wire).await?;
        number += 1;
    }
    Ok(())
}

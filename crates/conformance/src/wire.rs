//! HTTP/1.1 framing over a socket, for both ends of the suite.
//!
//! Written on the socket itself, because the suite must see what HTTP libraries hide: whether a connection
//! ended with a FIN or a RST, and whether a final chunk came before.

use std::io::ErrorKind;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::check::{Checked, Oops};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The other side closed in good order, as at the end of an HTTP/1.0 body.
    Fin,
    /// The other side reset the connection.
    Reset,
}

/// A socket and what has been read from it but not consumed.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    pub(crate) buffer: BytesMut,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Nagle's delay would only slow the suite down.
        let _ = stream.set_nodelay(true);
        Self { stream, buffer: BytesMut::new() }
    }

    /// Reads more into the buffer.
    pub(crate) async fn fill(&mut self) -> Result<(), Cut> {
        self.buffer.reserve(16 << 10);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Cut::Fin),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(_) => Err(Cut::Reset),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        self.stream.write_all(bytes).await.map_err(|_| Cut::Reset)
    }

    /// Reads a head, up to and with its empty line. `Ok(None)`: closed before its first byte.
    pub(crate) async fn head(&mut self) -> Result<Option<Bytes>, Cut> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                return Ok(Some(self.buffer.split_to(at + 4).freeze()));
            }
            match self.fill().await {
                Err(Cut::Fin) if self.buffer.is_empty() => return Ok(None),
                other => other?,
            }
        }
    }

    /// Waits until the other side is gone, throwing away what it still sends.
    pub(crate) async fn gone(&mut self) -> Cut {
        loop {
            self.buffer.clear();
            if let Err(cut) = self.fill().await {
                return cut;
            }
        }
    }

    /// Resets the connection.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}

/// Headers in the order they came, names in lower case.
#[derive(Debug, Clone, Default)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    pub(crate) fn of(parsed: &[httparse::Header<'_>]) -> Self {
        let one = |h: &httparse::Header<'_>| {
            (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned())
        };
        Self(parsed.iter().map(one).collect())
    }

    /// The first value under this name (lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every value under this name (lower case).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether a comma-separated header lists `item`, in any case.
    pub fn lists(&self, name: &str, item: &str) -> bool {
        self.all(name).flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(item))
    }
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    /// Bytes still to come.
    Length(u64),
    /// Bytes still to come of the current chunk; `None` between chunks.
    Chunked(Option<u64>),
    UntilClose,
}

impl Framing {
    /// The framing that a head's own headers announce.
    pub(crate) fn announced(headers: &Headers) -> Checked<Option<Self>> {
        if headers.lists("transfer-encoding", "chunked") {
            return Ok(Some(Self::Chunked(None)));
        }
        let Some(length) = headers.get("content-length") else { return Ok(None) };
        let length = length.parse().map_err(|_| Oops::new(format!("bad content-length {length:?}")))?;
        Ok(Some(Self::Length(length)))
    }

    /// The next piece of the body; `Ok(None)` is its proper end.
    pub(crate) async fn next(&mut self, wire: &mut Wire) -> Result<Option<Bytes>, Cut> {
        loop {
            match self {
                Self::Empty | Self::Length(0) => return Ok(None),
                Self::UntilClose => {
                    if !wire.buffer.is_empty() {
                        return Ok(Some(wire.buffer.split().freeze()));
                    }
                    match wire.fill().await {
                        Err(Cut::Fin) => return Ok(None),
                        other => other?,
                    }
                }
                Self::Length(left) | Self::Chunked(Some(left)) if *left > 0 => {
                    if wire.buffer.is_empty() {
                        wire.fill().await?;
                    }
                    let take = wire.buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= take as u64;
                    return Ok(Some(wire.buffer.split_to(take).freeze()));
                }
                Self::Length(_) => return Ok(None),
                Self::Chunked(Some(_)) => {
                    while wire.buffer.len() < 2 {
                        wire.fill().await?;
                    }
                    wire.buffer.advance(2);
                    *self = Self::Chunked(None);
                }
                Self::Chunked(None) => match httparse::parse_chunk_size(&wire.buffer) {
                    Ok(httparse::Status::Complete((used, 0))) => {
                        // The trailers' last line is the empty one that ends the message.
                        let rest = &wire.buffer[used - 2..];
                        let Some(at) = rest.windows(4).position(|w| w == b"\r\n\r\n") else {
                            wire.fill().await?;
                            continue;
                        };
                        wire.buffer.advance(used - 2 + at + 4);
                        *self = Self::Empty;
                    }
                    Ok(httparse::Status::Complete((used, size))) => {
                        wire.buffer.advance(used);
                        *self = Self::Chunked(Some(size));
                    }
                    Ok(httparse::Status::Partial) => wire.fill().await?,
                    // Garbage where a chunk should be is not an end either.
                    Err(_) => return Err(Cut::Reset),
                },
            }
        }
    }
}

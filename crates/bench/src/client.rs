//! A client: one request on one connection.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::chunked::{Decoder, Framing};

/// The most bytes of a response's head.
const HEAD_MAX: usize = 64 * 1024;

/// A response whose head is here.
#[derive(Debug)]
pub struct Response {
    stream: TcpStream,
    decoder: Decoder,
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// What came with the head.
    rest: Vec<u8>,
}

/// A buffer for [`Response::read`]; one serves all clients of a thread, since nobody keeps anything in it.
#[must_use]
pub fn buffer() -> Vec<u8> {
    vec![0; 256 * 1024]
}

impl Response {
    /// Asks with GET. `headers` are whole lines, each with its line end.
    ///
    /// # Errors
    /// Without a connection, or without an answer of HTTP.
    pub async fn get(address: SocketAddr, path: &str, headers: &str) -> Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        let stream = socket.connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        Self::get_on(stream, address, path, headers).await
    }

    /// As [`Response::get`], on a connection to `address` that is there already.
    ///
    /// # Errors
    /// Without an answer of HTTP.
    pub async fn get_on(stream: TcpStream, address: SocketAddr, path: &str, headers: &str) -> Result<Self> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: */*\r\n{headers}\r\n");
        Self::ask(stream, path, request.into_bytes()).await
    }

    /// Sends a body with another method, on a connection to `address` that is there already.
    ///
    /// # Errors
    /// Without an answer of HTTP.
    pub async fn send_on(
        stream: TcpStream,
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Self> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        Self::ask(stream, path, [head.as_bytes(), body].concat()).await
    }

    async fn ask(mut stream: TcpStream, path: &str, request: Vec<u8>) -> Result<Self> {
        stream.set_nodelay(true)?;
        stream.write_all(&request).await?;
        let mut head = Vec::with_capacity(1024);
        loop {
            ensure!(head.len() < HEAD_MAX, "the head of {path} is too long");
            ensure!(stream.read_buf(&mut head).await? > 0, "no answer to {path}: the connection was closed");
            let mut parsed = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut parsed);
            let httparse::Status::Complete(len) = response.parse(&head)? else { continue };
            let status = response.code.unwrap_or_default();
            let headers = response.headers.iter();
            let headers = headers.map(|header| {
                (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
            });
            let headers: Vec<_> = headers.collect();
            let decoder = Decoder::new(framing(status, &headers)?);
            let rest = head.split_off(len);
            return Ok(Self { stream, decoder, status, headers, rest });
        }
    }

    /// Reads the body to its end. Returns the connection for another request.
    ///
    /// # Errors
    /// Where the body is cut, or ends with the connection.
    pub async fn into_stream(mut self) -> Result<TcpStream> {
        let mut buffer = [0; 1024];
        while self.read(&mut buffer, |_| Ok(())).await? {}
        ensure!(self.decoder.is_done(), "the body ended with its connection");
        Ok(self.stream)
    }

    /// A header's value. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Gives the next bytes of the body to `sink`; false at its end.
    ///
    /// # Errors
    /// Where the body is cut, or `sink` fails.
    pub async fn read(&mut self, buffer: &mut [u8], sink: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.decoder.take(&rest, sink)?;
            return Ok(!self.decoder.is_done());
        }
        if self.decoder.is_done() {
            return Ok(false);
        }
        match self.stream.read(buffer).await? {
            0 if self.decoder.may_close() => Ok(false),
            0 => bail!("the body was cut"),
            n => {
                self.decoder.take(&buffer[..n], sink)?;
                Ok(!self.decoder.is_done())
            }
        }
    }

    /// Waits until there is something to read, so that a buffer that clients share is not held while waiting.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn readable(&self) -> Result<()> {
        if self.rest.is_empty() && !self.decoder.is_done() {
            self.stream.readable().await?;
        }
        Ok(())
    }

    /// As [`Response::read`], without waiting: `None` where there is nothing yet.
    ///
    /// # Errors
    /// Where the body is cut, or `sink` fails.
    pub fn try_read(
        &mut self,
        buffer: &mut [u8],
        sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Option<bool>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.decoder.take(&rest, sink)?;
            return Ok(Some(!self.decoder.is_done()));
        }
        if self.decoder.is_done() {
            return Ok(Some(false));
        }
        match self.stream.try_read(buffer) {
            Ok(0) if self.decoder.may_close() => Ok(Some(false)),
            Ok(0) => bail!("the body was cut"),
            Ok(n) => {
                self.decoder.take(&buffer[..n], sink)?;
                Ok(Some(!self.decoder.is_done()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn framing(status: u16, headers: &[(String, String)]) -> Result<Framing> {
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if status == 204 {
        return Ok(Framing::Length(0));
    }
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Framing::Chunked);
    }
    header("content-length").map_or(Ok(Framing::Close), |length| Ok(Framing::Length(length.parse()?)))
}

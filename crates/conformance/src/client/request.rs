//! What the client sends.

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{Recorder, Response};
use crate::check::{Checked, Oops, soon};
use crate::wire::{Cut, Wire};

/// A request as it will stand on the wire.
#[derive(Debug, Clone)]
pub struct Request {
    connect: String,
    method: String,
    target: String,
    version: &'static str,
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
}

impl Request {
    pub(super) fn new(recorder: &Recorder, method: &str, path: &str) -> Self {
        Self {
            connect: recorder.authority.clone(),
            method: method.to_owned(),
            target: format!("{}{path}", recorder.mount),
            version: "HTTP/1.1",
            headers: vec![("host".to_owned(), recorder.authority.clone())],
            body: None,
        }
    }

    /// Adds a header. A second `host` replaces the first.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if name == "host" {
            self.headers.retain(|(n, _)| n != "host");
        }
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// `durablefetch-mode`.
    pub fn mode(self, mode: &str) -> Self {
        self.header("durablefetch-mode", mode)
    }

    /// `durablefetch-request`.
    pub fn id(self, id: &str) -> Self {
        self.header("durablefetch-request", id)
    }

    /// A continuation: the rest of exactly this recording from this byte.
    pub fn rest_of(self, recording: &str, offset: usize) -> Self {
        self.header("durablefetch-recording", recording).header("durablefetch-offset", offset.to_string())
    }

    /// A body with a `content-length`.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Speaks HTTP/1.0, as nginx does to its upstreams by default.
    pub fn http10(mut self) -> Self {
        self.version = "HTTP/1.0";
        self
    }

    /// Sends everything and waits for the response's head.
    pub async fn send(self) -> Checked<Response> {
        self.open().await?.response().await
    }

    /// Sends it without a body on the connection of an earlier response, whose body must have ended.
    pub async fn send_after(self, earlier: Response) -> Checked<Response> {
        self.announce_on(earlier.into_wire(), None).await?.response().await
    }

    /// Sends everything now; the response can be waited for later.
    pub async fn open(self) -> Checked<Open> {
        let body = self.body.clone().unwrap_or_default();
        let length = self.body.as_ref().map(Bytes::len);
        let mut open = self.announce(length).await?;
        // A recorder may answer before it has read all, and then close: the answer counts.
        let Wire { stream, buffer } = &mut open.wire;
        let (mut read, mut write) = stream.split();
        tokio::select! {
            _ = tokio::io::AsyncWriteExt::write_all(&mut write, &body) => {}
            _ = tokio::io::AsyncReadExt::read_buf(&mut read, buffer) => {}
        }
        Ok(open)
    }

    /// Sends the head only, announcing a body of `length` bytes; the caller writes it, or does not.
    pub async fn announce(self, length: Option<usize>) -> Checked<Open> {
        let what = self.what();
        let stream = soon(format!("{what}: connect"), TcpStream::connect(&self.connect)).await?;
        let stream = stream.map_err(|e| Oops::new(format!("{what}: connect {}: {e}", self.connect)))?;
        self.announce_on(Wire::new(stream), length).await
    }

    async fn announce_on(self, mut wire: Wire, length: Option<usize>) -> Checked<Open> {
        let what = self.what();
        let mut head = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        wire.write(head.as_bytes()).await.map_err(|_| Oops::new(format!("{what}: cut while sending")))?;
        Ok(Open { wire, what, method: self.method })
    }

    fn what(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// A request that has been sent, in part or whole, and not been answered yet.
pub struct Open {
    wire: Wire,
    what: String,
    method: String,
}

impl Open {
    /// Sends bytes of the request's body.
    pub async fn write(&mut self, bytes: &[u8]) -> Checked {
        self.wire.write(bytes).await.map_err(|_| Oops::new(format!("{}: cut while sending", self.what)))
    }

    /// Waits for the head of the response.
    pub async fn response(self) -> Checked<Response> {
        let what = format!("{}: a response head", self.what);
        soon(what, Response::read(self.wire, self.what, &self.method)).await?
    }

    /// Waits until the recorder closes the connection without an answer.
    pub async fn dropped(mut self) -> Checked<Cut> {
        let what = format!("{}: the connection closes", self.what);
        let cut = soon(&what, self.wire.fill()).await?;
        cut.err().ok_or_else(|| Oops::new(format!("{what}\n  got an answer instead")))
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.wire.reset();
    }
}

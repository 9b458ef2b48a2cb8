//! One request at the upstream and the response that the case plays for it.

use std::time::Instant;

use super::{Upstream, again};
use crate::check::{Checked, Oops, soon};
use crate::wire::{Cut, Framing, Headers, Wire};

/// A request as the upstream got it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// When its head had arrived.
    pub at: Instant,
}

/// A request that waits for its response. Dropping it closes the connection at whatever point it is.
pub struct Call {
    /// What arrived.
    pub request: Received,
    upstream: Upstream,
    wire: Wire,
    /// Framing of the response, once its head is out.
    framing: Framing,
    keep_alive: bool,
}

impl Call {
    pub(super) fn new(upstream: Upstream, wire: Wire, request: Received) -> Self {
        Self { request, upstream, wire, framing: Framing::Empty, keep_alive: false }
    }

    /// Keeps the connection for the recorder's next request once this response has ended. Otherwise a call that a
    /// case plays says `connection: close`: what the case drops must not close under another case.
    pub fn keep_alive(&mut self) {
        self.keep_alive = !self.request.headers.lists("connection", "close");
    }

    /// Sends bytes as they are, framing and all. A head that is sent so says `connection: close`: a recorder that keeps
    /// the connection would use it for another case, when this one drops it.
    pub async fn raw(&mut self, bytes: &[u8]) -> Checked {
        let sent = soon("the recorder reads from the upstream", self.wire.write(bytes)).await?;
        sent.map_err(|_| Oops::new("the recorder closed the upstream connection"))
    }

    /// Sends the status line and headers. Without a `content-length` among them the body is chunked.
    pub async fn head(&mut self, status: u16, headers: &[(&str, &str)]) -> Checked {
        self.head_with_reason(status, "Scripted", headers).await
    }

    /// [`head`](Self::head) with a reason phrase.
    pub async fn head_with_reason(&mut self, status: u16, reason: &str, headers: &[(&str, &str)]) -> Checked {
        let lower = |(name, value): &(&str, &str)| (name.to_ascii_lowercase(), (*value).to_owned());
        let announced = Headers(headers.iter().map(lower).collect());
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let bodyless = matches!(status, 204 | 304) || self.request.method == "HEAD";
        self.framing = match Framing::announced(&announced)? {
            _ if bodyless => Framing::Empty,
            Some(framing) => framing,
            None => {
                head.push_str("transfer-encoding: chunked\r\n");
                Framing::Chunked(None)
            }
        };
        if !self.keep_alive && announced.get("connection").is_none() {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        self.raw(head.as_bytes()).await
    }

    /// Sends a piece again and again until the recorder hangs up, which it may do in the middle of one. The connection stays as
    /// long as what this returns.
    pub async fn send_on_and_on(mut self, piece: Vec<u8>) -> Self {
        while self.send(&piece).await.is_ok() {}
        self
    }

    /// Sends a piece of the body: one chunk where the body is chunked.
    pub async fn send(&mut self, data: impl AsRef<[u8]>) -> Checked {
        let data = data.as_ref();
        match &mut self.framing {
            Framing::Chunked(_) if data.is_empty() => Ok(()),
            Framing::Chunked(_) => {
                let mut framed = format!("{:x}\r\n", data.len()).into_bytes();
                framed.extend_from_slice(data);
                framed.extend_from_slice(b"\r\n");
                self.raw(&framed).await
            }
            Framing::Length(left) => {
                *left = left.saturating_sub(data.len() as u64);
                self.raw(data).await
            }
            Framing::Empty | Framing::UntilClose => self.raw(data).await,
        }
    }

    /// Answers with a 200, without headers, and this first piece of a chunked body.
    pub async fn begins(mut self, first: impl AsRef<[u8]>) -> Checked<Self> {
        self.head(200, &[]).await?;
        self.send(first).await?;
        Ok(self)
    }

    /// Answers with a 200, without headers, and this chunked body.
    pub async fn answers(self, body: impl AsRef<[u8]>) -> Checked {
        self.begins(body).await?.end().await
    }

    /// Ends the body in good order.
    pub async fn end(self) -> Checked {
        self.end_with_trailers(&[]).await
    }

    /// Ends a chunked body with trailers.
    pub async fn end_with_trailers(mut self, trailers: &[(&str, &str)]) -> Checked {
        if let Framing::Chunked(_) = self.framing {
            let lines: String = trailers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
            self.raw(format!("0\r\n{lines}\r\n").as_bytes()).await?;
        }
        if self.keep_alive {
            again(self.upstream, self.wire.stream);
        }
        Ok(())
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.wire.reset();
    }

    /// Closes the connection with a FIN, short of the body's end.
    pub fn close(self) {
        drop(self);
    }

    /// Waits until the recorder closes the connection.
    pub async fn closed(&mut self) -> Checked<Cut> {
        soon("the recorder closes the upstream connection", self.wire.gone()).await
    }

    /// Whether the recorder has closed the connection already. Does not wait.
    pub fn is_closed(&self) -> bool {
        matches!(self.wire.stream.try_read(&mut [0; 1]), Ok(0))
            || matches!(self.wire.stream.take_error(), Ok(Some(_)))
    }
}

//! What the client got, with the checks that cases make of it.

use std::fmt::{self, Debug};

use bytes::Bytes;

use crate::check::{Checked, Oops, same, same_bytes, soon};
use crate::wire::{Cut, Framing, Headers, Wire};

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As its framing says: a final chunk, all of the `content-length`, or for HTTP/1.0 a FIN.
    Clean,
    /// Before that.
    Broken(Cut),
}

/// A response whose head has come and whose body may still be coming.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase of the status line.
    pub reason: String,
    /// The headers.
    pub headers: Headers,
    what: String,
    /// Bytes of the body that have come.
    read: usize,
    wire: Wire,
    framing: Framing,
    /// Read from the socket but not asked for yet.
    ahead: Bytes,
}

impl Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} {}", self.what, self.status, self.reason)?;
        self.headers.0.iter().try_for_each(|(name, value)| write!(f, "\n    {name}: {value}"))
    }
}

impl Response {
    /// Reads the head. `what` names the request in failures.
    pub(super) async fn read(mut wire: Wire, what: String, method: &str) -> Checked<Self> {
        loop {
            let head = wire.head().await;
            let head = head.map_err(|cut| Oops::new(format!("{what}: cut ({cut:?}) instead of a head")))?;
            let head = head.ok_or_else(|| Oops::new(format!("{what}: closed without an answer")))?;
            let mut headers = [httparse::EMPTY_HEADER; 1100];
            let mut parsed = httparse::Response::new(&mut headers);
            parsed.parse(&head).map_err(|e| Oops::new(format!("{what}: bad head ({e}): {head:?}")))?;
            let status = parsed.code.unwrap_or_default();
            if (100..200).contains(&status) {
                continue;
            }
            let reason = parsed.reason.unwrap_or_default().to_owned();
            let headers = Headers::of(parsed.headers);
            let framing = if method == "HEAD" || status == 204 || status == 304 {
                Framing::Empty
            } else {
                Framing::announced(&headers)?.unwrap_or(Framing::UntilClose)
            };
            return Ok(Self { status, reason, headers, what, read: 0, wire, framing, ahead: Bytes::new() });
        }
    }

    fn oops(&self, oops: Oops) -> Oops {
        oops.context(format!("{self:?}"))
    }

    /// Checks the status code.
    pub fn is(&self, status: u16) -> Checked<&Self> {
        same("status", self.status, status).map_err(|o| self.oops(o))?;
        Ok(self)
    }

    /// Checks `durablefetch-state`.
    pub fn state(&self, state: &str) -> Checked<&Self> {
        self.has("durablefetch-state", state)
    }

    /// Checks that a header is there once and has this value.
    pub fn has(&self, name: &str, value: &str) -> Checked<&Self> {
        let all: Vec<_> = self.headers.all(name).collect();
        same(format!("header {name}"), all, [value]).map_err(|o| self.oops(o))?;
        Ok(self)
    }

    /// Checks that a header is not there.
    pub fn lacks(&self, name: &str) -> Checked<&Self> {
        same(format!("header {name}"), self.headers.get(name), None).map_err(|o| self.oops(o))?;
        Ok(self)
    }

    /// The value of a header that must be there.
    pub fn header(&self, name: &str) -> Checked<String> {
        let value = self.headers.get(name).map(str::to_owned);
        value.ok_or_else(|| self.oops(Oops::new(format!("header {name} is missing"))))
    }

    /// `retry-after`, in seconds; 0 for anything else than a number.
    pub fn retry_after(&self) -> Checked<u64> {
        Ok(self.header("retry-after")?.parse().unwrap_or(0))
    }

    /// The id of the recording that this response reads.
    pub fn recording(&self) -> Checked<String> {
        self.header("durablefetch-recording")
    }

    /// The next bytes as they come, or how the body ended.
    pub async fn piece(&mut self) -> Checked<Result<Bytes, End>> {
        if !self.ahead.is_empty() {
            return Ok(Ok(std::mem::take(&mut self.ahead)));
        }
        let what = format!("{}: more of the body than {} bytes, or its end", self.what, self.read);
        let piece = soon(what, self.framing.next(&mut self.wire)).await?;
        Ok(match piece {
            Ok(Some(bytes)) => {
                self.read += bytes.len();
                Ok(bytes)
            }
            Ok(None) => Err(End::Clean),
            Err(cut) => Err(End::Broken(cut)),
        })
    }

    /// Exactly the next `length` bytes.
    pub async fn take(&mut self, length: usize) -> Checked<Vec<u8>> {
        let mut got = Vec::with_capacity(length);
        while got.len() < length {
            let mut piece = self.piece().await?.map_err(|end| {
                let text = String::from_utf8_lossy(&got[got.len().saturating_sub(80)..]).into_owned();
                self.oops(Oops::new(format!(
                    "the body ended ({end:?}) after {} of {length} bytes: {text:?}",
                    got.len()
                )))
            })?;
            self.ahead = piece.split_off(piece.len().min(length - got.len()));
            got.extend_from_slice(&piece);
        }
        Ok(got)
    }

    /// Checks the next bytes.
    pub async fn next(&mut self, expected: impl AsRef<[u8]>) -> Checked<&mut Self> {
        let expected = expected.as_ref();
        let got = self.take(expected.len()).await?;
        same_bytes("body", &got, expected).map_err(|o| self.oops(o))?;
        Ok(self)
    }

    /// All the bytes that are still coming, and how they end.
    pub async fn rest(&mut self) -> Checked<(Vec<u8>, End)> {
        let mut got = Vec::new();
        loop {
            match self.piece().await? {
                Ok(piece) => got.extend_from_slice(&piece),
                Err(end) => return Ok((got, end)),
            }
        }
    }

    /// Checks that exactly these bytes are left and that the body ends as it should.
    pub async fn ends_with(&mut self, expected: impl AsRef<[u8]>) -> Checked {
        let (got, end) = self.rest().await?;
        same_bytes("rest of the body", &got, expected.as_ref()).map_err(|o| self.oops(o))?;
        same("end of the body", end, End::Clean).map_err(|o| self.oops(o))
    }

    /// Checks that the body ends here, as it should.
    pub async fn ends(&mut self) -> Checked {
        self.ends_with("").await
    }

    /// Checks that no more bytes come and that the body is cut: no final chunk, no full length.
    pub async fn breaks(&mut self) -> Checked<Cut> {
        let (got, end) = self.rest().await?;
        same_bytes("rest of the body", &got, b"").map_err(|o| self.oops(o))?;
        match end {
            End::Broken(cut) => Ok(cut),
            End::Clean => {
                Err(self.oops(Oops::differs("end of the body", "a broken connection", "a clean end")))
            }
        }
    }

    /// The whole body, which must end as it should, as text.
    pub async fn text(&mut self) -> Checked<String> {
        let (got, end) = self.rest().await?;
        same("end of the body", end, End::Clean).map_err(|o| self.oops(o))?;
        Ok(String::from_utf8_lossy(&got).into_owned())
    }

    /// The whole body as JSON.
    pub async fn json(&mut self) -> Checked<serde_json::Value> {
        let text = self.text().await?;
        serde_json::from_str(&text).map_err(|e| self.oops(Oops::new(format!("not JSON ({e}): {text:?}"))))
    }

    /// Checks that this is a recorder's error: status, state `none`, code in the header and the same code
    /// with a message in the JSON body.
    pub async fn error(&mut self, status: u16, code: &str) -> Checked {
        self.is(status)?.state("none")?.has("durablefetch-error", code)?;
        self.has("content-type", "application/json")?;
        let json = self.json().await?;
        let error = &json["error"];
        same("error.code", error["code"].as_str(), Some(code)).map_err(|o| self.oops(o))?;
        let message = error["message"].as_str().unwrap_or_default();
        if message.is_empty() {
            return Err(self.oops(Oops::new(format!("error.message is missing: {json}"))));
        }
        Ok(())
    }

    /// The connection, for another request. The body must have ended.
    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Resets the connection, as a client that is killed does.
    pub fn reset(self) {
        self.wire.reset();
    }
}

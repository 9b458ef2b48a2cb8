//! A response that needs no case to play it.

use super::Call;
use crate::check::Checked;

/// The same answer to every request.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    reason: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    broken: bool,
}

impl Reply {
    /// An empty reply with this status.
    pub fn new(status: u16) -> Self {
        Self { status, reason: "Scripted", headers: Vec::new(), body: Vec::new(), broken: false }
    }

    /// `200` with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200).body(body)
    }

    /// Sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("location", location)
    }

    /// The reason phrase.
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body, sent with its `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Announces one byte more than it sends, and closes.
    pub fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    pub(super) async fn play(&self, mut call: Call) -> Checked {
        let length = (self.body.len() + usize::from(self.broken)).to_string();
        let mut headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        if !matches!(self.status, 204 | 304) {
            headers.push(("content-length", &length));
        }
        call.keep_alive();
        call.head_with_reason(self.status, self.reason, &headers).await?;
        if call.request.method != "HEAD" {
            call.send(&self.body).await?;
        }
        if self.broken {
            call.close();
            return Ok(());
        }
        call.end().await
    }
}

//! One unique path of the scripted upstream.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{Call, Received, Reply};
use crate::check::{Checked, Oops, same, soon};

/// A path that only one case uses. Clones are handles to the same one.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    reply: Option<Reply>,
    received: Mutex<Vec<Received>>,
    arrivals: mpsc::UnboundedSender<Call>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Call>>,
}

impl Endpoint {
    pub(super) fn new(authority: String, id: &str, reply: Option<Reply>) -> Self {
        let (arrivals, waiting) = mpsc::unbounded_channel();
        let waiting = tokio::sync::Mutex::new(waiting);
        let url = format!("http://{authority}/{id}/stream");
        let received = Mutex::default();
        Self { shared: Arc::new(Shared { url, reply, received, arrivals, waiting }) }
    }

    /// `http://127.0.0.1:port/unique/stream`. The case may append to it: whatever follows the unique part
    /// arrives here.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The path of [`url`](Self::url).
    pub fn path(&self) -> &str {
        let url = self.shared.url.trim_start_matches("http://");
        &url[url.find('/').unwrap_or_default()..]
    }

    /// Waits for a request that has not been accepted yet.
    pub async fn accept(&self) -> Checked<Call> {
        let mut waiting = self.shared.waiting.lock().await;
        let call = soon("a request arrives at the upstream", waiting.recv()).await?;
        call.ok_or_else(|| Oops::new("the scripted upstream is gone"))
    }

    /// Every request that has arrived so far, body included.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last request that has arrived.
    pub fn last(&self) -> Checked<Received> {
        self.received().pop().ok_or_else(|| Oops::new("no request reached the upstream"))
    }

    /// Checks how many requests have arrived so far.
    pub fn hits(&self, expected: usize) -> Checked {
        same("requests that reached the upstream", self.received().len(), expected)
    }

    pub(super) async fn arrived(&self, call: Call) {
        let received = call.request.clone();
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
        match &self.shared.reply {
            // A recorder that hangs up early is what some cases are about; they look at its answer.
            Some(reply) => drop(reply.play(call).await),
            None => drop(self.shared.arrivals.send(call)),
        }
    }
}

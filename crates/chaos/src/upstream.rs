//! The upstream: sends the body of the run, at its pace.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::plan::Plan;

/// One upstream, for one run after the other.
pub(crate) struct Upstream {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    now: Mutex<Option<Arc<Plan>>>,
    requests: AtomicU64,
    /// How far the answer of this run has got.
    sent: watch::Sender<Sent>,
    over: Mutex<Option<Instant>>,
}

/// How far an answer has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Sent {
    #[default]
    Nothing,
    /// The request has come.
    Asked,
    /// The head, and so many bytes.
    Bytes(usize),
}

impl Upstream {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the upstream cannot listen")?;
        let port = listener.local_addr()?.port();
        let (sent, _) = watch::channel(Sent::Nothing);
        let (now, over) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { now, requests: AtomicU64::new(0), sent, over });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(shared) = weak.upgrade() else { return };
                // The client left.
                tokio::spawn(async move { shared.serve(stream).await.ok() });
            }
        });
        Ok(Self { port, shared })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn begin(&self, plan: &Arc<Plan>) {
        *self.shared.now() = Some(plan.clone());
        self.shared.requests.store(0, Ordering::Relaxed);
        self.shared.sent.send_replace(Sent::Nothing);
        *self.shared.over() = None;
    }

    /// Requests of this run.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Resolves once a request has been answered with so many bytes.
    pub(crate) async fn has_sent(&self, bytes: usize) {
        self.has(Sent::Bytes(bytes)).await;
    }

    /// Resolves once an answer has got so far.
    pub(crate) async fn has(&self, wanted: Sent) {
        let mut sent = self.shared.sent.subscribe();
        // The sender is here, so this waits for nothing but the bytes.
        let _ = sent.wait_for(|sent| *sent >= wanted).await;
    }

    /// When the last answer of this run was over, whole or broken off.
    pub(crate) fn over(&self) -> Option<Instant> {
        *self.shared.over()
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Option<Arc<Plan>>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> MutexGuard<'_, Option<Instant>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let _ = stream.set_nodelay(true);
        let head = read_request(&mut stream).await?;
        let plan = self.now().clone().context("no run")?;
        if !head.contains(&format!("/run/{} ", plan.seed)) {
            return Ok(());
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.note(Sent::Asked);
        let answered = self.answer(&mut stream, &plan).await;
        // Of a run that was given up a while ago it tells nothing about this one.
        if self.now().as_ref().is_some_and(|now| Arc::ptr_eq(now, &plan)) {
            *self.over() = Some(Instant::now());
        }
        answered?;
        // Kept open until the other side has everything.
        let mut rest = [0; 64];
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    }

    fn note(&self, now: Sent) {
        self.sent.send_modify(|sent| *sent = now.max(*sent));
    }

    async fn answer(&self, stream: &mut TcpStream, plan: &Plan) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(plan.head_ms)).await;
        let framing = match plan.with_length {
            true => format!("content-length: {}", plan.length),
            false => "transfer-encoding: chunked".to_owned(),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n{framing}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        self.note(Sent::Bytes(0));
        let (body, mut at) = (plan.body(), 0);
        for chunk in body.chunks(plan.chunk) {
            if !plan.with_length {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
            }
            stream.write_all(chunk).await?;
            if !plan.with_length {
                stream.write_all(b"\r\n").await?;
            }
            at += chunk.len();
            self.note(Sent::Bytes(at));
            if plan.pause_ms > 0 {
                tokio::time::sleep(Duration::from_millis(plan.pause_ms)).await;
            }
        }
        if !plan.with_length {
            stream.write_all(b"0\r\n\r\n").await?;
        }
        Ok(stream.shutdown().await?)
    }
}

/// The head of a request; its body, which is small, is read too.
async fn read_request(stream: &mut TcpStream) -> Result<String> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await?;
        anyhow::ensure!(length > 0, "left before the end of its request");
        all.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&all);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let declared = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= declared.unwrap_or(0) {
            return Ok(head.to_owned());
        }
    }
}

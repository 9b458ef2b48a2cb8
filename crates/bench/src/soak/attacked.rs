//! Honest clients, while others do everything that could keep them from being served.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use super::follower::{Follower, Step};
use super::{Gauge, Outcome, Place, all_read};
use crate::record;
use crate::target::Stream;

/// Chunks of an honest answer, which comes in half a minute.
const CHUNKS: u64 = 600;
/// Readers that take nothing of a large recording.
const HOARDERS: usize = 40;
/// Request bodies of 31 MiB, sent and sent again.
const UPLOADS: usize = 6;
/// HEADs of an upstream that never answers.
const HEADS: usize = 60;
/// Demo streams.
const DEMOS: usize = 120;
/// Connections on which a byte of a head comes every second.
const DRIPS: usize = 100;

/// The load.
#[derive(Debug, Clone)]
pub struct Attacked {
    /// Honest clients, each of which reads one answer after the other.
    pub clients: usize,
    /// For how long.
    pub time: Duration,
    /// Bytes of a chunk.
    pub chunk: usize,
    /// What is done to keep them out.
    pub attacks: Vec<Attack>,
}

/// One way to keep others from being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Nothing: what the honest clients cost.
    None,
    /// Readers of a large recording that take nothing of it.
    Hoard,
    /// Request bodies that never end.
    Upload,
    /// HEADs of an upstream that never answers.
    Head,
    /// Demo streams that nobody reads.
    Demo,
    /// Answers with a head of 60 KB.
    LongHead,
    /// Error answers of 60 KB, which are kept.
    Error,
    /// Interim answers without end.
    Interim,
    /// Stops of request ids that nobody has seen, with URLs of 50 KB.
    Stop,
    /// What is not HTTP.
    Rubbish,
    /// Heads that come a byte a second.
    Drip,
}

impl Attack {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Hoard,
        Self::Upload,
        Self::Head,
        Self::Demo,
        Self::LongHead,
        Self::Error,
        Self::Interim,
        Self::Stop,
        Self::Rubbish,
        Self::Drip,
    ];
}

impl Attacked {
    /// Runs it until the honest clients have read their last answers.
    ///
    /// # Errors
    /// Where it cannot be measured. What goes wrong with an honest client is in the outcome.
    pub async fn run(self, place: &Place) -> Result<Outcome> {
        let gauge = Gauge::start(&place.processes)?;
        let until = Instant::now() + self.time;
        let attacks = Rc::new(Cell::new(0));
        let attackers = attack(place, Hostile::listen().await?, &attacks, &self);
        let late = Rc::new(RefCell::new(Histogram::<u64>::new(3)?));
        let mut all = JoinSet::new();
        for client in 0..self.clients {
            let (place, late) = (place.clone(), Rc::clone(&late));
            all.spawn_local(async move {
                // Not all in one moment.
                sleep(Duration::from_millis(25 * client as u64)).await;
                let mut records = 0;
                let mut buffer = vec![0; 16 * 1024];
                while Instant::now() < until {
                    let name = format!("honest-{client}-{}", record::now());
                    let stream = Stream { name, chunk: self.chunk, every_us: 50_000, chunks: CHUNKS };
                    let path = place.target.path(&stream.path());
                    let mut follower = Follower::new(place.target.address, path, self.chunk);
                    let late = |date| {
                        let _ = late.borrow_mut().record(record::now().saturating_sub(date));
                    };
                    while let Step::More = follower.read(&mut buffer, late).await? {}
                    ensure!(follower.records() == CHUNKS, "an answer had {} records", follower.records());
                    records += CHUNKS;
                }
                Ok(records)
            });
        }
        let (records, faults) = all_read(all).await?;
        drop(attackers);
        let (memory_mb, cpu_s, seconds) = gauge.stop()?;
        let late = late.borrow();
        Ok(Outcome {
            load: format!(
                "{} honest clients beside {} attempts to keep them out",
                self.clients,
                attacks.get()
            ),
            recordings: (records / CHUNKS) as usize,
            readers: records / CHUNKS,
            records,
            late_ms: Some([0.5, 0.99].map(|part| late.value_at_quantile(part) as f64 / 1e6)),
            memory_mb,
            cpu_s,
            seconds,
            faults,
        })
    }
}

/// An upstream that means ill: what it does is in the path of what it is asked for.
struct Hostile {
    address: SocketAddr,
}

impl Hostile {
    async fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(answer(stream));
            }
        });
        Ok(Self { address })
    }
}

async fn answer(mut stream: TcpStream) -> Option<()> {
    let mut head = vec![0; 4096];
    let length = stream.read(&mut head).await.ok()?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let line = head.lines().next().unwrap_or_default();
    if line.contains("/long-head") {
        let header = format!("x-long: {}\r\n", "h".repeat(60_000));
        let text = format!("HTTP/1.1 204 Nothing\r\n{header}connection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.ok()
    } else if line.contains("/error") {
        let text = "HTTP/1.1 500 No\r\ncontent-length: 60000\r\nconnection: close\r\n\r\n";
        stream.write_all(format!("{text}{}", "e".repeat(60_000)).as_bytes()).await.ok()
    } else if line.contains("/interim") {
        let text = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
        loop {
            stream.write_all(text.as_bytes()).await.ok()?;
            sleep(Duration::from_millis(1)).await;
        }
    } else {
        // It takes what comes and never answers.
        let mut nothing = vec![0; 64 * 1024];
        while stream.read(&mut nothing).await.ok()? > 0 {}
        Some(())
    }
}

/// Everything at once, until it is dropped.
fn attack(place: &Place, hostile: Hostile, attacks: &Rc<Cell<u64>>, load: &Attacked) -> JoinSet<()> {
    let mut all = JoinSet::new();
    let to = place.target.address;
    let at = hostile.address;
    let head = move |method: &str, path: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n")
    };
    let large = Stream {
        name: "large".into(),
        chunk: load.chunk,
        every_us: 0,
        chunks: 20_000_000 / load.chunk as u64,
    };
    let large = place.target.path(&large.path());
    // Takes what the upstream makes of a path of this name.
    let answered = move |name: &'static str| {
        move |number| {
            let id = format!("durablefetch-request: {name}-{number}\r\n");
            spend(to, head("GET", &format!("/{at}/{name}-{number}"), &id).into_bytes())
        }
    };
    for attack in &load.attacks {
        match attack {
            Attack::None => {}
            Attack::Hoard => (0..HOARDERS).for_each(|_| {
                let request = head("GET", &large, "");
                over_and_over(&mut all, attacks, move |_| hold(to, request.clone().into_bytes()));
            }),
            Attack::Upload => (0..UPLOADS).for_each(|attacker| {
                let size = 31 << 20;
                over_and_over(&mut all, attacks, move |number| {
                    let path = format!("/{at}/never-{attacker}-{number}");
                    let length = format!("content-length: {size}\r\n");
                    let mut request = head("POST", &path, &length).into_bytes();
                    request.resize(request.len() + size - 1, b'b');
                    hold(to, request)
                });
            }),
            Attack::Head => (0..HEADS).for_each(|attacker| {
                let request = head("HEAD", &format!("/{at}/never-{attacker}"), "");
                over_and_over(&mut all, attacks, move |_| hold(to, request.clone().into_bytes()));
            }),
            Attack::Demo => (0..DEMOS).for_each(|attacker| {
                let request = head("GET", &format!("/demo/x-{attacker}"), "");
                over_and_over(&mut all, attacks, move |_| hold(to, request.clone().into_bytes()));
            }),
            Attack::LongHead => over_and_over(&mut all, attacks, answered("long-head")),
            Attack::Error => over_and_over(&mut all, attacks, answered("error")),
            Attack::Interim => over_and_over(&mut all, attacks, answered("interim")),
            Attack::Stop => over_and_over(&mut all, attacks, move |number| {
                let url = format!("http://{at}/{}?{number}", "u".repeat(50_000));
                let body = format!("{{\"url\":\"{url}\",\"request\":\"unseen-{number}\"}}");
                let length = format!("content-length: {}\r\n", body.len());
                spend(to, (head("POST", "/stop", &length) + &body).into_bytes())
            }),
            Attack::Rubbish => over_and_over(&mut all, attacks, move |number| {
                spend(to, [&b"\0\xff\r\n\r\n"[..], &vec![(number % 251) as u8; 1000]].concat())
            }),
            Attack::Drip => (0..DRIPS).for_each(|_| {
                over_and_over(&mut all, attacks, move |_| drip(to));
            }),
        }
    }
    all
}

/// Does something again and again, a moment between.
fn over_and_over<F>(all: &mut JoinSet<()>, attacks: &Rc<Cell<u64>>, one: impl Fn(u64) -> F + 'static)
where
    F: Future<Output = Option<()>> + 'static,
{
    let attacks = Rc::clone(attacks);
    all.spawn_local(async move {
        for number in 0.. {
            one(number).await;
            attacks.set(attacks.get() + 1);
            sleep(Duration::from_millis(100)).await;
        }
    });
}

/// Sends a request, and takes nothing of its answer for a minute.
async fn hold(to: SocketAddr, request: Vec<u8>) -> Option<()> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    let held = async {
        stream.write_all(&request).await.ok()?;
        sleep(Duration::from_secs(60)).await;
        Some(())
    };
    timeout(Duration::from_secs(90), held).await.ok()?
}

/// Sends a request and takes all of its answer.
async fn spend(to: SocketAddr, request: Vec<u8>) -> Option<()> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(&request).await.ok()?;
    let mut answer = vec![0; 64 * 1024];
    let all = async { while stream.read(&mut answer).await.is_ok_and(|length| length > 0) {} };
    timeout(Duration::from_secs(30), all).await.ok()
}

/// Sends a head, a byte a second.
async fn drip(to: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    for byte in b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-and-so-on: for ever" {
        stream.write_all(&[*byte]).await.ok()?;
        sleep(Duration::from_secs(1)).await;
    }
    Some(())
}

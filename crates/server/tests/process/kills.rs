//! `kill -9` at random moments under fifty live recordings, again and again on the same data.
//!
//! `KILLS` is how often (15 if not set), `KILLS_SEED` what is random; a failure names both.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::crash::body_files;
use crate::support::{PATIENCE, Recorder, serve_each};

const LIVE: u64 = 50;

/// A kill comes before so many things have happened at the upstream: a request came, a chunk was sent. Counted, and not
/// timed, so that the moments are of all kinds on any machine. Where nothing is in its way that is after some 150 ms.
const MOMENTS: u64 = 1500;

/// Splitmix64: enough chance for what happens when.
#[derive(Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// The bytes of stream `n`: no two streams and no two offsets look alike.
pub(crate) fn bytes(n: u64, from: usize, len: usize) -> Vec<u8> {
    let byte = |at: usize| Chance(n << 32 | (at / 8) as u64).next().to_le_bytes()[at % 8];
    (from..from + len).map(byte).collect()
}

/// What an upstream does with stream `n`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Never answers.
    Silent,
    /// Sends this many bytes in all and ends the body as one ends.
    Ends(usize),
    /// The same, and cuts it.
    Cuts(usize),
    /// Has no end that a test would wait for.
    Goes,
}

pub(crate) fn manner(seed: u64, n: u64) -> Manner {
    let mut chance = Chance(seed ^ n.wrapping_mul(77));
    match chance.below(10) {
        0 => Manner::Silent,
        1..=3 => Manner::Ends(chance.below(20_000) as usize),
        4 => Manner::Cuts(chance.below(20_000) as usize),
        _ => Manner::Goes,
    }
}

/// What the upstream has seen and done, by stream.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) asked: HashMap<u64, usize>,
    pub(crate) sent: HashMap<u64, usize>,
    moments: watch::Sender<u64>,
}

impl Log {
    fn asked(&mut self, n: u64) {
        *self.asked.entry(n).or_default() += 1;
        self.moments.send_modify(|moments| *moments += 1);
    }

    /// Before it is sent: what the recorder has is never more than this.
    fn sends(&mut self, n: u64, up_to: usize) {
        self.sent.insert(n, up_to);
        self.moments.send_modify(|moments| *moments += 1);
    }
}

/// Waits until so many more things have happened.
pub(crate) async fn pass(log: &Mutex<Log>, moments: u64) {
    let mut passing = log.lock().unwrap().moments.subscribe();
    let until = *passing.borrow() + moments;
    let passed = timeout(PATIENCE, passing.wait_for(|now| *now >= until)).await;
    passed.expect("the upstream is at work").unwrap();
}

pub(crate) async fn upstream(seed: u64) -> (std::net::SocketAddr, Arc<Mutex<Log>>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let theirs = Arc::clone(&log);
    // Each ends when the recorder is gone.
    (serve_each(move |stream| play(stream, seed, Arc::clone(&theirs))).await, log)
}

async fn play(stream: TcpStream, seed: u64, log: Arc<Mutex<Log>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let n: u64 = line.split(['/', ' ']).nth(2)?.parse().ok()?;
    log.lock().unwrap().asked(n);
    let manner = manner(seed, n);
    let total = match manner {
        Manner::Silent => return std::future::pending().await,
        Manner::Ends(total) | Manner::Cuts(total) => total,
        Manner::Goes => usize::MAX,
    };
    let mut chance = Chance(seed ^ n);
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
    let mut at = 0;
    while at < total {
        let len = (1 + chance.below(3000) as usize).min(total - at);
        log.lock().unwrap().sends(n, at + len);
        stream.write_all(format!("{len:x}\r\n").as_bytes()).await.ok()?;
        stream.write_all(&bytes(n, at, len)).await.ok()?;
        stream.write_all(b"\r\n").await.ok()?;
        at += len;
        if chance.below(3) > 0 {
            tokio::time::sleep(Duration::from_millis(chance.below(12))).await;
        }
    }
    if matches!(manner, Manner::Ends(_)) {
        stream.write_all(b"0\r\n\r\n").await.ok()?;
        let _ = stream.read_u8().await;
    }
    Some(())
}

/// What a reader has got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) state: String,
    pub(crate) error: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The body ended as a body ends.
    pub(crate) ended: bool,
}

pub(crate) struct Client {
    http: reqwest::Client,
    recorder: std::net::SocketAddr,
    upstream: std::net::SocketAddr,
}

impl Client {
    pub(crate) fn new(recorder: &Recorder, upstream: std::net::SocketAddr) -> Arc<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http =
            reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build().unwrap();
        Arc::new(Self { http, recorder: recorder.address, upstream })
    }

    fn url(&self, n: u64) -> String {
        format!("http://{}/{n}", self.upstream)
    }

    /// `None` where the recorder was gone before it had answered.
    pub(crate) async fn ask(&self, n: u64, mode: &str) -> Option<Got> {
        let request = self.http.post(format!("http://{}/", self.recorder));
        let request = request.header("durablefetch-url", self.url(n)).header("durablefetch-mode", mode);
        let request = if mode == "replay" {
            request
        } else {
            request.header("durablefetch-request", format!("id-{n}"))
        };
        let mut response = request.body("the prompt").send().await.ok()?;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let (state, error) = (header("durablefetch-state").unwrap(), header("durablefetch-error"));
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let ended = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        Some(Got { status, state, error, body, ended })
    }
}

pub(crate) async fn all(
    streams: std::ops::Range<u64>,
    client: &Arc<Client>,
    mode: &'static str,
) -> HashMap<u64, Option<Got>> {
    let mut asking = JoinSet::new();
    for n in streams {
        let client = Arc::clone(client);
        asking.spawn(async move { (n, client.ask(n, mode).await) });
    }
    asking.join_all().await.into_iter().collect()
}

/// What was recorded after the kill is what a reader may believe.
pub(crate) fn check_stream(n: u64, seed: u64, sent: usize, seen: Option<&Got>, replay: &Got, again: &Got) {
    let saw_end = seen.is_some_and(|seen| seen.status == 200 && seen.ended);
    if replay.status == 200 {
        assert!(replay.body.len() <= sent, "{} bytes are stored of {sent}", replay.body.len());
        assert!(replay.body == bytes(n, 0, replay.body.len()), "what is stored is not what was sent");
    }
    if let Some(seen) = seen.filter(|seen| seen.status == 200) {
        assert!(seen.body == bytes(n, 0, seen.body.len()), "what was delivered is not what was sent");
    }
    match (replay.status, replay.state.as_str()) {
        (200, "complete") => {
            assert_eq!(manner(seed, n), Manner::Ends(replay.body.len()), "and is whole");
            assert!(replay.ended);
        }
        (200, "interrupted") => assert!(!saw_end && !replay.ended),
        (200, "failed") => {
            assert!(matches!(manner(seed, n), Manner::Cuts(_)) && !saw_end && !replay.ended);
        }
        (404, "none") => assert!(!saw_end, "a reader saw its end"),
        other => panic!("{other:?}"),
    }
    if saw_end {
        assert_eq!(replay.state, "complete", "a reader saw its end");
        assert!(seen.is_some_and(|seen| seen.body == replay.body), "and it replays byte for byte");
    }
    // The same intent once more: what there is, or that it came to nothing.
    if replay.status == 200 {
        assert_eq!((again.status, &again.state, &again.body), (200, &replay.state, &replay.body));
    } else {
        assert_eq!((again.status, again.error.as_deref()), (502, Some("interrupted")));
    }
}

/// Nothing is left that belongs to nothing.
pub(crate) fn check_store(data: &Path) {
    let database = Connection::open(data.join("recordings.db")).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM recordings WHERE state IN ('connecting', 'streaming')"), 0);
    let dangling = "SELECT COUNT(*) FROM requests WHERE outcome LIKE 'started:%' \
                    AND substr(outcome, 9) NOT IN (SELECT id FROM recordings)";
    assert_eq!(count(dangling), 0, "request ids of no recording");
    for id in body_files(data) {
        let rows: i64 = database
            .query_row("SELECT COUNT(*) FROM recordings WHERE id = ?1", [&id], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1, "the body file {id} is orphaned");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leave_nothing_wrong_behind() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let kills = number("KILLS").unwrap_or(15);
    let seed = number("KILLS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("KILLS={kills} KILLS_SEED={seed}");
    let mut chance = Chance(seed);
    let data = tempfile::tempdir().unwrap();
    let (upstream, log) = upstream(seed).await;
    let mut recorder = Recorder::start(data.path(), &[]);
    let mut tally: HashMap<String, usize> = HashMap::new();
    for round in 0..kills {
        let streams = round * LIVE..(round + 1) * LIVE;
        let client = Client::new(&recorder, upstream);
        let theirs = (streams.clone(), Arc::clone(&client));
        let reading = tokio::spawn(async move { all(theirs.0, &theirs.1, "restart").await });
        pass(&log, chance.below(MOMENTS)).await;
        recorder.kill();
        let seen = reading.await.unwrap();

        recorder = Recorder::start(data.path(), &[]);
        let client = Client::new(&recorder, upstream);
        check_store(data.path());
        let replays = all(streams.clone(), &client, "replay").await;
        // What never reached the disk starts now, and may.
        let asked_before = log.lock().unwrap().asked.clone();
        let known: Vec<u64> = streams.clone().filter(|n| asked_before.contains_key(n)).collect();
        for n in known {
            let again = client.ask(n, "restart").await.expect("an answer");
            let replay = replays[&n].as_ref().expect("an answer");
            let sent = log.lock().unwrap().sent.get(&n).copied().unwrap_or(0);
            let result = std::panic::catch_unwind(|| {
                check_stream(n, seed, sent, seen[&n].as_ref(), replay, &again);
            });
            assert!(result.is_ok(), "stream {n}, {:?}, round {round}, KILLS_SEED={seed}", manner(seed, n));
            *tally.entry(replay.state.clone()).or_default() += 1;
        }
        let asked = &log.lock().unwrap().asked;
        assert!(asked.values().all(|times| *times == 1), "an upstream was asked twice, KILLS_SEED={seed}");
    }
    println!("{tally:?}");
    // The moments were of all kinds.
    if kills >= 10 {
        assert!(tally["complete"] > 0 && tally["interrupted"] > 0 && tally["none"] > 0, "{tally:?}");
    }
}

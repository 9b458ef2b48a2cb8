//! Ten hand-overs in a row under two hundred live streams: each process serves what lives in it until that has ended, and
//! nobody notices.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Place;
use crate::support::serve_each;

const HAND_OVERS: u64 = 10;
/// Streams that are live before the first one.
const FIRST: u64 = 110;
/// Streams that are begun before each further one.
const MORE: u64 = 10;
/// No start waits longer for its head than this and than what the machine takes without a hand-over.
const WAIT: Duration = Duration::from_millis(300);

/// What the upstream sends of stream `n`, line by line.
fn line(n: u64, at: u64) -> String {
    format!("{n}:{at}\n")
}

#[derive(Default)]
struct Log {
    asked: HashMap<u64, u64>,
    /// Lines of a stream that has ended.
    ended: HashMap<u64, u64>,
}

/// Streams below 1000 go on until `over`; others are short.
async fn upstream(over: watch::Receiver<bool>) -> (SocketAddr, Arc<Mutex<Log>>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let theirs = Arc::clone(&log);
    (serve_each(move |stream| play(stream, over.clone(), Arc::clone(&theirs))).await, log)
}

async fn play(stream: TcpStream, mut over: watch::Receiver<bool>, log: Arc<Mutex<Log>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await.ok()?;
    let n: u64 = request.split(['/', ' ']).nth(2)?.parse().ok()?;
    *log.lock().unwrap().asked.entry(n).or_default() += 1;
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
    let mut at = 0;
    while at < 3 || n < 1000 && !*over.borrow() {
        let line = line(n, at);
        stream.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await.ok()?;
        at += 1;
        if n < 1000 {
            let _ = tokio::time::timeout(Duration::from_millis(100), over.changed()).await;
        }
    }
    log.lock().unwrap().ended.insert(n, at);
    stream.write_all(b"0\r\n\r\n").await.ok()
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    recorder: SocketAddr,
    upstream: SocketAddr,
}

impl Client {
    fn request(&self, n: u64) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("http://{}/", self.recorder));
        request.header("durablefetch-url", format!("http://{}/{n}", self.upstream))
    }

    /// Starts, and returns how long its head has taken.
    async fn start(&self, n: u64) -> (reqwest::Response, Duration) {
        let since = Instant::now();
        let response =
            self.request(n).header("durablefetch-request", format!("id-{n}")).body("prompt").send();
        let response = response.await.unwrap_or_else(|error| panic!("start {n} fails: {error:?}"));
        assert_eq!(response.status(), 200, "start {n}: {:?}", response.headers());
        (response, since.elapsed())
    }

    /// All of a recording, by its id.
    async fn all_of(&self, n: u64, recording: &str) -> reqwest::Response {
        let request = self.http.get(format!("http://{}/", self.recorder));
        let request = request.header("durablefetch-url", format!("http://{}/{n}", self.upstream));
        let request = request.header("durablefetch-recording", recording).header("durablefetch-offset", "0");
        let response = request.send().await.unwrap_or_else(|error| panic!("{n} cannot be read: {error:?}"));
        assert_eq!(response.status(), 200, "{n}: {:?}", response.headers());
        response
    }
}

fn recording(response: &reqwest::Response) -> String {
    response.headers()["durablefetch-recording"].to_str().unwrap().to_owned()
}

/// Reads to the end, which is to be one.
async fn read(n: u64, response: reqwest::Response) -> (u64, String) {
    let text = response.text().await.unwrap_or_else(|error| panic!("{n} is cut: {error:?}"));
    (n, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_in_a_row_under_two_hundred_live_streams() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let place = Place::new();
    let (end, over) = watch::channel(false);
    let (upstream, log) = upstream(over).await;
    let http =
        reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0).build().unwrap();
    let client = Client { http, recorder: place.address(), upstream };
    let mut processes = vec![place.start()];
    let mut readers = JoinSet::new();
    let mut recordings = Vec::new();

    // Short ones all the time, one after the other.
    let (stop, stopping) = watch::channel(false);
    let (calm, calming) = watch::channel(true);
    let short = {
        let client = client.clone();
        tokio::spawn(async move {
            let (mut longest_calm, mut longest) = (Duration::ZERO, Duration::ZERO);
            let mut n = 1000;
            while !*stopping.borrow() {
                let is_calm = *calming.borrow();
                let (response, took) = client.start(n).await;
                let (_, text) = read(n, response).await;
                assert_eq!(text, (0..3).map(|at| line(n, at)).collect::<String>());
                let longest = if is_calm { &mut longest_calm } else { &mut longest };
                *longest = took.max(*longest);
                n += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (longest_calm, longest, n - 1000)
        })
    };
    let mut n = 0;
    for round in 0..=HAND_OVERS {
        for _ in 0..if round == 0 { FIRST } else { MORE } {
            let (response, _) = client.start(n).await;
            recordings.push(recording(&response));
            readers.spawn(read(n, response));
            n += 1;
        }
        if round == HAND_OVERS {
            break;
        }
        calm.send_replace(false);
        let next = tokio::task::spawn_blocking({
            let mut command = place.command(&[]);
            move || crate::support::Recorder::spawn(&mut command)
        });
        processes.push(next.await.unwrap());
        // Some come back, from each process that there has been, and read on through the newest one.
        for back in (0..n).step_by(17) {
            readers.spawn(read(back, client.all_of(back, &recordings[back as usize]).await));
        }
        calm.send_replace(true);
    }
    stop.send_replace(true);
    let (longest_calm, longest, shorts) = short.await.unwrap();
    println!("{shorts} starts; the longest took {longest:?} in a hand-over, {longest_calm:?} else");
    assert!(longest <= WAIT + longest_calm, "a start waits for {longest:?}, and {longest_calm:?} without");

    end.send_replace(true);
    let mut whole = 0;
    while let Some(read) = readers.join_next().await {
        let (n, text) = read.unwrap();
        let lines = log.lock().unwrap().ended[&n];
        assert!(text == (0..lines).map(|at| line(n, at)).collect::<String>(), "{n} is not whole");
        whole += 1;
    }
    assert!(whole > n);
    let newest = processes.pop().unwrap();
    for process in processes {
        assert_eq!(tokio::task::spawn_blocking(move || process.ended()).await.unwrap(), Some(0));
    }
    for (n, recording) in (0..).zip(&recordings) {
        let text = client.all_of(n, recording).await.text().await.unwrap();
        assert_eq!(text.lines().count() as u64, log.lock().unwrap().ended[&n], "{n}");
    }
    assert!(log.lock().unwrap().asked.values().all(|times| *times == 1), "an upstream was asked twice");
    newest.terminate();
    assert_eq!(tokio::task::spawn_blocking(move || newest.ended()).await.unwrap(), Some(0));
}

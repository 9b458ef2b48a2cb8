//! The cases.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::live::{self, Live};
use crate::native::servers::{Server, fresh};
use crate::native::{Measured, Programs};
use crate::record;
use crate::target::{Form, Stream, Target};
use crate::upstream::Upstream;
use crate::{bulk, process::Processes};

/// nginx, passing through.
pub const NGINX: &str = "nginx";
/// The recorder.
pub const RECORDER: &str = "durablefetch";
/// Nothing between.
pub const DIRECT: &str = "direct";
/// The Rust server of durable-streams, read by events. Bulk is read from it too.
pub const EVENTS: &str = "durable-streams, Rust server, events";

/// What else is measured, and how it is started.
pub const OTHERS: [(&str, Start); 5] = [
    ("resumable-stream", |programs, at| Server::node(programs, "resumable-stream.js", at, "")),
    ("durable-streams, Node server", |programs, at| Server::node(programs, "durable-streams.js", at, "")),
    (EVENTS, |programs, at| Server::durable_streams(programs, at, Form::Events)),
    ("durable-streams, Rust server, long polls", |programs, at| {
        Server::durable_streams(programs, at, Form::Polls)
    }),
    ("durablefetch 0.1.0", |programs, at| Server::node(programs, "original.js", at, "/{upstream}")),
];

/// Starts what is measured.
pub type Start = fn(&Programs, SocketAddr) -> Result<Server>;

/// Who delivers less of what the upstream sends than this is not asked again.
const SATURATED: f64 = 0.8;

/// How a case is run.
#[derive(Debug)]
pub enum Kind {
    /// Live streams. The last says whether other peers are tried too.
    Live(Live, bool),
    /// One stream as fast as it is taken, of so many megabytes.
    Ingest(u64),
    /// Recorded from 150-byte chunks, so many megabytes; beside a file that nginx serves.
    Replay(u64),
    /// One kilobyte missing of so many megabytes.
    Continue(u64),
}

/// All cases by name.
#[must_use]
pub fn all() -> Vec<(String, Kind)> {
    let live = |streams, readers, every_ms| Live {
        streams,
        readers,
        chunk: 150,
        every: Duration::from_millis(every_ms),
        warm: Duration::from_millis(500),
        measure: Duration::from_millis(2500),
    };
    vec![
        ("live-50x1".into(), Kind::Live(live(50, 1, 20), true)),
        ("live-500x1".into(), Kind::Live(live(500, 1, 20), true)),
        ("live-10x20".into(), Kind::Live(live(10, 20, 20), true)),
        ("live-1x1000".into(), Kind::Live(live(1, 1000, 50), false)),
        // As many chunks a second in all, from ever more recordings.
        ("growth-50".into(), Kind::Live(live(50, 1, 20), false)),
        ("growth-500".into(), Kind::Live(live(500, 1, 200), false)),
        ("growth-5000".into(), Kind::Live(live(5000, 1, 2000), false)),
        ("ingest".into(), Kind::Ingest(256)),
        ("replay-1".into(), Kind::Replay(1)),
        ("replay-64".into(), Kind::Replay(64)),
        ("replay-1000".into(), Kind::Replay(1000)),
        ("continue-1".into(), Kind::Continue(1)),
        ("continue-1000".into(), Kind::Continue(1000)),
    ]
}

/// Runs a case `rounds` times, everyone in each round.
///
/// # Errors
/// Where the recorder or nginx fails. What another peer fails with is written down.
pub async fn run(
    name: &str,
    kind: &Kind,
    rounds: usize,
    programs: &Programs,
    upstream: &Upstream,
) -> Result<Measured> {
    let mut measured = Measured { case: name.to_owned(), date: today(), rounds, ..Measured::default() };
    let files = fresh("files")?;
    let at = upstream.address();
    let nginx = Server::nginx(programs, at, &files)?;
    match kind {
        Kind::Live(live, with_others) => {
            for round in 0..rounds {
                let direct = Server::direct(at);
                one(&mut measured, DIRECT, live, &direct, upstream).await?;
                one(&mut measured, NGINX, live, &nginx, upstream).await?;
                let recorder = Server::recorder(programs, at)?;
                one(&mut measured, RECORDER, live, &recorder, upstream).await?;
                drop(recorder);
                for (peer, start) in OTHERS.into_iter().filter(|_| *with_others) {
                    // Who cannot follow takes minutes to come to the ends of its streams: once is enough.
                    let delivered = measured.median(peer, "delivered").unwrap_or(1.0);
                    if measured.failed.contains_key(peer) || delivered < SATURATED {
                        continue;
                    }
                    let server = start(programs, at)?;
                    if let Err(error) = one(&mut measured, peer, live, &server, upstream).await {
                        measured.failed.insert(peer.to_owned(), format!("{error:#}"));
                        measured.peers.remove(peer);
                    }
                }
                eprintln!("  {name}: round {} of {rounds}", round + 1);
            }
        }
        Kind::Ingest(megabytes) => {
            for _ in 0..rounds {
                let recorder = Server::recorder(programs, at)?;
                let durable_streams = Server::durable_streams(programs, at, Form::Events)?;
                let direct = Server::direct(at);
                let all =
                    [(NGINX, &nginx), (RECORDER, &recorder), (EVENTS, &durable_streams), (DIRECT, &direct)];
                for (peer, server) in all {
                    let chunk = 16 * 1024;
                    let outcome = body(server, stream(chunk, *megabytes), chunk).await?;
                    measured.add(peer, "mb_s", outcome.mb_s);
                    measured.add(peer, "cpu_s_gb", outcome.cpu_ms * 1e6 / outcome.bytes as f64);
                    if peer == RECORDER {
                        ensure!(recorder.stored()? == outcome.bytes, "not all bytes are on disk at the end");
                    }
                }
            }
        }
        Kind::Replay(megabytes) => {
            let recorder = Server::recorder(programs, at)?;
            let chunk = 150;
            let stream = stream(chunk, *megabytes);
            let len = body(&recorder, stream.clone(), chunk).await?.bytes;
            file(&files.join("file"), len)?;
            let durable_streams = Server::durable_streams(programs, at, Form::Events)?;
            body(&durable_streams, stream.clone(), chunk).await?;
            let stored = Target { form: Form::Body, ..durable_streams.target.clone() };
            let of_stored = format!("{}?offset=-1", stream.path());
            for _ in 0..rounds.max(3) {
                let of_nginx = bulk::fetch(&nginx.target, "/files/file", "", None, &nginx.processes).await?;
                ensure!(of_nginx.bytes == len, "the file is {} bytes, not {len}", of_nginx.bytes);
                let ours =
                    bulk::fetch(&recorder.target, &stream.path(), "", None, &recorder.processes).await?;
                ensure!(ours.bytes == len, "the replay is {} bytes, not {len}", ours.bytes);
                let theirs = bulk::fetch(&stored, &of_stored, "", None, &durable_streams.processes).await?;
                ensure!(theirs.bytes == len, "the stored stream is {} bytes, not {len}", theirs.bytes);
                for (peer, outcome) in [(NGINX, of_nginx), (RECORDER, ours), (EVENTS, theirs)] {
                    measured.add(peer, "mb_s", outcome.mb_s);
                    measured.add(peer, "first_ms", outcome.first_ms);
                    measured.add(peer, "cpu_s_gb", outcome.cpu_ms * 1e6 / outcome.bytes as f64);
                }
            }
        }
        Kind::Continue(megabytes) => {
            let recorder = Server::recorder(programs, at)?;
            let chunk = 16 * 1024;
            let stream = stream(chunk, *megabytes);
            let whole = body(&recorder, stream.clone(), chunk).await?;
            let id = whole.recording.context("no durablefetch-recording")?;
            let headers =
                format!("durablefetch-recording: {id}\r\ndurablefetch-offset: {}\r\n", whole.bytes - 1000);
            for _ in 0..rounds * 40 {
                let part = bulk::fetch(&recorder.target, &stream.path(), &headers, None, &recorder.processes)
                    .await?;
                ensure!(part.bytes == 1000, "{} bytes came, not 1000", part.bytes);
                measured.add(RECORDER, "ms", part.ms);
                measured.add(RECORDER, "cpu_ms", part.cpu_ms);
            }
        }
    }
    Ok(measured)
}

pub(super) async fn one(
    measured: &mut Measured,
    peer: &str,
    live: &Live,
    server: &Server,
    upstream: &Upstream,
) -> Result<()> {
    let outcome = live::run(live, &server.target, "", upstream, &server.processes).await;
    let outcome = outcome.with_context(|| format!("{peer}, {}", measured.case))?;
    let memory = outcome.memory.saturating_sub(outcome.memory_before);
    for (figure, value) in [
        ("cpu_us", outcome.cpu_us),
        ("own_cpu_us", outcome.own_cpu_us),
        ("p50", outcome.p50),
        ("p99", outcome.p99),
        ("end_p50", outcome.end_p50),
        ("end_p99", outcome.end_p99),
        ("head_p50", outcome.head_p50),
        ("delivered", outcome.delivered),
        ("memory_mb", outcome.memory as f64 / 1e6),
        ("kib_per_stream", memory as f64 / 1024.0 / live.streams as f64),
        ("upstream_requests", outcome.upstream_requests as f64),
    ] {
        measured.add(peer, figure, value);
    }
    Ok(())
}

fn stream(chunk: usize, megabytes: u64) -> Stream {
    let name = format!("{}-{}", std::process::id(), record::now());
    Stream { name, chunk, every_us: 0, chunks: (megabytes * 1_000_000 / chunk as u64).max(1) }
}

async fn body(server: &Server, stream: Stream, chunk: usize) -> Result<bulk::Outcome> {
    let target: &Target = &server.target;
    let processes: &Processes = &server.processes;
    bulk::fetch(target, &stream.path(), "", Some(chunk), processes).await
}

fn file(path: &std::path::Path, len: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let block = [b'.'; 64 * 1024];
    let mut left = len;
    while left > 0 {
        let n = left.min(block.len() as u64);
        file.write_all(&block[..n as usize])?;
        left -= n;
    }
    Ok(file.flush()?)
}

/// `2026-01-31`, by the civil calendar.
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let days = since.as_secs() / 86_400;
    // From days to a date: eras of 400 years, which begin in March.
    let z = days + 719_468;
    let (era, day) = (z / 146_097, z % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{}-{month:02}-{day:02}", year + era * 400 + u64::from(month <= 2))
}

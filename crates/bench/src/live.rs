//! Live streams: many at a steady pace, each with readers that follow it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::process::Processes;
use crate::reading::Reading;
use crate::record::{self, Records};
use crate::target::{Stream, Target};
use crate::upstream::Upstream;

/// Connections that are being opened at once.
const OPENING: usize = 64;
/// How long starting and ending may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What takes longer counts as this.
const LONGEST_NS: u64 = 120_000_000_000;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Live {
    /// Streams at a time.
    pub streams: usize,
    /// Readers of each.
    pub readers: usize,
    /// Bytes of a chunk.
    pub chunk: usize,
    /// From one chunk to the next.
    pub every: Duration,
    /// From the first chunk of all to the beginning of what is measured.
    pub warm: Duration,
    /// What is measured.
    pub measure: Duration,
}

/// What came of it. Times are in milliseconds unless they say otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Chunks that readers got while it was measured.
    pub chunks: u64,
    /// As part of what should have come by then; well below 1 it is saturated.
    pub delivered: f64,
    /// CPU of what is measured, in microseconds for each chunk that a reader got.
    pub cpu_us: f64,
    /// CPU of this generator, the same way.
    pub own_cpu_us: f64,
    /// From the sending of a chunk to its arrival.
    pub p50: f64,
    /// The same.
    pub p99: f64,
    /// The same.
    pub max: f64,
    /// From the upstream's end to the end of a reader's body. One reader a stream only.
    pub end_p50: f64,
    /// The same.
    pub end_p99: f64,
    /// From the request to the head of the response, for the first reader of each stream.
    pub head_p50: f64,
    /// Bytes of what is measured before the first request.
    pub memory_before: u64,
    /// The same at the end of the measurement.
    pub memory: u64,
    /// Requests that came to the upstream.
    pub upstream_requests: u64,
}

#[derive(Debug)]
struct Counts {
    measuring: AtomicBool,
    chunks: AtomicU64,
    latency: Mutex<Histogram<u64>>,
    ends: Mutex<Histogram<u64>>,
    heads: Mutex<Histogram<u64>>,
    /// Readers that have got something.
    begun: AtomicU64,
}

fn locked(histogram: &Mutex<Histogram<u64>>) -> MutexGuard<'_, Histogram<u64>> {
    histogram.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(histogram: &Mutex<Histogram<u64>>, from: u64) {
    // Dates come from one monotonic clock.
    locked(histogram).saturating_record(record::now().saturating_sub(from));
}

/// Runs streams through `target` and tells what that took `processes`.
///
/// # Errors
/// Where a body is not what the upstream sent, is cut, or does not end in time.
pub async fn run(
    live: &Live,
    target: &Target,
    headers: &str,
    upstream: &Upstream,
    processes: &Processes,
) -> Result<Outcome> {
    ensure!(live.streams > 0 && live.readers > 0, "there is nothing to run");
    upstream.begin();
    let histogram = || Histogram::new_with_bounds(1, LONGEST_NS, 3).map(Mutex::new);
    let counts = Arc::new(Counts {
        measuring: AtomicBool::new(false),
        chunks: AtomicU64::new(0),
        latency: histogram()?,
        ends: histogram()?,
        heads: histogram()?,
        begun: AtomicU64::new(0),
    });
    let requests = upstream.requests();
    let memory_before = processes.memory()?;
    let mut readers = JoinSet::new();
    start(live, target, headers, upstream, &counts, &mut readers).await?;
    let total = (live.streams * live.readers) as u64;
    let begun = timeout(PATIENCE, async {
        while counts.begun.load(Ordering::Relaxed) < total && readers.len() as u64 == total {
            sleep(Duration::from_millis(5)).await;
        }
    });
    begun.await.context("not every reader got a first chunk in time")?;
    sleep(live.warm).await;

    let own = Processes::new(vec![std::process::id()]);
    let (cpu_before, own_before, from) = (processes.cpu()?, own.cpu()?, record::now());
    counts.measuring.store(true, Ordering::Relaxed);
    sleep(live.measure).await;
    counts.measuring.store(false, Ordering::Relaxed);
    let (cpu, own_cpu, took) = (processes.cpu()?, own.cpu()?, record::now() - from);
    let memory = processes.memory()?;

    upstream.end_all();
    let ended = timeout(PATIENCE, async {
        while let Some(reader) = readers.join_next().await {
            reader.context("a reader panicked")??;
        }
        anyhow::Ok(())
    });
    ended.await.context("not every body came to its end in time")??;

    let chunks = counts.chunks.load(Ordering::Relaxed);
    let expected = took as f64 / live.every.as_nanos() as f64 * total as f64;
    let per_chunk = |time: Duration| time.as_secs_f64() * 1e6 / chunks.max(1) as f64;
    let ms = |histogram: &Mutex<_>, quantile| locked(histogram).value_at_quantile(quantile) as f64 / 1e6;
    Ok(Outcome {
        chunks,
        delivered: chunks as f64 / expected,
        cpu_us: per_chunk(cpu.saturating_sub(cpu_before)),
        own_cpu_us: per_chunk(own_cpu.saturating_sub(own_before)),
        p50: ms(&counts.latency, 0.5),
        p99: ms(&counts.latency, 0.99),
        max: ms(&counts.latency, 1.0),
        end_p50: ms(&counts.ends, 0.5),
        end_p99: ms(&counts.ends, 0.99),
        head_p50: ms(&counts.heads, 0.5),
        memory_before,
        memory,
        upstream_requests: upstream.requests() - requests,
    })
}

/// The first reader of every stream, then the others.
async fn start(
    live: &Live,
    target: &Target,
    headers: &str,
    upstream: &Upstream,
    counts: &Arc<Counts>,
    readers: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let every_us = u64::try_from(live.every.as_micros())?;
    let run = record::now();
    let opening = Arc::new(Semaphore::new(OPENING));
    for reader in 0..live.readers {
        let mut opened = JoinSet::new();
        for stream in 0..live.streams {
            let name = format!("{}-{run}-{stream}", std::process::id());
            let stream = Stream { name, chunk: live.chunk, every_us, chunks: 0 };
            let (target, headers, counts) = (target.clone(), headers.to_owned(), Arc::clone(counts));
            let opening = Arc::clone(&opening);
            opened.spawn(async move {
                let _permit = opening.acquire().await?;
                let from = record::now();
                let path = stream.path();
                let asked = Reading::open(&target, &path, &headers, reader == 0);
                let reading = timeout(PATIENCE, asked).await.context("no answer in time")??;
                if reader == 0 {
                    note(&counts.heads, from);
                }
                anyhow::Ok((stream, reading))
            });
        }
        while let Some(opened) = opened.join_next().await {
            let (stream, reading) = opened.context("a client panicked")??;
            readers.spawn(follow(stream, reading, upstream.clone(), Arc::clone(counts), live.readers == 1));
        }
    }
    Ok(())
}

async fn follow(
    stream: Stream,
    mut reading: Reading,
    upstream: Upstream,
    counts: Arc<Counts>,
    is_alone: bool,
) -> Result<()> {
    let mut records = Records::new(stream.chunk);
    loop {
        let is_first = records.count() == 0;
        let goes_on = reading.next(|bytes| {
            records.take(bytes, |date| {
                if counts.measuring.load(Ordering::Relaxed) {
                    note(&counts.latency, date);
                    counts.chunks.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let goes_on = goes_on.await?;
        if is_first && records.count() > 0 {
            counts.begun.fetch_add(1, Ordering::Relaxed);
        }
        if !goes_on {
            break;
        }
    }
    if records.is_inside() {
        bail!("the body of {} ended inside a chunk", stream.name);
    }
    if is_alone {
        let ended = upstream.ended_at(&stream.name);
        note(&counts.ends, ended.with_context(|| format!("{} ended before its upstream", stream.name))?);
    }
    Ok(())
}

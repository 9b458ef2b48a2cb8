//! Loads that are more than comfortable, checked to the byte: nothing is lost, and memory does not depend on how
//! slowly somebody reads.

mod attacked;
mod churn;
mod crowd;
mod follower;
mod slow;

pub use attacked::{Attack, Attacked};
pub use churn::Churn;
pub use crowd::Crowd;
pub use slow::Slow;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::Target;
use crate::process::Processes;
use crate::upstream::Upstream;

/// What a load came to.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// What was loaded, in words.
    pub load: String,
    /// Recordings.
    pub recordings: usize,
    /// Readers, all that there were.
    pub readers: u64,
    /// Records that arrived in order and whole.
    pub records: u64,
    /// Milliseconds from the upstream's sending to the reader's getting, of half and of 99 in 100 records that
    /// came live.
    pub late_ms: Option<[f64; 2]>,
    /// Resident megabytes (10⁶) before, and at most.
    pub memory_mb: [f64; 2],
    /// CPU seconds.
    pub cpu_s: f64,
    /// Seconds in all.
    pub seconds: f64,
    /// What was lost, cut or refused; empty where all is well.
    pub faults: Vec<String>,
}

/// What all loads have at hand.
#[derive(Debug, Clone)]
pub struct Place {
    /// Whom to ask.
    pub target: Target,
    /// Whom it asks.
    pub upstream: Upstream,
    /// What is measured.
    pub processes: Processes,
}

/// Most faults are told once.
const FAULTS_MAX: usize = 10;

fn note(faults: &mut Vec<String>, fault: &anyhow::Error) {
    if faults.len() < FAULTS_MAX {
        faults.push(format!("{fault:#}"));
    }
}

/// Waits for all readers. Returns the records that they read, and what went wrong with some.
async fn all_read(mut readers: JoinSet<Result<u64>>) -> Result<(u64, Vec<String>)> {
    let (mut records, mut faults) = (0, Vec::new());
    while let Some(ended) = readers.join_next().await {
        match ended? {
            Ok(read) => records += read,
            Err(fault) => note(&mut faults, &fault),
        }
    }
    Ok((records, faults))
}

/// Watches memory while a load runs.
struct Gauge {
    processes: Processes,
    before: u64,
    peak: Rc<Cell<u64>>,
    cpu: Duration,
    since: Instant,
    watching: tokio::task::JoinHandle<()>,
}

impl Gauge {
    fn start(processes: &Processes) -> Result<Self> {
        let before = processes.memory().context("the memory before")?;
        let peak = Rc::new(Cell::new(before));
        let (theirs, watched) = (Rc::clone(&peak), processes.clone());
        let watching = tokio::task::spawn_local(async move {
            let mut ticks = interval(Duration::from_millis(500));
            loop {
                ticks.tick().await;
                theirs.set(theirs.get().max(watched.memory().unwrap_or(0)));
            }
        });
        let cpu = processes.cpu()?;
        Ok(Self { processes: processes.clone(), before, peak, cpu, since: Instant::now(), watching })
    }

    /// Memory before and at most, CPU seconds, seconds.
    fn stop(self) -> Result<([f64; 2], f64, f64)> {
        self.watching.abort();
        let peak = self.peak.get().max(self.processes.memory()?).max(self.processes.most_memory()?);
        let cpu = self.processes.cpu()?.saturating_sub(self.cpu);
        let memory = [self.before as f64 / 1e6, peak as f64 / 1e6];
        Ok((memory, cpu.as_secs_f64(), self.since.elapsed().as_secs_f64()))
    }
}

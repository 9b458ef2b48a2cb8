//! Faults, seeded. `cargo xtask chaos` builds what this needs and starts it.
//!
//! ```text
//!   client ──▶ proxy ──▶ recorder ──▶ proxy ──▶ upstream
//!  (Node or    breaks    killed,      breaks    sends what
//!   a page)              disk full              the seed says
//! ```
//!
//! One run is one seed ([`plan::Plan`]): a body, its pace, and what goes wrong at which byte. Afterwards
//! ([`verdict`]) the app must hold exactly what the upstream sent, if the recorder says that the recording is
//! complete; otherwise it must hold an error. A clean end that is short, or no end at all, fails the run. With `--cluster`,
//! [three recorders](cluster) take the place of the one.

mod clients;
mod cluster;
mod counts;
mod lane;
mod listen;
mod plan;
mod proxy;
mod recorder;
mod tally;
mod upstream;
mod verdict;
mod way;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

use crate::lane::Lane;
use crate::plan::{Machine, Plan};
use crate::tally::Tally;
use crate::verdict::Verdict;

/// Breaks connections, disks and recorders under real clients and checks what the app got.
#[derive(Parser)]
#[command(args_override_self = true)]
struct Options {
    /// How many runs.
    #[arg(long, default_value_t = 1000)]
    runs: u64,
    /// The seed of the first run; the others follow it. [default: random, and printed]
    #[arg(long)]
    from: Option<u64>,
    /// Only this run, with all it does.
    #[arg(long)]
    seed: Option<u64>,
    /// Of these seeds, those alone in which others fill the recorder's disk for a while.
    #[arg(long)]
    full_for_a_while: bool,
    /// Three recorders that share a database, in place of one.
    #[arg(long, conflicts_with_all = ["full_for_a_while", "engine"])]
    cluster: bool,
    /// How long a recorder of a cluster that is not heard of has what it has: 8s, 1500ms.
    #[arg(long, default_value = "8s", value_parser = time)]
    lease: Duration,
    /// Runs at the same time, each with its own recorder and client.
    #[arg(long, default_value_t = 4)]
    lanes: u64,
    /// The recorder's binary.
    #[arg(long)]
    recorder: PathBuf,
    /// The program that reads, run by Node.
    #[arg(long)]
    client: PathBuf,
    /// Every client is a page in this browser. [default: Node, and one run in eight in Chromium]
    #[arg(long, value_parser = ["chromium", "firefox", "webkit"])]
    engine: Option<String>,
}

fn time(text: &str) -> Result<Duration, String> {
    let ms = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(ms), _) => ms.parse().ok(),
        (_, Some(secs)) => secs.parse::<u64>().ok().map(|secs| secs * 1000),
        _ => None,
    };
    ms.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is not a time: write 8s or 1500ms"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run(Options::parse()) => ended,
        told = told_to_end() => Err(told),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What runs ends with this program, and its disks are unmounted.
async fn told_to_end() -> anyhow::Error {
    let told = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    match told {
        [Ok(mut interrupt), Ok(mut terminate)] => {
            tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
            anyhow::anyhow!("told to end")
        }
        [Err(error), _] | [_, Err(error)] => error.into(),
    }
}

/// Whether every run kept the promise.
async fn run(options: Options) -> Result<bool> {
    let options = Arc::new(options);
    let (from, runs) = match options.seed {
        Some(seed) => (seed, 1),
        None => (options.from.unwrap_or_else(|| fastrand::u64(..1 << 32)), options.runs),
    };
    println!("{runs} runs, seeds {from} to {}", from + runs - 1);
    if options.cluster {
        let (recorder, client) = (options.recorder.clone(), options.client.clone());
        let (in_full, lanes, lease) = (options.seed.is_some(), options.lanes, options.lease);
        let seeds = from..from + runs;
        return cluster::run(cluster::Options { seeds, in_full, lanes, lease, recorder, client }).await;
    }
    let fills_disks = recorder::small_disk(4).await.is_some();
    let machine = Machine { fills_disks, only_pages: options.engine.is_some() };
    if !fills_disks {
        println!("a full disk is left out: it takes a small tmpfs, and mounting one takes root");
    }
    let (next, tally) = (Arc::new(AtomicU64::new(from)), Arc::new(Mutex::new(Tally::default())));
    let began = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..options.lanes.min(runs) {
        let (options, next, tally) = (options.clone(), next.clone(), tally.clone());
        lanes.spawn(async move {
            let mut lane = Lane::new(&options.recorder, &options.client, options.engine.as_deref());
            let mut last = None;
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= from + runs {
                    break;
                }
                let plan = Plan::of(seed, machine);
                if options.full_for_a_while && plan.ballast.is_none() {
                    continue;
                }
                let told = lane.run(&plan).await.with_context(|| format!("seed {seed}"))?;
                if options.seed.is_some() {
                    println!("{plan:#?}\n{told:#?}");
                }
                if told.is_bad() {
                    println!("seed {seed}: {}\n  {plan:?}\n  {told:?}", told.verdict());
                    // Whatever hangs there must not spoil the next run.
                    lane.renew().await;
                }
                last = Some(plan.clone());
                tally.lock().await.add(&plan, &told);
            }
            let uncaught = lane.renew().await;
            if let Some(plan) = last.filter(|_| !uncaught.is_empty()) {
                println!("seed {} or one before: {}\n  {uncaught:?}", plan.seed, Verdict::Uncaught);
                tally.lock().await.add_late(&plan);
            }
            anyhow::Ok(())
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let tally = tally.lock().await;
    println!("\n{tally}\n{} runs in {:.0} s", tally.runs(), began.elapsed().as_secs_f64());
    for seed in tally.bad() {
        println!("again: cargo xtask chaos --seed {seed}");
    }
    Ok(tally.bad().is_empty())
}

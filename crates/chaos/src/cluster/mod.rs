//! Faults under three recorders that share a database. `cargo xtask chaos --cluster` starts it.
//!
//! ```text
//!  client ─▶ balancer ─▶ three recorders ─▶ upstream
//!  others ─────────────▶   │ killed, paused, told to end, out of room
//!                          ├─▶ pipes ─▶ each other
//!                          └─▶ pipes ─▶ PostgreSQL
//!                              cut,     stopped, slow
//!                              silent
//! ```
//!
//! One run is one seed ([`plan::Plan`]). The app reads by the balancer, which gives each connection to the next recorder; others
//! read at a recorder of their own, and all the while the app's request comes once more, at each of them. Afterwards
//! ([`verdict`]) everybody must hold what the upstream sent, or an error after a prefix of it, and all recorders must give the
//! same.

mod database;
mod http;
mod pipe;
mod plan;
mod ports;
mod readers;
mod run;
mod tally;
mod verdict;
mod world;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use self::plan::{Cluster, Plan};
use self::tally::Tally;
use self::verdict::Told;
use self::world::World;
use crate::clients::Client;
use crate::recorder::small_disk;

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) seeds: Range<u64>,
    /// With all that happens.
    pub(crate) in_full: bool,
    pub(crate) lanes: u64,
    pub(crate) lease: Duration,
    pub(crate) recorder: PathBuf,
    pub(crate) client: PathBuf,
}

/// What a lane has running.
struct Lane {
    world: Arc<World>,
    client: Client,
}

/// Whether every run kept the promise.
pub(crate) async fn run(options: Options) -> Result<bool> {
    let programs = database::programs()?;
    let cluster = Cluster { lease: options.lease, fills_disks: small_disk(4).await.is_some() };
    if !cluster.fills_disks {
        println!("a full disk is left out: it takes a small tmpfs, and mounting one takes root");
    }
    let next = Arc::new(AtomicU64::new(options.seeds.start));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for _ in 0..options.lanes.min(options.seeds.end - options.seeds.start) {
        let (options, programs) = (options.clone(), programs.clone());
        let (next, tally) = (Arc::clone(&next), Arc::clone(&tally));
        lanes.spawn(async move {
            let mut lane: Option<Lane> = None;
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= options.seeds.end {
                    break;
                }
                let lane_now = match &mut lane {
                    Some(lane) => lane,
                    None => lane.insert(Lane {
                        world: Arc::new(World::open(&options.recorder, &programs, cluster).await?),
                        client: Client::start(&options.client, None).await?,
                    }),
                };
                let plan = Plan::of(seed, cluster);
                let run = lane_now.world.run(&plan, &mut lane_now.client).await;
                let run = run.with_context(|| format!("seed {seed}: {plan:?}"))?;
                let told = Told::of(&plan, cluster, run);
                println!("seed {seed}: {}: {}{told}", plan.kinds().join("; "), told.verdict);
                if options.in_full {
                    println!("{plan:#?}\n{}", told.run);
                }
                if told.verdict.is_bad() {
                    println!("{plan:?}\n{}", told.run);
                }
                if told.verdict.is_bad() || options.in_full {
                    for (node, log) in lane_now.world.logs().await.iter().enumerate() {
                        println!("seed {seed}, recorder {node}:\n{log}");
                    }
                }
                if told.verdict.is_bad() {
                    // Whatever hangs there must not spoil the next run.
                    lane = None;
                }
                tally.lock().await.add(&plan, &told);
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
        println!("again: cargo xtask chaos --cluster --lease {}ms --seed {seed}", options.lease.as_millis());
    }
    Ok(tally.bad().is_empty())
}

//! `cargo xtask bench worker`: the recorder on Durable Objects beside the original's worker, case by case in turn, on
//! the same workerd, and beside what workerd takes for itself.

mod cases;
mod peers;
mod report;

use std::fs;
use std::sync::mpsc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::demo::service::Service;
use crate::repo::Repo;
use crate::{measured, npm, worker};

use cases::{CASES, Case, Figure};
use peers::{ORIGINAL, PEERS, Peer};

const REPORT: &str = "docs/benchmarks-worker.md";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds; the medians are reported.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Print the figures and leave docs/ alone.
    #[arg(long)]
    print: bool,
}

/// By case, peer and figure: a value a round.
type Results = Vec<Vec<Vec<Vec<f64>>>>;

/// Sets up all, measures, prints, and writes docs/benchmarks-worker.md.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    worker::build(repo)?;
    npm::ensure(repo, ORIGINAL)?;
    measured::build(repo, &["durablefetch-bench"])?;

    let stores = repo.target().join("bench-worker");
    let mut results: Results =
        CASES.iter().map(|case| vec![vec![Vec::new(); case.figures.len()]; case.peers.len()]).collect();
    for round in 0..options.rounds {
        for (case, results) in CASES.iter().zip(&mut results) {
            for (peer, results) in PEERS[case.peers.clone()].iter().zip(results) {
                eprintln!("  round {} of {}: {}, {}", round + 1, options.rounds, case.name, peer.name);
                // Each case anew: a worker that was driven into the ground stays slow.
                if stores.exists() {
                    fs::remove_dir_all(&stores)
                        .with_context(|| format!("cannot empty {}", stores.display()))?;
                }
                let (events, _ended) = mpsc::channel();
                let command = peer.command(repo, &stores)?;
                let service = Service::start(peer.name, command, worker::LISTENING, &events)?;
                for (value, values) in measure(repo, case, peer, &service)?.into_iter().zip(results) {
                    values.push(value);
                }
            }
        }
    }
    let report = report::of(repo, options.rounds, &results)?;
    println!("{report}");
    if !options.print {
        fs::write(repo.path(REPORT), report).with_context(|| format!("cannot write {REPORT}"))?;
    }
    Ok(())
}

/// The median of each figure over the load generator's lines that count.
fn measure(repo: &Repo, case: &Case, peer: &Peer, service: &Service) -> Result<Vec<f64>> {
    let bench = repo.target().join("release/durablefetch-bench");
    let mut command = repo.command(&bench.to_string_lossy());
    command.args(case.arguments);
    command.arg("--target").arg(format!("{}/{}{{upstream}}", service.address(), peer.prefix));
    command.arg("--pid").arg(service.pid().to_string());
    let output = command.output().context("cannot run the load generator")?;
    ensure!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout)?;
    let lines: Vec<Value> =
        lines.lines().skip(case.from).map(serde_json::from_str).collect::<Result<_, _>>()?;
    let value = |figure: &Figure| {
        let values: Option<Vec<f64>> = lines.iter().map(|line| line[figure.field].as_f64()).collect();
        let values = values.filter(|values| !values.is_empty());
        values.map(|values| median(&values)).with_context(|| format!("{}: no {}", case.name, figure.field))
    };
    case.figures.iter().map(value).collect()
}

/// The middle one; NaN where there is none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

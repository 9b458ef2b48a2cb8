//! `cargo xtask bench worker`: the recorder on Durable Objects beside the original's worker, case by case in turn, on
//! the same workerd.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::demo::service::Service;
use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;
use crate::{npm, worker};

/// Where the original's npm package is a dependency.
const ORIGINAL: &str = "tests/seed-compat";
const CONFIG: &str = include_str!("original.capnp");
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

/// What is run, by the arguments of the load generator, and which of its runs counts.
struct Case {
    name: &'static str,
    arguments: &'static [&'static str],
    /// Of the lines that the load generator prints, those that are measured begin here.
    from: usize,
    figures: &'static [Figure],
}

struct Figure {
    name: &'static str,
    /// The field of the load generator's JSON.
    field: &'static str,
    goal: Goal,
}

/// What the figure should be.
enum Goal {
    /// At most so many times the original's.
    Ratio(f64),
    /// At least so many times the original's.
    Times(f64),
    /// Less than this, whatever the original's.
    Below(f64),
    Nothing,
}

const fn figure(name: &'static str, field: &'static str, goal: Goal) -> Figure {
    Figure { name, field, goal }
}

const CASES: &[Case] = &[
    Case {
        name: "50 streams × 1 reader, 150 B every 20 ms",
        arguments: &["live", "--streams", "50", "--readers", "1", "--seconds", "4"],
        from: 0,
        figures: &[
            figure("CPU per chunk, µs", "cpu_us", Goal::Ratio(0.25)),
            figure("latency p50, ms", "p50", Goal::Nothing),
            figure("latency p99, ms", "p99", Goal::Below(50.0)),
            figure("delivered while measured", "delivered", Goal::Nothing),
        ],
    },
    Case {
        name: "10 streams × 20 readers, 150 B every 20 ms",
        arguments: &["live", "--streams", "10", "--readers", "20", "--seconds", "4"],
        from: 0,
        figures: &[
            figure("CPU per delivered chunk, µs", "cpu_us", Goal::Ratio(1.0 / 3.0)),
            figure("latency p50, ms", "p50", Goal::Nothing),
            figure("latency p99, ms", "p99", Goal::Nothing),
            figure("delivered while measured", "delivered", Goal::Nothing),
        ],
    },
    Case {
        name: "replay of 20,000 × 200 B",
        arguments: &["bulk", "--megabytes", "4", "--chunk", "200", "--times", "4"],
        from: 1,
        figures: &[
            figure("MB/s", "mb_s", Goal::Times(50.0)),
            figure("first byte, ms", "first_ms", Goal::Below(20.0)),
        ],
    },
    Case {
        name: "ingest of 16 KiB chunks, 32 MB",
        arguments: &["bulk", "--megabytes", "32", "--chunk", "16384", "--times", "1"],
        from: 0,
        figures: &[figure("MB/s", "mb_s", Goal::Times(10.0))],
    },
];

/// Sets up both, measures, prints, and writes docs/benchmarks-worker.md.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    worker::build(repo)?;
    npm::ensure(repo, ORIGINAL)?;
    let mut build = repo.command("cargo");
    build.args(["build", "--release", "-p", "durablefetch-bench"]);
    Step::new(repo, "cargo build --release of the load generator", build).run()?;

    let stores = repo.target().join("bench-worker");
    if stores.exists() {
        fs::remove_dir_all(&stores).with_context(|| format!("cannot empty {}", stores.display()))?;
    }
    // [case][figure] of each, a value a round.
    let shape = || CASES.iter().map(|case| vec![Vec::new(); case.figures.len()]).collect::<Vec<_>>();
    let mut results = [shape(), shape()];
    for round in 0..options.rounds {
        for (at, case) in CASES.iter().enumerate() {
            for (who, name) in ["ours", "original"].into_iter().enumerate() {
                eprintln!("  round {} of {}: {}, {name}", round + 1, options.rounds, case.name);
                // Each case anew: a worker that was driven into the ground stays slow.
                let store = stores.join(format!("{name}-{at}-{round}"));
                let command = if who == 0 { ours(repo, &store)? } else { original(repo, &store)? };
                let (events, _ended) = mpsc::channel();
                let service = Service::start(name, command, worker::LISTENING, &events)?;
                let values = measure(repo, case, &service)?;
                for (figure, value) in values.into_iter().enumerate() {
                    results[who][at][figure].push(value);
                }
            }
        }
    }
    let report = report(repo, options.rounds, &results)?;
    println!("{report}");
    if !options.print {
        fs::write(repo.path(REPORT), report).with_context(|| format!("cannot write {REPORT}"))?;
    }
    Ok(())
}

fn ours(repo: &Repo, store: &Path) -> Result<Command> {
    worker::serve(repo, store, "127.0.0.1:0")
}

fn original(repo: &Repo, store: &Path) -> Result<Command> {
    let storage = store.join("storage");
    fs::create_dir_all(&storage)?;
    let modules = repo.path(ORIGINAL).join("node_modules");
    fs::copy(modules.join("original/dist/cloudflare.js"), store.join("cloudflare.js"))?;
    let config = store.join("original.capnp");
    fs::write(&config, CONFIG)?;
    let mut command = repo.command(&worker::workerd(repo).to_string_lossy());
    command.arg("serve").arg(config).arg("--control-fd=1");
    command.arg("--directory-path").arg(format!("storage={}", storage.display()));
    // It logs every request.
    command.arg("--socket-addr=http=127.0.0.1:0");
    Ok(command)
}

/// The median of each figure over the load generator's lines that count.
fn measure(repo: &Repo, case: &Case, service: &Service) -> Result<Vec<f64>> {
    let bench = repo.target().join("release/durablefetch-bench");
    let mut command = repo.command(&bench.to_string_lossy());
    command.args(case.arguments);
    command.arg("--target").arg(format!("{}/{{upstream}}", service.address()));
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

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(repo: &Repo, rounds: u16, results: &[Vec<Vec<Vec<f64>>>; 2]) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workerd: Value =
        serde_json::from_str(&repo.read("crates/worker/tools/node_modules/workerd/package.json")?)?;
    let mut text = format!(
        "# The worker, measured\n\nThe recorder on Durable Objects beside the worker of durablefetch 0.1.0 (from npm), both on workerd {}, case by \
         case in turn, each case on a fresh process and an empty store. Medians of {rounds} rounds on {cores} cores with {}. \
         One process is upstream and clients. `cargo xtask bench worker` writes this page.\n",
        workerd["version"].as_str().unwrap_or_default(),
        version_line(repo, "rustc").unwrap_or_default(),
    );
    for (at, case) in CASES.iter().enumerate() {
        write!(
            text,
            "\n## {}\n\n| | durablefetch | 0.1.0 | ratio | goal | |\n|---|---|---|---|---|---|\n",
            case.name
        )?;
        for (index, figure) in case.figures.iter().enumerate() {
            let [ours, theirs] = [0, 1].map(|who: usize| median(&results[who][at][index]));
            let (goal, met) = judge(&figure.goal, ours, theirs);
            let name = figure.name;
            writeln!(
                text,
                "| {name} | {} | {} | {:.3} | {goal} | {met} |",
                short(ours),
                short(theirs),
                ours / theirs
            )?;
        }
    }
    Ok(text)
}

/// The goal in words, and whether it is met.
fn judge(goal: &Goal, ours: f64, theirs: f64) -> (String, &'static str) {
    let (text, met) = match goal {
        Goal::Ratio(most) => (format!("≤ {most:.2} ×"), ours <= theirs * most),
        Goal::Times(least) => (format!("≥ {least} ×"), ours >= theirs * least),
        Goal::Below(most) => (format!("< {most}"), ours < *most),
        Goal::Nothing => return (String::new(), ""),
    };
    (text, if met { "met" } else { "missed" })
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged() {
        assert_eq!(judge(&Goal::Ratio(0.25), 1.0, 4.0).1, "met");
        assert_eq!(judge(&Goal::Ratio(0.25), 1.1, 4.0).1, "missed");
        assert_eq!(judge(&Goal::Times(10.0), 99.0, 10.0).1, "missed");
        assert_eq!(judge(&Goal::Below(50.0), 49.0, 1.0).1, "met");
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }
}

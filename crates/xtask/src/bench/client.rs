//! `cargo xtask bench client`: the client in Chromium beside native fetch. What is measured is in `tests/bench`.

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::{browser, measured, npm, package};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of each comparison.
    #[arg(long, default_value_t = 11)]
    rounds: u32,
    /// Only these: imports, opened, bulk, live, latency, ends, heap, gaps. The page is left as it is then.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Measures and writes `docs/benchmarks-client.md`, and every single figure into `target/bench/client.json`.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    package::run(repo)?;
    npm::ensure(repo, "examples/chat")?;
    npm::ensure(repo, "tests/lib")?;
    npm::ensure(repo, "crates/bench/peers")?;
    let release = measured::build(repo, &["durablefetch-server"])?;

    let mut bench = repo.command("node");
    bench.arg(repo.path("tests/bench/client.js"));
    bench.envs(browser::ensure_engines(repo)?.variables());
    bench.env("RECORDER_BIN", release.join("durablefetch"));
    bench.env("BENCH_ROUNDS", options.rounds.to_string());
    if options.only.is_empty() {
        bench.env("BENCH_MARKDOWN", repo.path("docs/benchmarks-client.md"));
        bench.env("BENCH_JSON", repo.target().join("bench/client.json"));
    } else {
        bench.env("BENCH_ONLY", options.only.join(","));
    }
    let status = bench.status().context("cannot start node")?;
    if !status.success() {
        bail!("tests/bench/client.js failed ({status})");
    }
    Ok(())
}

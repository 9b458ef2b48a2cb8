//! `cargo xtask bench distant`: time to the first byte of an upstream over TLS.

use anyhow::{Context, Result, ensure};

use crate::measured;
use crate::repo::Repo;

/// Prints a table, as Markdown.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    let release = measured::build(repo, &["durablefetch-server", "durablefetch-bench"])?;
    let mut bench = repo.command(&release.join("durablefetch-bench").to_string_lossy());
    bench.args(["distant", "--recorder"]).arg(release.join("durablefetch"));
    let status = bench.status().context("cannot start the load generator")?;
    ensure!(status.success(), "the benchmark ended with {status}; what it said is above");
    Ok(())
}

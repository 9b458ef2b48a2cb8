//! `cargo xtask bench sweep`: starts beside the housekeeping of a large store.

use anyhow::Result;

use crate::measured;
use crate::repo::Repo;

/// Prints a table, as Markdown.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    let release = measured::build_generator(repo)?;
    let mut bench = measured::generator(repo);
    bench.args(["sweep", "--recorder"]).arg(release.join("durablefetch"));
    measured::run(bench)
}

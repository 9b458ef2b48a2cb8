//! `cargo xtask bench distant`: time to the first byte of an upstream over TLS.

use anyhow::Result;

use crate::measured;
use crate::repo::Repo;

/// Prints a table, as Markdown.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    let release = measured::build_generator(repo)?;
    let mut bench = measured::generator(repo);
    bench.args(["distant", "--recorder"]).arg(release.join("durablefetch"));
    measured::run(bench)
}

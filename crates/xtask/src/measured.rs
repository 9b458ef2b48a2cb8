//! Programs of this workspace as they are shipped: what is measured.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::repo::Repo;

/// Builds the programs of these packages. Returns the folder that they are in.
pub(crate) fn build(repo: &Repo, packages: &[&str]) -> Result<PathBuf> {
    let mut command = repo.command("cargo");
    command.args(["build", "--release"]).args(packages.iter().flat_map(|package| ["-p", package]));
    Step::new(repo, format!("cargo build --release of {}", packages.join(" and ")), command).run()?;
    Ok(repo.target().join("release"))
}

/// Builds the recorder and the load generator. Returns the folder that they are in.
pub(crate) fn build_generator(repo: &Repo) -> Result<PathBuf> {
    build(repo, &["durablefetch-server", "durablefetch-bench"])
}

/// The load generator, once it is built.
pub(crate) fn generator(repo: &Repo) -> Command {
    repo.command(&repo.target().join("release/durablefetch-bench").to_string_lossy())
}

/// Runs the load generator to its end. What it prints is for people.
pub(crate) fn run(mut generator: Command) -> Result<()> {
    let status = generator.status().context("cannot start the load generator")?;
    ensure!(status.success(), "the benchmark ended with {status}; what it said is above");
    Ok(())
}

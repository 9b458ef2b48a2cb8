//! `cargo xtask bench against REF`: the recorder beside the one of another commit, in one run.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::repo::Repo;
use crate::{checkout, measured};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The commit to compare with, as git names it.
    reference: String,
    /// Rounds; in each, both are measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// This live case alone, such as live-50x1; may be repeated.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
}

pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let mut rev = repo.command("git");
    rev.args(["rev-parse", "--verify", &format!("{}^{{commit}}", options.reference)]);
    let found = rev.output().context("cannot start git")?;
    let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if !found.status.success() {
        bail!("git knows no commit `{}`", options.reference);
    }
    let root = repo.target().join("against").join(&commit);
    checkout::at(repo, &root, &commit, "the other commit")?;
    let other_target = repo.target().join("against/target");
    let mut other = Command::new("cargo");
    other.current_dir(&root).env("CARGO_TARGET_DIR", &other_target);
    other.args(["build", "--release", "-p", "durablefetch-server"]);
    Step::new(repo, "cargo build --release of the other recorder", other).run()?;
    let release = measured::build_generator(repo)?;
    let mut bench = measured::generator(repo);
    bench.arg("against").arg("--recorder").arg(release.join("durablefetch"));
    bench.arg("--other").arg(other_target.join("release/durablefetch"));
    bench.args(["--rounds", &options.rounds.to_string()]);
    for case in &options.only {
        bench.args(["--only", case]);
    }
    measured::run(bench)
}

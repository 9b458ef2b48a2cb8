//! Programs of this workspace as they are shipped: what is measured.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::Step;
use crate::repo::Repo;

/// Builds the programs of these packages. Returns the folder that they are in.
pub(crate) fn build(repo: &Repo, packages: &[&str]) -> Result<PathBuf> {
    let mut command = repo.command("cargo");
    command.args(["build", "--release"]).args(packages.iter().flat_map(|package| ["-p", package]));
    Step::new(repo, format!("cargo build --release of {}", packages.join(" and ")), command).run()?;
    Ok(repo.target().join("release"))
}

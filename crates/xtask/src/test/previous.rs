//! The version before this one, built from its last commit: what tests of both versions run beside ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::checkout;
use crate::progress::Step;
use crate::repo::Repo;

/// Its first two numbers, and its last commit.
const VERSION: &str = "0.2";
const COMMIT: &str = "a44cb855fb3b378e9b5769181f276d717034d652";

/// What it consists of.
pub(super) struct Previous {
    /// Its recorder.
    pub(super) recorder: PathBuf,
    /// Its npm package, a folder.
    pub(super) package: PathBuf,
}

/// Builds it in a worktree below `target/`, unless that is done.
pub(super) fn ensure(repo: &Repo) -> Result<Previous> {
    let versions = repo.target().join("versions");
    fs::create_dir_all(&versions).with_context(|| format!("cannot make {}", versions.display()))?;
    let root = versions.join(VERSION);
    let previous = Previous { recorder: root.join("target/debug/durablefetch"), package: root.join("pkg") };
    // Written last: tells that the build has finished.
    let stamp = versions.join(format!("{VERSION}.stamp"));
    if fs::read_to_string(&stamp).is_ok_and(|built| built == COMMIT) {
        return Ok(previous);
    }
    checkout::at(repo, &root, COMMIT, VERSION)?;
    let build = ["build", "-p", "durablefetch-server", "--bin", "durablefetch"];
    run(repo, &root, "cargo", &build, "build the recorder")?;
    // By its own xtask, with the tools of this one where they are of the same version.
    run(repo, &root, "cargo", &["xtask", "package"], "build the package")?;
    fs::write(&stamp, COMMIT).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(previous)
}

fn run(repo: &Repo, root: &Path, program: &str, arguments: &[&str], what: &str) -> Result<()> {
    let mut command: Command = repo.command(program);
    command.args(arguments).current_dir(root).env("CARGO_TARGET_DIR", root.join("target"));
    Step::new(repo, format!("{what} of {VERSION}"), command).run()
}

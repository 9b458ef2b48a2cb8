//! Who is measured, each on a workerd of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::repo::Repo;
use crate::worker;

/// Where the original's npm package is a dependency.
pub(super) const ORIGINAL: &str = "tests/seed-compat";

/// One that stands between upstream and clients.
pub(super) struct Peer {
    /// In the report.
    pub(super) name: &'static str,
    /// What comes before the upstream in the paths that it takes.
    pub(super) prefix: &'static str,
    serve: fn(&Repo, &Path) -> Result<Command>,
}

/// This repository's and the original, which are compared; then what workerd takes for itself.
pub(super) const PEERS: [Peer; 4] = [
    Peer { name: "durablefetch", prefix: "", serve: ours },
    Peer { name: "0.1.0", prefix: "", serve: original },
    Peer { name: "fan-out in JavaScript", prefix: "fan/", serve: floor },
    Peer { name: "passed through", prefix: "pass/", serve: floor },
];

impl Peer {
    /// The program, with an empty folder for what it stores.
    pub(super) fn command(&self, repo: &Repo, store: &Path) -> Result<Command> {
        (self.serve)(repo, store)
    }
}

fn ours(repo: &Repo, store: &Path) -> Result<Command> {
    worker::serve(repo, store, "127.0.0.1:0")
}

fn original(repo: &Repo, store: &Path) -> Result<Command> {
    let script = repo.path(ORIGINAL).join("node_modules/original/dist/cloudflare.js");
    let script = fs::read(&script).with_context(|| format!("cannot read {}", script.display()))?;
    workerd(repo, store, &repo.read("tests/seed-compat/original.capnp")?, ("cloudflare.js", &script))
}

fn floor(repo: &Repo, store: &Path) -> Result<Command> {
    workerd(repo, store, include_str!("floor.capnp"), ("floor.js", include_bytes!("floor.js")))
}

/// workerd with one module beside its configuration.
fn workerd(repo: &Repo, store: &Path, config: &str, (name, script): (&str, &[u8])) -> Result<Command> {
    let storage = store.join("storage");
    fs::create_dir_all(&storage)?;
    fs::write(store.join(name), script)?;
    let at = store.join("config.capnp");
    fs::write(&at, config)?;
    let mut command = repo.command(&worker::workerd(repo).to_string_lossy());
    command.arg("serve").arg(at).arg("--control-fd=1");
    command.arg("--directory-path").arg(format!("storage={}", storage.display()));
    command.arg("--socket-addr=http=127.0.0.1:0");
    Ok(command)
}

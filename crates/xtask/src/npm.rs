//! npm packages of one folder, installed from its lockfile.

use std::fs;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::require_node;

/// `npm ci` in a folder of the repository, unless the installed packages are already those of the lockfile.
pub(crate) fn ensure(repo: &Repo, folder: &str) -> Result<()> {
    require_node(repo)?;
    let lock = repo.read(&format!("{folder}/package-lock.json"))?;
    // npm leaves nothing that tells whether an installation finished: a copy of the lockfile, written last, does.
    let stamp = repo.path(folder).join("node_modules/.xtask-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut command = repo.command("npm");
    command.args(["ci", "--no-audit", "--no-fund"]).current_dir(repo.path(folder));
    Step::new(repo, format!("npm ci in {folder}"), command)
        .remedy("this needs the npm registry; check the network (or the proxy in ~/.npmrc) and run it again")
        .run()?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

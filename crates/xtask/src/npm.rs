//! npm packages: installed from the lockfile of one folder, and packed.

use std::fs;
use std::path::{Path, PathBuf};

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

/// `npm pack` of a package's folder, as `npm publish` would send it. Returns the tarball, which is in the folder `to`.
pub(crate) fn pack(repo: &Repo, package: &Path, to: &Path) -> Result<PathBuf> {
    let manifest = fs::read_to_string(package.join("package.json"))
        .with_context(|| format!("{} is not a package", package.display()))?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest)?;
    let text = |key: &str| manifest[key].as_str().with_context(|| format!("package.json has no {key}"));
    let (name, version) = (text("name")?, text("version")?);
    let mut command = repo.command("npm");
    command.arg("pack").arg(package).arg("--pack-destination").arg(to);
    Step::new(repo, format!("npm pack of {name}"), command).run()?;
    Ok(to.join(format!("{name}-{version}.tgz")))
}

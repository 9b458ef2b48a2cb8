//! Programs from PyPI, each set of them in an environment of its own below `target/`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

/// Installs packages, as `ziglang==0.14.1`, unless that was done already. Returns the folder of their programs.
pub(crate) fn ensure(repo: &Repo, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let environment = repo.tools_root().join(name);
    let bin = environment.join("bin");
    let all = packages.join(" ");
    // Written last, so that it tells of an installation that has finished.
    let stamp = environment.join(".xtask-packages");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == all) {
        return Ok(bin);
    }
    if version_line(repo, "python3").is_none() {
        bail!("Python is missing.\n  what to do: `apt-get install python3-venv`; {all} comes from PyPI");
    }
    let mut make = repo.command("python3");
    make.args(["-m", "venv"]).arg(&environment);
    Step::new(repo, "python3 -m venv", make).remedy("`apt-get install python3-venv` on Debian").run()?;
    let mut install = repo.command(&bin.join("pip").to_string_lossy());
    install.args(["install", "--quiet"]).args(packages);
    Step::new(repo, format!("install {all}"), install)
        .remedy("this needs PyPI; check the network and run it again")
        .run()?;
    fs::write(&stamp, all).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(bin)
}

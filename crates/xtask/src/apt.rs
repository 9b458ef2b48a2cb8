//! Programs of the system that tests drive: found on `PATH`, named by a variable, or installed where that is possible
//! without asking (root on Debian and its relatives).

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

/// A program: the variable that names another one, and what it may be called.
pub(crate) struct Program {
    pub(crate) variable: &'static str,
    pub(crate) names: &'static [&'static str],
}

pub(crate) const NGINX: Program = Program { variable: "NGINX", names: &["nginx"] };
/// Of PostgreSQL's server. Debian has a folder for each version.
pub(crate) const INITDB: Program = Program {
    variable: "INITDB",
    names: &[
        "/usr/lib/postgresql/18/bin/initdb",
        "/usr/lib/postgresql/17/bin/initdb",
        "/usr/lib/postgresql/16/bin/initdb",
        "/usr/lib/postgresql/15/bin/initdb",
    ],
};
pub(crate) const REDIS: Program = Program { variable: "REDIS", names: &["redis-server"] };

/// The variable that names the folder of PostgreSQL's programs.
pub(crate) const POSTGRES: &str = "POSTGRES_BIN";

/// That folder.
pub(crate) fn postgres(repo: &Repo) -> Result<PathBuf> {
    const REMEDY: &str =
        "`sudo apt-get install postgresql` (15 or later), or name its program: INITDB=/path/to/initdb";
    let [initdb] = ensure(repo, [&INITDB], &["postgresql"], REMEDY)?;
    Ok(initdb.parent().map(Path::to_owned).unwrap_or_default())
}

/// All of the programs, after installing these packages if one is missing. `remedy`: for a person who has to do it by hand.
pub(crate) fn ensure<const N: usize>(
    repo: &Repo,
    programs: [&Program; N],
    packages: &[&str],
    remedy: &str,
) -> Result<[PathBuf; N]> {
    if let Some(found) = find(programs)? {
        return Ok(found);
    }
    let all = packages.join(" ");
    if !is_root_on_debian(repo) {
        bail!("`apt-get install {all}` is needed, and this is not root on Debian.\n  what to do: {remedy}");
    }
    let mut update = repo.command("apt-get");
    update.arg("update");
    Step::new(repo, "apt-get update", update).run()?;
    let mut install = repo.command("apt-get");
    install.args(["install", "-y", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    Step::new(repo, format!("apt-get install {all}"), install).remedy(remedy).run()?;
    match find(programs)? {
        Some(found) => Ok(found),
        None => bail!("apt-get installed {all}, but they are not on PATH"),
    }
}

/// All of the programs, if none is missing.
pub(crate) fn find<const N: usize>(programs: [&Program; N]) -> Result<Option<[PathBuf; N]>> {
    let mut found = Vec::new();
    for program in programs {
        found.extend(locate(program)?);
    }
    Ok(found.try_into().ok())
}

/// The program that the variable names, else the first of the names that is on `PATH` or where Debian keeps servers and wine.
fn locate(program: &Program) -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os(program.variable).map(PathBuf::from) {
        if !path.is_file() {
            bail!("{} names {}, which is not a file", program.variable, path.display());
        }
        return Ok(Some(path));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/lib/wine"].map(PathBuf::from));
    let candidates =
        program.names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    Ok(candidates.into_iter().find(|file| file.is_file()))
}

fn is_root_on_debian(repo: &Repo) -> bool {
    rustix::process::geteuid().is_root()
        && Path::new("/etc/debian_version").exists()
        && version_line(repo, "apt-get").is_some()
}

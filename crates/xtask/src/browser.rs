//! Chromium and its WebDriver, for the tests. `CHROMIUM` and `CHROMEDRIVER` name other ones.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::progress::Step;
use crate::repo::Repo;

/// The browser that the tests drive.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Finds both, or installs them where that is possible without asking (root on Debian and its relatives).
pub(crate) fn ensure(repo: &Repo) -> Result<Browser> {
    if let Some(browser) = find()? {
        return Ok(browser);
    }
    if !can_apt_install(repo) {
        bail!(
            "Chromium or its chromedriver is missing.\n  what to do: `sudo apt-get install chromium chromium-driver` \
             (Debian; on other systems the packages `chromium` and `chromedriver` of the same major version), or name \
             them: CHROMIUM=/path/to/chromium CHROMEDRIVER=/path/to/chromedriver"
        );
    }
    let mut update = repo.command("apt-get");
    update.arg("update");
    Step::new(repo, "apt-get update", update).run()?;
    let mut install = repo.command("apt-get");
    install.args(["install", "-y", "--no-install-recommends", "chromium", "chromium-driver"]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    Step::new(repo, "apt-get install chromium chromium-driver", install)
        .remedy("install Chromium and chromedriver yourself, or name them in CHROMIUM and CHROMEDRIVER")
        .run()?;
    match find()? {
        Some(browser) => Ok(browser),
        None => bail!("apt-get installed chromium and chromium-driver, but they are not on PATH"),
    }
}

fn find() -> Result<Option<Browser>> {
    let chromium =
        locate("CHROMIUM", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
    let chromedriver = locate("CHROMEDRIVER", &["chromedriver"])?;
    Ok(match (chromium, chromedriver) {
        (Some(chromium), Some(chromedriver)) => Some(Browser { chromium, chromedriver }),
        _ => None,
    })
}

/// The program that the variable names, else the first of the names that is on `PATH`.
fn locate(variable: &str, names: &[&str]) -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        if !path.is_file() {
            bail!("{variable} names {}, which is no file", path.display());
        }
        return Ok(Some(path));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    Ok(names.iter().find_map(|name| folders.iter().map(|dir| dir.join(name)).find(|file| file.is_file())))
}

fn can_apt_install(repo: &Repo) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    is_root
        && Path::new("/etc/debian_version").exists()
        && crate::tools::version_line(repo, "apt-get").is_some()
}

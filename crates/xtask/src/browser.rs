//! Chromium and its WebDriver, for the tests. `CHROMIUM` and `CHROMEDRIVER` name other ones.

use std::path::PathBuf;

use anyhow::Result;

use crate::apt::{self, Program};
use crate::repo::Repo;

const CHROMIUM: Program = Program {
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
};
const CHROMEDRIVER: Program = Program { variable: "CHROMEDRIVER", names: &["chromedriver"] };

const REMEDY: &str = "`sudo apt-get install chromium chromium-driver` (Debian; on other systems the packages \
     `chromium` and `chromedriver` of the same major version), or name them: CHROMIUM=/path/to/chromium \
     CHROMEDRIVER=/path/to/chromedriver";

/// The browser that the tests drive.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Finds both, or installs them.
pub(crate) fn ensure(repo: &Repo) -> Result<Browser> {
    let packages = ["chromium", "chromium-driver"];
    let [chromium, chromedriver] = apt::ensure(repo, [&CHROMIUM, &CHROMEDRIVER], &packages, REMEDY)?;
    Ok(Browser { chromium, chromedriver })
}

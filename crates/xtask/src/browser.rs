//! The browsers of the tests: Chromium and its WebDriver for all, Firefox and WebKit for what has to be the same in every
//! engine. Variables of their names name other ones.

use std::ffi::OsStr;
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

const FIREFOX: Program = Program { variable: "FIREFOX", names: &["firefox-esr", "firefox"] };
const WEBKIT_DRIVER: Program = Program { variable: "WEBKIT_DRIVER", names: &["WebKitWebDriver"] };
const XVFB: Program = Program { variable: "XVFB", names: &["Xvfb"] };

const ENGINES_REMEDY: &str = "`sudo apt-get install firefox-esr webkit2gtk-driver xvfb` (Debian; on other systems Firefox, \
     WebKitGTK with its MiniBrowser and WebDriver, and Xvfb), or name them: FIREFOX=… WEBKIT_DRIVER=… MINIBROWSER=… XVFB=…";

/// The browser that the tests drive.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// What all three engines are driven by.
pub(crate) struct Engines {
    pub(crate) chromium: Browser,
    firefox: PathBuf,
    webkit_driver: PathBuf,
    xvfb: PathBuf,
}

impl Engines {
    /// The variables in which `tests/lib` looks for them.
    pub(crate) fn variables(&self) -> [(&'static str, &OsStr); 4] {
        [
            (CHROMIUM.variable, self.chromium.chromium.as_os_str()),
            (FIREFOX.variable, self.firefox.as_os_str()),
            (WEBKIT_DRIVER.variable, self.webkit_driver.as_os_str()),
            (XVFB.variable, self.xvfb.as_os_str()),
        ]
    }
}

/// Finds Chromium, Firefox, WebKit and a display for it, or installs them.
pub(crate) fn ensure_engines(repo: &Repo) -> Result<Engines> {
    let chromium = ensure(repo)?;
    let packages = ["firefox-esr", "webkit2gtk-driver", "xvfb"];
    let [firefox, webkit_driver, xvfb] =
        apt::ensure(repo, [&FIREFOX, &WEBKIT_DRIVER, &XVFB], &packages, ENGINES_REMEDY)?;
    Ok(Engines { chromium, firefox, webkit_driver, xvfb })
}

/// Finds both, or installs them.
pub(crate) fn ensure(repo: &Repo) -> Result<Browser> {
    let packages = ["chromium", "chromium-driver"];
    let [chromium, chromedriver] = apt::ensure(repo, [&CHROMIUM, &CHROMEDRIVER], &packages, REMEDY)?;
    Ok(Browser { chromium, chromedriver })
}

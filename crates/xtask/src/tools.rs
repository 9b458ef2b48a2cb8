//! Asking a program on `PATH` for its version: the fast check that comes before every installation.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::repo::Repo;

/// What `program --version` prints first; `None` where the program is missing or does not run.
pub(crate) fn version_line(repo: &Repo, program: &str) -> Option<String> {
    let output = repo.command(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Node 20 or newer, and npm. They are asked of the user: a build should not install a language runtime.
pub(crate) fn require_node(repo: &Repo) -> Result<()> {
    const HOW: &str = "install Node 20 or newer with npm: `apt-get install nodejs npm` on Debian 13 or newer, \
                       elsewhere from https://nodejs.org/";
    let Some(version) = version_line(repo, "node") else {
        bail!("Node is missing.\n  what to do: {HOW}");
    };
    if major(&version).is_none_or(|major| major < 20) {
        bail!("Node {version} is too old.\n  what to do: {HOW}");
    }
    if version_line(repo, "npm").is_none() {
        bail!("npm is missing.\n  what to do: {HOW}");
    }
    Ok(())
}

/// `20` of `v20.19.1`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("v20.19.1"), Some(20));
        assert_eq!(major("24.0.0"), Some(24));
        assert_eq!(major("nonsense"), None);
    }
}

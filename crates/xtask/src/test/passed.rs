//! What has passed of `cargo xtask test --all`, so that one that was interrupted goes on where it was.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::repo::Repo;

const FILE: &str = "xtask-passed";
/// It hands to others what it has set up.
const ALWAYS: &str = "tools";

/// The names of the checks that have passed on these files.
pub(super) struct Passed {
    files: String,
    names: Vec<String>,
}

impl Passed {
    /// What an earlier run has left, if the files are the same.
    pub(super) fn read(repo: &Repo) -> Result<Self> {
        let files = files(repo)?;
        let text = fs::read_to_string(repo.target().join(FILE)).unwrap_or_default();
        let mut lines = text.lines().map(str::to_owned);
        let names = if lines.next().as_ref() == Some(&files) { lines.collect() } else { Vec::new() };
        Ok(Self { files, names })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        name != ALWAYS && self.names.iter().any(|passed| passed == name)
    }

    /// One more has passed.
    pub(super) fn add(&mut self, repo: &Repo, name: &str) -> Result<()> {
        self.names.push(name.to_owned());
        let text = format!("{}\n{}\n", self.files, self.names.join("\n"));
        fs::write(repo.target().join(FILE), text).context("cannot write down what has passed")
    }
}

/// A name for the contents of all files that git knows or would know.
fn files(repo: &Repo) -> Result<String> {
    let index = repo.target().join("xtask-index");
    let git = |arguments: &[&str]| -> Result<String> {
        let mut git = repo.command("git");
        let output = git.args(arguments).env("GIT_INDEX_FILE", &index).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    git(&["read-tree", "HEAD"])?;
    git(&["add", "--all"])?;
    git(&["write-tree"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_passed_is_not_run_again_but_the_tools() {
        let passed = Passed { files: "x".into(), names: vec!["tools".into(), "format".into()] };
        assert!(passed.has("format") && !passed.has("lints") && !passed.has("tools"));
    }

    #[test]
    fn the_same_files_have_the_same_name() {
        let repo = Repo::find().unwrap();
        assert_eq!(files(&repo).unwrap(), files(&repo).unwrap());
        assert_eq!(files(&repo).unwrap().len(), 40);
    }
}

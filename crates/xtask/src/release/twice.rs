//! `cargo xtask release --dry-run --twice`: all is compiled and packed once more, in an empty folder, and has to be the same.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::repo::Repo;

/// Makes `dist/` anew and compares the checksums with those of the `dist/` that is there.
pub(super) fn compare(repo: &Repo, is_for_all: bool) -> Result<()> {
    let first = repo.read("dist/SHA256SUMS")?;
    let target = repo.target().join("again");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::create_dir_all(&target)?;
    // The tools are those of the first time: it is about what they make.
    symlink(repo.tools_root(), target.join("tools"))?;
    let mut command = repo.command(&env::current_exe()?.to_string_lossy());
    command.args(["release", "--dry-run"]).args(is_for_all.then_some("--all-platforms"));
    command.env("CARGO_TARGET_DIR", &target);
    Step::new(repo, "the release once more", command).run()?;
    let second = repo.read("dist/SHA256SUMS")?;
    let (first, second) = (sums(&first), sums(&second));
    fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
    let differing = differing(&first, &second);
    if !differing.is_empty() {
        bail!("made twice, these files of dist/ differ: {}", differing.join(", "));
    }
    eprintln!("  ✓ made twice, {} files of dist/ are the same, byte for byte", second.len());
    Ok(())
}

/// Checksums by the name of the file.
fn sums(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect()
}

/// Files that are not the same in both, or in one only.
fn differing<'a>(first: &BTreeMap<&'a str, &str>, second: &BTreeMap<&'a str, &str>) -> Vec<&'a str> {
    let mut names: Vec<_> = first.keys().chain(second.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| first.get(name) != second.get(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_or_is_missing_is_named() {
        let first = sums("aa  one.tgz\nbb  two.tgz\ncc  three.tgz\n");
        assert_eq!(differing(&first, &first), [""; 0]);
        let second = sums("aa  one.tgz\nbd  two.tgz\ndd  four.tgz\n");
        assert_eq!(differing(&first, &second), ["four.tgz", "three.tgz", "two.tgz"]);
    }
}

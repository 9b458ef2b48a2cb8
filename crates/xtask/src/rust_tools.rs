//! What the wasm build takes from the Rust world: the target, wasm-bindgen and wasm-pack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

const TARGET: &str = "wasm32-unknown-unknown";
const CARGO_DENY: &str = "0.20.2";
const WASM_PACK: &str = "0.15.1";
const OFFLINE: &str =
    "this needs crates.io; check the network and run the command again, it goes on where it stopped";

/// The target and both tools, each installed only if it is not there yet.
pub(crate) fn ensure(repo: &Repo) -> Result<()> {
    let sysroot = sysroot(repo)?;
    ensure_target(repo, &sysroot)?;
    ensure_source(repo, &sysroot)?;
    let version = wasm_bindgen_version(&repo.read("Cargo.lock")?)?;
    // Exactly the locked version: wasm-bindgen's macro output and its CLI must agree to the digit.
    if version_line(repo, "wasm-bindgen").as_deref() != Some(&format!("wasm-bindgen {version}")) {
        // Not --locked: its published lockfile pins dependencies that newer toolchains warn about.
        install(repo, "wasm-bindgen-cli", &version, &[])?;
    }
    if version_line(repo, "wasm-pack").as_deref() != Some(&format!("wasm-pack {WASM_PACK}")) {
        install(repo, "wasm-pack", WASM_PACK, &["--locked"])?;
    }
    let build = build_folder(repo);
    if build.is_dir() {
        // Half a gigabyte that is of no further use.
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    }
    Ok(())
}

/// Where the compiler has its libraries.
fn sysroot(repo: &Repo) -> Result<PathBuf> {
    let output = repo.command("rustc").args(["--print", "sysroot"]).stderr(Stdio::inherit()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The sources of std, which the package builds for itself.
fn ensure_source(repo: &Repo, sysroot: &Path) -> Result<()> {
    if sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file() {
        return Ok(());
    }
    let mut command = repo.command("rustup");
    command.args(["component", "add", "rust-src"]);
    Step::new(repo, "rustup component add rust-src", command)
        .remedy("the package is built with a std of its own: install Rust by https://rustup.rs/, or your distribution's sources of std")
        .run()
}

/// cargo-deny, which only the slow tier needs.
pub(crate) fn ensure_deny(repo: &Repo) -> Result<()> {
    if version_line(repo, "cargo-deny").as_deref() != Some(&format!("cargo-deny {CARGO_DENY}")) {
        install(repo, "cargo-deny", CARGO_DENY, &["--locked"])?;
    }
    Ok(())
}

fn ensure_target(repo: &Repo, sysroot: &Path) -> Result<()> {
    if sysroot.join("lib/rustlib").join(TARGET).is_dir() {
        return Ok(());
    }
    let mut command = repo.command("rustup");
    command.args(["target", "add", TARGET]);
    Step::new(repo, format!("rustup target add {TARGET}"), command)
        .remedy("install Rust by https://rustup.rs/, or your distribution's std for wasm32-unknown-unknown")
        .run()
}

fn install(repo: &Repo, name: &str, version: &str, extra: &[&str]) -> Result<()> {
    let root = repo.tools_root();
    let mut command = repo.command("cargo");
    command.args(["install", name, "--version", version, "--root"]).arg(&root).args(extra);
    // One build folder for both tools: what they share is compiled once, and an interrupted run goes on.
    command.env("CARGO_TARGET_DIR", build_folder(repo));
    // Both tools run for a second at a time: what matters is how long they take to build.
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
    Step::new(repo, format!("install {name} {version}"), command).remedy(OFFLINE).run()
}

fn build_folder(repo: &Repo) -> PathBuf {
    repo.tools_root().join("build")
}

/// The version of wasm-bindgen that the workspace is locked to.
fn wasm_bindgen_version(lock: &str) -> Result<String> {
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen\"");
    lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .context("Cargo.lock has no wasm-bindgen: is the client crate still in the workspace?")
}

#[cfg(test)]
mod tests {
    use super::wasm_bindgen_version;

    #[test]
    fn finds_the_locked_version_and_not_a_sibling_crate() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.50\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(wasm_bindgen_version(lock).unwrap(), "0.2.130");
        assert!(wasm_bindgen_version("[[package]]\nname = \"serde\"\n").is_err());
    }
}

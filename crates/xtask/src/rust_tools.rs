//! What the wasm build takes from crates.io: wasm-bindgen and wasm-pack. `rust-toolchain.toml` has the rest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

const CARGO_DENY: &str = "0.20.2";
const WASM_PACK: &str = "0.15.1";
/// A peer that the benchmarks measure.
pub(crate) const DURABLE_STREAMS: &str = "0.1.5";
/// The same version as the crate `worker`.
const WORKER_BUILD: &str = "0.8.7";
const OFFLINE: &str =
    "this needs crates.io; check the network and run the command again, it goes on where it stopped";

/// Both tools, each installed only if it is not there yet.
pub(crate) fn ensure(repo: &Repo) -> Result<()> {
    sources_of_std(repo)?;
    // Exactly the locked version: wasm-bindgen's macro output and its CLI must agree to the digit.
    let version = wasm_bindgen_version(&repo.read("Cargo.lock")?)?;
    // Not --locked: its published lockfile pins dependencies that newer toolchains warn about.
    tool(repo, "wasm-bindgen", "wasm-bindgen-cli", &version, &[])?;
    tool(repo, "wasm-pack", "wasm-pack", WASM_PACK, &["--locked"])?;
    let build = build_folder(repo);
    if build.is_dir() {
        // Half a gigabyte that is of no further use.
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    }
    Ok(())
}

/// cargo-deny, which only the slow tier needs.
pub(crate) fn ensure_deny(repo: &Repo) -> Result<()> {
    tool(repo, "cargo-deny", "cargo-deny", CARGO_DENY, &["--locked"])
}

/// worker-build, which only the worker needs.
pub(crate) fn ensure_worker_build(repo: &Repo) -> Result<()> {
    tool(repo, "worker-build", "worker-build", WORKER_BUILD, &["--locked"])
}

/// The Rust server of durable-streams, compiled as its authors have it: it is measured. It does not tell its version, but cargo
/// knows what it has installed.
pub(crate) fn ensure_durable_streams(repo: &Repo) -> Result<()> {
    let mut command = repo.command("cargo");
    command.args(["install", "durable-streams", "--version", DURABLE_STREAMS, "--locked", "--root"]);
    command.arg(repo.tools_root()).env("CARGO_TARGET_DIR", build_folder(repo));
    Step::new(repo, format!("install durable-streams {DURABLE_STREAMS}"), command).remedy(OFFLINE).run()
}

/// `rust-toolchain.toml` names them, and rustup brings them along unless it was told to install nothing by itself.
fn sources_of_std(repo: &Repo) -> Result<()> {
    if rust_sources(repo)?.join("library/Cargo.lock").is_file() {
        return Ok(());
    }
    let mut command = repo.command("rustup");
    command.args(["component", "add", "rust-src"]);
    Step::new(repo, "rustup component add rust-src", command)
        .remedy("the package builds std for itself; without rustup, install the sources of your rustc's std")
        .run()
}

/// Where the sources of rustc's std are, or would be.
pub(crate) fn rust_sources(repo: &Repo) -> Result<PathBuf> {
    let output = repo.command("rustc").args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    let sysroot = String::from_utf8(output.stdout).context("rustc has a folder whose name is not UTF-8")?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib/src/rust"))
}

/// Installs a program of this version below `target/`, unless there is one.
fn tool(repo: &Repo, program: &str, name: &str, version: &str, extra: &[&str]) -> Result<()> {
    if version_line(repo, program).is_some_and(|line| line.split_whitespace().any(|word| word == version)) {
        return Ok(());
    }
    let mut command = repo.command("cargo");
    command.args(["install", name, "--version", version, "--root"]).arg(repo.tools_root()).args(extra);
    // One build folder for all tools: what they share is compiled once, and an interrupted run goes on.
    command.env("CARGO_TARGET_DIR", build_folder(repo));
    // They run for a second at a time: what matters is how long they take to build.
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

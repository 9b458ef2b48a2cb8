//! Programs for other systems, and static ones for this: cargo-zigbuild, with zig as the compiler and linker of C.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::apple;
use super::platform::{PLATFORMS, Platform};
use crate::progress::Step;
use crate::pypi;
use crate::repo::Repo;
use crate::rust_tools::rust_sources;

const TOOLS: [&str; 2] = ["ziglang==0.14.1", "cargo-zigbuild==0.24.1"];

/// Builds the recorder for a platform. Returns the path of the program.
pub(crate) fn build(repo: &Repo, platform: &Platform) -> Result<PathBuf> {
    let mut command = zigbuild(repo, "zigbuild", &[platform.target])?;
    command.args(["--profile", "dist", "--locked", "-p", "durablefetch-server"]);
    let mut flags = without_paths(repo)?;
    if platform.os == "darwin" {
        flags.push(format!("-Lframework={}", apple::frameworks(repo)?.display()));
    }
    // Separated as cargo has it, since a folder's name may have a space.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    Step::new(repo, format!("cargo zigbuild for {}", platform.target), command).run()?;
    Ok(repo.target().join(platform.target).join("dist").join(platform.file))
}

/// Lints the recorder for all systems but this one: what does not compile there shows here. Nothing is linked.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let others: Vec<_> = PLATFORMS.iter().filter(|platform| !platform.is_of_this_system()).collect();
    let targets: Vec<_> = others.iter().map(|platform| platform.target).collect();
    let mut command = zigbuild(repo, "clippy", &targets)?;
    command.args(["--locked", "-p", "durablefetch-server", "-p", "durablefetch-protocol"]);
    command.args(["--", "-D", "warnings"]);
    // Others build at the same time, and cargo has one of them wait for the other in one folder.
    command.env("CARGO_TARGET_DIR", repo.target().join("other-systems"));
    let names: Vec<_> = others.iter().map(|platform| platform.name()).collect();
    Step::new(repo, format!("cargo clippy for {}", names.join(", ")), command)
        .remedy("put what a system has alone behind its `cfg`, as crates/server/src/storage/system does")
        .run()
}

/// Compiles a file of C to a library for Windows.
pub(crate) fn library_for_windows(repo: &Repo, source: &str, to: &Path) -> Result<()> {
    let tools = pypi::ensure(repo, "zig", &TOOLS)?;
    let mut command = repo.command(&tools.join("python").to_string_lossy());
    command.args([
        "-m",
        "ziglang",
        "cc",
        "-target",
        "x86_64-windows-gnu",
        "-shared",
        source,
        "-ladvapi32",
        "-o",
    ]);
    command.arg(to);
    Step::new(repo, format!("zig cc {source}"), command).run()
}

/// A command of cargo-zigbuild for these targets. Installs what it needs.
fn zigbuild(repo: &Repo, subcommand: &str, targets: &[&str]) -> Result<Command> {
    let tools = pypi::ensure(repo, "zig", &TOOLS)?;
    let mut add = repo.command("rustup");
    add.args(["target", "add"]).args(targets);
    Step::new(repo, format!("rustup target add {}", targets.join(" ")), add)
        .remedy("this needs rustup and its server; with another toolchain, install the std of each target")
        .run()?;
    let mut command = repo.command("cargo-zigbuild");
    command.arg(subcommand).args(targets.iter().flat_map(|target| ["--target", target]));
    command
        .env("PATH", env::join_paths(std::iter::once(tools).chain(env::split_paths(&repo.search_path())))?);
    Ok(command)
}

/// Flags for rustc that keep this machine's folders out of a program: they are nobody's business, and the same sources are to
/// make the same program elsewhere.
fn without_paths(repo: &Repo) -> Result<Vec<String>> {
    let folders =
        [(repo.path("."), "/durablefetch"), (cargo_home()?, "/cargo"), (rust_sources(repo)?, "/rust")];
    let flags = folders.map(|(from, to)| {
        let from = from.components().as_path().display().to_string();
        format!("--remap-path-prefix={from}={to}")
    });
    Ok(flags.into())
}

/// Where cargo keeps the sources of crates.
fn cargo_home() -> Result<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .context("no home directory is known.\n  what to do: name cargo's folder in CARGO_HOME")
}

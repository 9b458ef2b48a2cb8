//! Programs for other systems, and static ones for this: cargo-zigbuild, with zig as the compiler and linker of C.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::platform::Platform;
use crate::progress::Step;
use crate::pypi;
use crate::repo::Repo;
use crate::rust_tools::rust_sources;

const TOOLS: [&str; 2] = ["ziglang==0.14.1", "cargo-zigbuild==0.24.1"];

/// Builds the recorder for a platform. Returns the path of the program.
pub(crate) fn build(repo: &Repo, platform: &Platform) -> Result<PathBuf> {
    let tools = pypi::ensure(repo, "zig", &TOOLS)?;
    let mut add = repo.command("rustup");
    add.args(["target", "add", platform.target]);
    Step::new(repo, format!("rustup target add {}", platform.target), add)
        .remedy("this needs rustup and its server; with another toolchain, install the std of that target")
        .run()?;
    let mut command = repo.command("cargo-zigbuild");
    command.args(["zigbuild", "--profile", "dist", "--locked", "--target", platform.target]);
    command.args(["-p", "durablefetch-server"]);
    command
        .env("PATH", env::join_paths(std::iter::once(tools).chain(env::split_paths(&repo.search_path())))?);
    command.env("CARGO_ENCODED_RUSTFLAGS", without_paths(repo)?);
    Step::new(repo, format!("cargo zigbuild for {}", platform.target), command).run()?;
    Ok(repo.target().join(platform.target).join("dist").join(platform.file))
}

/// Flags for rustc that keep this machine's folders out of a program: they are nobody's business, and the same sources are to
/// make the same program elsewhere. Separated as cargo has it, since a folder's name may have a space.
fn without_paths(repo: &Repo) -> Result<String> {
    let folders =
        [(repo.path("."), "/durablefetch"), (cargo_home()?, "/cargo"), (rust_sources(repo)?, "/rust")];
    let flags = folders.map(|(from, to)| {
        let from = from.components().as_path().display().to_string();
        format!("--remap-path-prefix={from}={to}")
    });
    Ok(flags.join("\u{1f}"))
}

/// Where cargo keeps the sources of crates.
fn cargo_home() -> Result<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .context("no home directory is known.\n  what to do: name cargo's folder in CARGO_HOME")
}

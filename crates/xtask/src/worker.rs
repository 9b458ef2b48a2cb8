//! `cargo xtask worker`: the recorder on Durable Objects, built and served by plain workerd. No account, no network.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, rust_tools};

const CRATE: &str = "crates/worker";
/// Its npm packages: esbuild and workerd.
const TOOLS: &str = "crates/worker/tools";
/// The npm packages that the client's build has too: wasm-opt.
const WASM_OPT: &str = "crates/xtask/tools";
/// Where npm packages have to be for a build and for the tests.
pub(crate) const TOOL_FOLDERS: [&str; 2] = [TOOLS, WASM_OPT];
/// What stands before the port in the line that says where workerd listens: JSON.
pub(crate) const LISTENING: &str = "\"port\":";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Build it and serve nothing.
    #[arg(long)]
    build: bool,
}

/// Builds the worker and serves it until Ctrl-C. Recordings are kept in .durablefetch/worker/.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    build(repo)?;
    if options.build {
        println!("  The worker is in {CRATE}/build/.");
        return Ok(());
    }
    let store = repo.path(".durablefetch/worker");
    let mut command = serve(repo, &store, &format!("127.0.0.1:{}", options.port))?;
    command.stdout(Stdio::null());
    println!(
        "\n  The recorder is at http://127.0.0.1:{} (its data in .durablefetch/worker/). Ctrl-C stops it.\n",
        options.port
    );
    let status = command.status().context("cannot start workerd")?;
    // Ctrl-C goes to both; workerd then lets its requests come to their ends.
    if !status.success() && status.code().is_some() {
        bail!("workerd ended with {status}; what it said is above");
    }
    Ok(())
}

/// Builds the worker of this checkout.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    // Its own folder: no other build waits for this one, nor this one for another.
    let command = building(repo)?.command(&repo.path("."), &repo.target().join("worker"), Build::Shipped);
    Step::new(repo, "build the worker", command).run()
}

/// What a build is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// To be used: optimised, which takes the most part of a minute.
    Shipped,
    /// To be tried once.
    Quick,
}

/// worker-build, with every tool that it would download handed to it.
pub(crate) struct Building {
    path: OsString,
    tools: [(&'static str, PathBuf); 3],
}

/// Installs what a build wants.
pub(crate) fn building(repo: &Repo) -> Result<Building> {
    rust_tools::ensure(repo)?;
    npm::ensure(repo, TOOLS)?;
    npm::ensure(repo, WASM_OPT)?;
    rust_tools::ensure_worker_build(repo)?;
    let tools = [
        ("WASM_BINDGEN_BIN", on_path(repo, "wasm-bindgen")?),
        ("ESBUILD_BIN", repo.path(TOOLS).join("node_modules/.bin/esbuild")),
        ("WASM_OPT_BIN", repo.path(WASM_OPT).join("node_modules/.bin/wasm-opt")),
    ];
    Ok(Building { path: repo.search_path(), tools })
}

impl Building {
    /// The build of the checkout in `root`.
    pub(crate) fn command(&self, root: &Path, target: &Path, build: Build) -> Command {
        let mut command = Command::new("worker-build");
        match build {
            Build::Shipped => command.arg("--release"),
            // What runs is fast enough at the first level.
            Build::Quick => command.args(["--dev", "--no-opt"]).env("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
        };
        command.current_dir(root.join(CRATE)).env("PATH", &self.path);
        command.envs(self.tools.iter().map(|(name, path)| (name, path)));
        command.env("CARGO_TARGET_DIR", target);
        command
    }
}

/// workerd at this address, with its storage in this folder. It says on stdout where it listens: see [`LISTENING`].
pub(crate) fn serve(repo: &Repo, store: &Path, listen: &str) -> Result<Command> {
    fs::create_dir_all(store).with_context(|| format!("cannot make {}", store.display()))?;
    let mut command = repo.command(&workerd(repo).to_string_lossy());
    command.arg("serve").arg(repo.path(CRATE).join("workerd.capnp")).arg("--control-fd=1");
    command.arg("--socket-addr").arg(format!("http={listen}"));
    command.arg("--directory-path").arg(format!("storage={}", store.display()));
    Ok(command)
}

/// The program itself.
pub(crate) fn workerd(repo: &Repo) -> PathBuf {
    repo.path(TOOLS).join("node_modules/workerd/bin/workerd")
}

/// Where a program is.
fn on_path(repo: &Repo, program: &str) -> Result<PathBuf> {
    std::env::split_paths(&repo.search_path())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .with_context(|| format!("{program} is not on PATH although it was just installed"))
}

//! `cargo xtask package`: the root crate → wasm-pack → wasm-opt → `pkg/`, an npm package.
//!
//! wasm-pack makes one `--target web` module; `pkg-template/` holds what is written by hand (exports map, types,
//! the entries); [`table`] says what goes where. `pkg/` is thrown away and made anew each time.

mod assemble;
mod exports;
pub(crate) mod files;
mod names;
mod patch;
mod table;
pub(crate) mod text;
mod wasm_opt;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, rust_tools};

/// What wasm-pack calls the module and the glue.
const MODULE: &str = "durablefetch_bg.wasm";
const GLUE: &str = "durablefetch.js";

/// The glue after [`names`].
const SHORT_GLUE: &str = "durablefetch.short.js";

/// A std of our own, made for size: half of the one that comes with the compiler is there to say where and why it
/// panicked, which a browser's user never reads. Cargo calls both unstable, so that what is stable for the rest of
/// the workspace needs `RUSTC_BOOTSTRAP` for this one build.
const BUILD_STD: &[&str] = &["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
/// A panic is a trap at once, without a message: `guard.js` makes the same of it either way.
const RUSTFLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zfmt-debug=none -Zlocation-detail=none";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build the recorder's npm packages instead, for this machine.
    #[arg(long)]
    pub(crate) recorder: bool,
    /// With --recorder: for all platforms.
    #[arg(long, requires = "recorder")]
    pub(crate) all_platforms: bool,
}

/// Builds `pkg/`, installing what it needs first.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    npm::ensure(repo, "crates/xtask/tools")?;
    rust_tools::ensure(repo)?;
    wasm_pack(repo)?;
    let module = shrink(repo)?;
    assemble::assemble(repo, &generated(repo), &module)?;
    exports::check(&repo.path("pkg"))?;
    eprintln!("  ✓ pkg/ is made: npm i ./pkg (wasm {} bytes)", module.len());
    Ok(())
}

/// The functions of the module by name, and their bytes of code: for looking into it.
pub(crate) fn functions(repo: &Repo) -> Result<Vec<(String, usize)>> {
    wasm_opt::functions(repo)
}

/// The module as it is shipped. Leaves the glue that fits it beside wasm-pack's.
fn shrink(repo: &Repo) -> Result<Vec<u8>> {
    let dir = generated(repo);
    let glue = fs::read_to_string(dir.join(GLUE)).with_context(|| format!("wasm-pack made no {GLUE}"))?;
    let (module, names) = wasm_opt::run(repo, &dir.join(MODULE))?;
    fs::write(dir.join(SHORT_GLUE), names::shortened(&glue, &names)?)?;
    Ok(module)
}

/// wasm-pack's output folder.
fn generated(repo: &Repo) -> PathBuf {
    repo.target().join("wasm-pack")
}

fn wasm_pack(repo: &Repo) -> Result<()> {
    let mut command = repo.command("wasm-pack");
    command.args(["build", ".", "--target", "web", "--profile", "wasm", "--no-opt", "--no-pack"]);
    // The tools are there already; without this wasm-pack would fetch others of its own choice.
    command.args(["--mode", "no-install", "--out-name", "durablefetch", "--out-dir"]).arg(generated(repo));
    command.arg("--").args(BUILD_STD);
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", RUSTFLAGS);
    // A folder of its own: build scripts and macros are compiled anew wherever RUSTC_BOOTSTRAP changes.
    command.env("CARGO_TARGET_DIR", repo.target().join("package"));
    Step::new(repo, "wasm-pack build", command).run()
}

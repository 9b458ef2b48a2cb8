//! `cargo xtask package`: the root crate → wasm-pack → wasm-opt → `pkg/`, an npm package. The same once more as plain
//! JavaScript: [`translate`].
//!
//! wasm-pack makes one `--target web` module; `pkg-template/` holds what is written by hand (exports map, types,
//! the entries); [`table`] says what goes where. `pkg/` is thrown away and made anew each time.

mod assemble;
mod exports;
pub(crate) mod files;
pub(crate) mod link;
mod names;
mod patch;
mod table;
pub(crate) mod text;
pub(crate) mod translate;
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
    let translated = translate::run(repo, &compiled(repo))?;
    let made =
        Made { module, glue: generated(repo).join(SHORT_GLUE), translated, js_glue: translate::glue(repo) };
    assemble::assemble(repo, &made)?;
    exports::check(&repo.path("pkg"))?;
    eprintln!("  ✓ pkg/ is made: npm i ./pkg (wasm {} bytes)", made.module.len());
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
    let names = wasm_opt::SHIPPED.shrink(repo, &dir.join(MODULE), Ok)?;
    fs::write(dir.join(SHORT_GLUE), names::shortened(&glue, &names)?)?;
    let shrunk = wasm_opt::SHIPPED.at(repo, wasm_opt::OUTPUT);
    fs::read(&shrunk).with_context(|| format!("cannot read {}", shrunk.display()))
}

/// What the tools made, to be put into the package.
struct Made {
    module: Vec<u8>,
    glue: PathBuf,
    /// The module as JavaScript.
    translated: String,
    js_glue: PathBuf,
}

/// The module as the compiler made it, before wasm-bindgen.
fn compiled(repo: &Repo) -> PathBuf {
    build_folder(repo).join("wasm32-unknown-unknown/wasm/durablefetch.wasm")
}

/// A folder of its own: build scripts and macros are compiled anew wherever RUSTC_BOOTSTRAP changes.
fn build_folder(repo: &Repo) -> PathBuf {
    repo.target().join("package")
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
    command.env("CARGO_TARGET_DIR", build_folder(repo));
    link::by_us(&mut command)?;
    Step::new(repo, "wasm-pack build", command).run()
}

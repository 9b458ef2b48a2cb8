//! `cargo xtask package`: the root crate → wasm-pack → wasm-opt → `pkg/`, an npm package.
//!
//! wasm-pack makes one `--target web` module; `pkg-template/` holds what is written by hand (exports map, types,
//! the entries); [`table`] says what goes where. `pkg/` is thrown away and made anew each time.

mod assemble;
mod exports;
mod patch;
mod table;

use std::fs;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, rust_tools};

/// Builds `pkg/`, installing what it needs first.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    npm::ensure(repo, "crates/xtask/tools")?;
    rust_tools::ensure(repo)?;
    let generated = repo.target().join("wasm-pack");
    wasm_pack(repo)?;
    wasm_opt(repo)?;
    assemble::assemble(repo, &generated)?;
    exports::check(&repo.path("pkg"))?;
    let wasm = generated.join("durablefetch_bg.wasm");
    let bytes = fs::metadata(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?.len();
    eprintln!("  ✓ pkg/ is made: npm i ./pkg (wasm {bytes} bytes)");
    Ok(())
}

fn wasm_pack(repo: &Repo) -> Result<()> {
    let out = repo.target().join("wasm-pack");
    let mut command = repo.command("wasm-pack");
    command.args(["build", ".", "--target", "web", "--profile", "wasm", "--no-opt", "--no-pack"]);
    // The tools are there already; without this wasm-pack would fetch others of its own choice.
    command.args(["--mode", "no-install", "--out-name", "durablefetch", "--out-dir"]).arg(out);
    Step::new(repo, "wasm-pack build", command).run()
}

/// Our own call and not wasm-pack's: it takes the flags of a custom profile from nowhere.
fn wasm_opt(repo: &Repo) -> Result<()> {
    let module = repo.target().join("wasm-pack/durablefetch_bg.wasm");
    let mut command = repo.command("wasm-opt");
    command.arg("-Oz").args(WASM_FEATURES).arg(&module).arg("-o").arg(&module);
    Step::new(repo, "wasm-opt -Oz", command).run()
}

/// What Rust's wasm32-unknown-unknown turns on by default; the stripped module no longer says so itself.
const WASM_FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

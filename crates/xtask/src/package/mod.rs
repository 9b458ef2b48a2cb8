//! `cargo xtask package`: the root crate → wasm-pack → wasm-opt → `pkg/`, an npm package.
//!
//! wasm-pack makes one `--target web` module; `pkg-template/` holds what is written by hand (exports map, types,
//! the entries); [`table`] says what goes where. `pkg/` is thrown away and made anew each time.

mod assemble;
mod exports;
mod patch;
mod table;
pub(crate) mod text;
mod wasm_opt;

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, rust_tools};

/// What wasm-pack calls the module.
const MODULE: &str = "durablefetch_bg.wasm";

/// Builds `pkg/`, installing what it needs first.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    npm::ensure(repo, "crates/xtask/tools")?;
    rust_tools::ensure(repo)?;
    wasm_pack(repo)?;
    let module = wasm_opt::run(repo, &generated(repo).join(MODULE))?;
    assemble::assemble(repo, &generated(repo), &module)?;
    exports::check(&repo.path("pkg"))?;
    eprintln!("  ✓ pkg/ is made: npm i ./pkg (wasm {} bytes)", module.len());
    Ok(())
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
    Step::new(repo, "wasm-pack build", command).run()
}

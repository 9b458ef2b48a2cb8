//! wasm-opt on the module. Our own call and not wasm-pack's, which knows no flags for a custom profile.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::repo::Repo;

/// What Rust's wasm32-unknown-unknown turns on by default; the stripped module no longer says so itself.
const FLAGS: &[&str] = &[
    "-Oz",
    "-Oz",
    // The first kilobyte is the far end of the stack.
    "--low-memory-unused",
    "--strip-producers",
    "--strip-target-features",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The same with the names of functions, which `-Oz` alone drops.
pub(super) fn named(repo: &Repo, module: &Path) -> Result<Vec<u8>> {
    let output = repo.target().join("wasm-opt/named.wasm");
    let mut command = repo.command("wasm-opt");
    command.args(FLAGS).arg("-g").arg(module).arg("-o").arg(&output);
    Step::new(repo, "wasm-opt -Oz -g", command).run()?;
    fs::read(&output).with_context(|| format!("cannot read {}", output.display()))
}

/// The optimised module. It takes ten seconds, so the result is kept for as long as the input is the same.
pub(super) fn run(repo: &Repo, module: &Path) -> Result<Vec<u8>> {
    let input = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let dir = repo.target().join("wasm-opt");
    let (kept_input, kept_flags, output) =
        (dir.join("input.wasm"), dir.join("flags"), dir.join("output.wasm"));
    let flags = FLAGS.join(" ");
    let known = fs::read(&kept_input).is_ok_and(|kept| kept == input)
        && fs::read_to_string(&kept_flags).is_ok_and(|kept| kept == flags);
    if !known {
        fs::create_dir_all(&dir)?;
        let mut command = repo.command("wasm-opt");
        command.args(FLAGS).arg(module).arg("-o").arg(&output);
        Step::new(repo, "wasm-opt -Oz", command).run()?;
        // Written last: an interrupted run leaves nothing that looks finished.
        fs::write(&kept_flags, flags)?;
        fs::write(&kept_input, input)?;
    }
    fs::read(&output).with_context(|| format!("cannot read {}", output.display()))
}

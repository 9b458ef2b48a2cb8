//! wasm-opt on the module. Our own calls and not wasm-pack's, which knows no flags for a custom profile.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::names::{Names, without_closures};
use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

/// What Rust's wasm32-unknown-unknown turns on by default; the stripped module no longer says so itself.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Halves of wasm-streams that a client of `fetch` has no use for: writing, and reading into buffers.
const UNUSED: &[&str] = &[
    "--remove-exports=intounderlyingsink_*",
    "--remove-exports=intounderlyingbytesource_*",
    "--remove-exports=__wbg_intounderlyingsink_*",
    "--remove-exports=__wbg_intounderlyingbytesource_*",
];

const SMALL: &[&str] = &[
    "-Oz",
    "-Oz",
    // The first kilobyte is the far end of the stack.
    "--low-memory-unused",
    "--strip-producers",
    "--strip-target-features",
];

const SHORT_NAMES: &str = "--minify-imports-and-exports-and-modules";

/// One call. Returns what it printed to stdout.
fn wasm_opt(repo: &Repo, input: &Path, passes: &[&str], output: &str) -> Result<String> {
    let printed = folder(repo).join("stdout");
    let mut command = repo.command("wasm-opt");
    command.args(FEATURES).args(passes).arg(input).arg("-o").arg(folder(repo).join(output));
    Step::new(repo, format!("wasm-opt to {output}"), command).stdout(&printed).run()?;
    read(&printed)
}

fn folder(repo: &Repo) -> PathBuf {
    repo.target().join("wasm-opt")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// One call for what takes ten seconds: what it wrote and printed is kept as long as its version, passes and input
/// are the same.
fn kept(repo: &Repo, input: &Path, passes: &[&str], output: &str) -> Result<String> {
    let at = |ending| folder(repo).join(format!("{output}.{ending}"));
    let version = version_line(repo, "wasm-opt").unwrap_or_default();
    let key = format!("{version}\n{}\n{}", passes.join(" "), read(input)?);
    if !read(&at("key")).is_ok_and(|kept| kept == key) {
        fs::write(at("txt"), wasm_opt(repo, input, passes, output)?)?;
        // Written last: an interrupted run leaves nothing that looks finished.
        fs::write(at("key"), key)?;
    }
    read(&at("txt"))
}

/// The optimised module, and the short names in it.
pub(super) fn run(repo: &Repo, module: &Path) -> Result<(Vec<u8>, Names)> {
    let at = |name| folder(repo).join(name);
    fs::create_dir_all(at(""))?;
    wasm_opt(repo, module, &[UNUSED, &["-g", "-S"]].concat(), "all.wat")?;
    let needed = without_closures(&read(&at("all.wat"))?)?;
    let passes = [SMALL, &[SHORT_NAMES]].concat();
    fs::write(at("needed.wat"), needed)?;
    let printed = kept(repo, &at("needed.wat"), &passes, "output.wasm")?;
    let names = serde_json::from_str(&printed).context("wasm-opt prints no names")?;
    Ok((fs::read(at("output.wasm"))?, names))
}

/// Functions of the module that [`run`] optimised last, by name, and their bytes of code.
pub(super) fn functions(repo: &Repo) -> Result<Vec<(String, usize)>> {
    let passes = [SMALL, &["-g", "--func-metrics"]].concat();
    let printed = kept(repo, &folder(repo).join("needed.wat"), &passes, "named.wasm")?;
    let mut functions = Vec::new();
    for part in printed.split("func: ").skip(1) {
        let bytes =
            part.lines().find_map(|line| line.trim().strip_prefix("[binary-bytes]")?.split_once(": "));
        let (_, bytes) = bytes.context("wasm-opt does not count the bytes of a function")?;
        let bytes: usize = bytes.split_whitespace().next().unwrap_or_default().parse()?;
        functions.push((part.lines().next().unwrap_or_default().to_owned(), bytes));
    }
    Ok(functions)
}

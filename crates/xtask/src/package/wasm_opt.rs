//! wasm-opt on a module. Our own calls and not wasm-pack's, which knows no flags for a custom profile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::names::{Names, without_closures};
use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

/// One module on its way: where its steps are kept, and what it may be made of.
pub(super) struct Module {
    /// Below `target/`.
    pub(super) folder: &'static str,
    pub(super) features: &'static [&'static str],
}

/// The module that is shipped. What Rust's wasm32-unknown-unknown turns on by default; once stripped, it no longer says
/// so itself.
pub(super) const SHIPPED: Module = Module {
    folder: "wasm-opt",
    features: &[
        "--enable-bulk-memory",
        "--enable-multivalue",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-reference-types",
        "--enable-sign-ext",
    ],
};

/// The module that is translated to JavaScript, which has one table and no references.
pub(super) const TRANSLATED: Module = Module {
    folder: "wasm2js",
    features: &[
        "--enable-bulk-memory",
        "--enable-bulk-memory-opt",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-sign-ext",
    ],
};

const SMALL: &[&str] = &[
    "-Oz",
    "-Oz",
    // The first kilobyte is the far end of the stack.
    "--low-memory-unused",
    "--strip-producers",
    "--strip-target-features",
];

/// What comes out in the end.
pub(super) const OUTPUT: &str = "output.wasm";

pub(super) const SHORT_NAMES: &str = "--minify-imports-and-exports-and-modules";

impl Module {
    /// A file of a step.
    pub(super) fn at(&self, repo: &Repo, name: &str) -> PathBuf {
        repo.target().join(self.folder).join(name)
    }

    /// One call. Returns what it printed to stdout.
    pub(super) fn wasm_opt(
        &self,
        repo: &Repo,
        input: &Path,
        passes: &[&str],
        output: &str,
    ) -> Result<String> {
        fs::create_dir_all(self.at(repo, ""))?;
        let mut command = repo.command("wasm-opt");
        command.args(self.features).args(passes).arg(input).arg("-o").arg(self.at(repo, output));
        self.step(repo, &format!("wasm-opt to {output}"), command)
    }

    /// One call of another of Binaryen's programs on such a module.
    pub(super) fn step(&self, repo: &Repo, name: &str, command: Command) -> Result<String> {
        let printed = self.at(repo, "stdout");
        Step::new(repo, format!("{}: {name}", self.folder), command).stdout(&printed).run()?;
        read(&printed)
    }

    /// One call for what takes ten seconds, unless it has been made before. Returns what it printed.
    pub(super) fn kept(&self, repo: &Repo, input: &Path, passes: &[&str], output: &str) -> Result<String> {
        let printed = self.at(repo, &format!("{output}.txt"));
        self.unless_made(repo, "wasm-opt", input, passes, output, || {
            Ok(fs::write(&printed, self.wasm_opt(repo, input, passes, output)?)?)
        })?;
        read(&printed)
    }

    /// Makes a file, unless the program's version, its arguments and the input are those that it was last made of.
    pub(super) fn unless_made(
        &self,
        repo: &Repo,
        program: &str,
        input: &Path,
        arguments: &[&str],
        output: &str,
        make: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let key = self.at(repo, &format!("{output}.key"));
        let version = version_line(repo, program).unwrap_or_default();
        let mut wanted = format!("{version}\n{}\n", arguments.join(" ")).into_bytes();
        wanted.extend(fs::read(input).with_context(|| format!("cannot read {}", input.display()))?);
        if !fs::read(&key).is_ok_and(|kept| kept == wanted) {
            make()?;
            // Written last: an interrupted run leaves nothing that looks finished.
            fs::write(&key, wanted)?;
        }
        Ok(())
    }

    /// Makes [`OUTPUT`] of what wasm-bindgen made and `edit` has changed as text; returns the short names in it.
    pub(super) fn shrink(
        &self,
        repo: &Repo,
        module: &Path,
        edit: impl FnOnce(String) -> Result<String>,
    ) -> Result<Names> {
        self.wasm_opt(repo, module, &["-g", "-S"], "all.wat")?;
        let needed = without_closures(&edit(read(&self.at(repo, "all.wat"))?)?)?;
        let passes = [SMALL, &[SHORT_NAMES]].concat();
        fs::write(self.at(repo, "needed.wat"), needed)?;
        let printed = self.kept(repo, &self.at(repo, "needed.wat"), &passes, OUTPUT)?;
        serde_json::from_str(&printed).context("wasm-opt prints no names")
    }
}

pub(super) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Functions of the module that is shipped, as it was optimised last, by name, and their bytes of code.
pub(super) fn functions(repo: &Repo) -> Result<Vec<(String, usize)>> {
    let passes = [SMALL, &["-g", "--func-metrics"]].concat();
    let printed = SHIPPED.kept(repo, &SHIPPED.at(repo, "needed.wat"), &passes, "named.wasm")?;
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

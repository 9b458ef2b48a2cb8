//! The hermetic tests of the client, translated as the client is: `tests/translated` runs them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Module, bind, edited, only_32_bits, read, translated};
use crate::package::patch::patch;
use crate::package::table::{Find, MEMORY_PATCHES, Patch};
use crate::package::wasm_opt::{OUTPUT, SHORT_NAMES, TRANSLATED};
use crate::repo::Repo;

const TESTS: Module = Module { folder: "wasm2js-tests", features: TRANSLATED.features };

/// Nobody waits for these bytes, but `wasm2js` takes long over what is not optimised at all.
const FAST: &[&str] = &["-O1", "--strip-producers", "--strip-target-features", SHORT_NAMES];

const PATCHES: &[Patch] = &[Patch {
    find: Find::Through("function __wbg_finalize_init(", "export { initSync, __wbg_init as default };"),
    replace: "export function initSync(instantiate) {\n    \
              return wasm = instantiate(__wbg_get_imports());\n}\n",
    reason: "there is nothing to compile",
}];

/// Makes a folder of what cargo compiled: wasm-bindgen's glue and what it imports, `module.js`, and in `names.js` how
/// the two call each other.
pub(crate) fn tests(repo: &Repo, compiled: &Path) -> Result<PathBuf> {
    let bound = bind(repo, &TESTS, compiled)?;
    TESTS.wasm_opt(repo, &bound.module, &["-g", "-S"], "all.wat")?;
    let text = edited(&read(&TESTS.at(repo, "all.wat"))?, &bound.glue)?;
    fs::write(TESTS.at(repo, "all.wat"), &text)?;
    let names = TESTS.kept(repo, &TESTS.at(repo, "all.wat"), FAST, OUTPUT)?;
    only_32_bits(&text, &serde_json::from_str(&names)?)?;
    let glue = patch(patch(without_answered(&bound.glue), PATCHES)?, MEMORY_PATCHES)?;

    let folder = TESTS.at(repo, "bound");
    fs::write(folder.join(crate::package::GLUE), glue)?;
    fs::write(folder.join("names.js"), format!("export default {names}"))?;
    fs::copy(translated(repo, &TESTS)?, folder.join("module.js"))?;
    Ok(folder)
}

/// The glue without the import that a function of ours answers.
fn without_answered(glue: &str) -> String {
    glue.split_inclusive('\n').filter(|line| !line.contains("\"__wbindgen_externref_xform__\"")).collect()
}

//! Walks the table and writes `pkg/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::files::{copy, empty, manifest};
use super::table::{From, TABLE};
use super::text;
use crate::package::patch::patch;
use crate::repo::Repo;

/// Makes `pkg/` anew from the table; `generated` is wasm-pack's output folder, `module` the optimised wasm.
pub(crate) fn assemble(repo: &Repo, generated: &Path, module: &[u8]) -> Result<()> {
    let pkg = repo.path("pkg");
    empty(&pkg)?;
    for (from, to) in TABLE {
        let to = pkg.join(to);
        write(repo, generated, module, from, &to).with_context(|| format!("cannot make {}", to.display()))?;
    }
    Ok(())
}

fn write(repo: &Repo, generated: &Path, module: &[u8], from: &From, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    match from {
        From::File(path) => copy(&repo.path(path), to, &[])?,
        From::Folder(path, without) => copy(&repo.path(path), to, without)?,
        From::Manifest(path) => fs::write(to, manifest(&repo.read(path)?)?)?,
        From::Patched(path, patches) => {
            let source = generated.join(path);
            let text = fs::read_to_string(&source).with_context(|| format!("no {}", source.display()))?;
            fs::write(to, patch(text, patches)?)?;
        }
        From::Module => fs::write(to, module)?,
        From::ModuleAsText => {
            fs::write(to, format!("export default \"{}\";\n", text::encode(module)))?;
        }
    }
    Ok(())
}

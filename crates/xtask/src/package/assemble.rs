//! Walks the table and writes `pkg/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::files::{copy, empty, manifest};
use super::table::{From, Patch, TABLE};
use super::{Made, text};
use crate::package::patch::patch;
use crate::repo::Repo;

/// Makes `pkg/` anew from the table.
pub(super) fn assemble(repo: &Repo, made: &Made) -> Result<()> {
    let pkg = repo.path("pkg");
    empty(&pkg)?;
    for (from, to) in TABLE {
        let to = pkg.join(to);
        write(repo, made, from, &to).with_context(|| format!("cannot make {}", to.display()))?;
    }
    Ok(())
}

fn write(repo: &Repo, made: &Made, from: &From, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    match from {
        From::File(path) => copy(&repo.path(path), to, &[])?,
        From::Folder(path, without) => copy(&repo.path(path), to, without)?,
        From::Manifest(path) => fs::write(to, manifest(&repo.read(path)?)?)?,
        From::Glue(patches) => fs::write(to, patched(&made.glue, patches)?)?,
        From::Module => fs::write(to, &made.module)?,
        From::ModuleAsText => {
            fs::write(to, format!("export default \"{}\";\n", text::encode(&made.module)))?;
        }
        From::Translated => fs::write(to, &made.translated)?,
        From::JsGlue(patches) => fs::write(to, patched(&made.js_glue, patches)?)?,
    }
    Ok(())
}

/// Generated JavaScript after patches, one list of them after another.
fn patched(path: &Path, patches: &[&[Patch]]) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("no {}", path.display()))?;
    patches.iter().try_fold(text, |text, patches| patch(text, patches))
}

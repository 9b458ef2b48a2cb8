//! Walks the table and writes `pkg/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

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

/// The version is the workspace's, which is also this crate's.
fn manifest(template: &str) -> Result<String> {
    let mut json: serde_json::Value = serde_json::from_str(template).context("package.json is not JSON")?;
    match json.get_mut("version") {
        Some(version) => *version = env!("CARGO_PKG_VERSION").into(),
        None => bail!("the template's package.json has no \"version\" to fill in"),
    }
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}

/// Empties the folder but keeps it: `node_modules` of the examples link to it, and a running Vite watches it.
fn empty(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, without: &[&str]) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        if !without.iter().any(|name| *name == entry.file_name()) {
            copy(&entry.path(), &to.join(entry.file_name()), without)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::manifest;

    #[test]
    fn the_manifest_takes_the_workspace_version_and_keeps_its_order() {
        let made = manifest(r#"{"name":"x","version":"0.0.0","exports":{}}"#).unwrap();
        assert!(made.contains(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"))));
        assert!(made.find("name") < made.find("version") && made.find("version") < made.find("exports"));
        assert!(manifest(r#"{"name":"x"}"#).is_err());
    }
}

//! Files of an npm package in the making.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The version is the workspace's, which is also this crate's.
pub(crate) fn manifest(template: &str) -> Result<String> {
    let mut json: serde_json::Value = serde_json::from_str(template).context("package.json is not JSON")?;
    match json.get_mut("version") {
        Some(version) => *version = env!("CARGO_PKG_VERSION").into(),
        None => bail!("the template's package.json has no \"version\" to fill in"),
    }
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}

/// Empties the folder but keeps it: `node_modules` of the examples link to it, and a running Vite watches it.
pub(crate) fn empty(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Copies a file, or a folder without the files of these names.
pub(crate) fn copy(from: &Path, to: &Path, without: &[&str]) -> Result<()> {
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

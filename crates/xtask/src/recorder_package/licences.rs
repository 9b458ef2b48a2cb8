//! The licence texts of all crates that are in a program.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::linked::{Linked, Package};

/// Every crate that is in the program, with its licence and the texts that come with it.
pub(crate) fn of(linked: &Linked) -> Result<String> {
    text(&linked.others().collect::<Vec<_>>())
}

fn text(packages: &[&Package]) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut all = String::from("The recorder contains these crates. Their licence texts follow.\n\n");
    for package in packages {
        let Package { name, version, license, manifest_path, .. } = package;
        let license = license.as_deref().unwrap_or("see its text");
        writeln!(all, "{name} {version}: {license}")?;
        let folder = Path::new(manifest_path).parent().context("a manifest without a folder")?;
        for text in licence_files(folder)? {
            texts.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    for (text, of) in texts {
        write!(all, "\n{}\n{}\n\n{}\n", "-".repeat(80), of.join(", "), text.trim_end())?;
    }
    Ok(all)
}

/// Files that have the name of a licence or of a notice.
fn licence_files(folder: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
            path.is_file()
                && ["LICEN", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|start| name.starts_with(start))
        })
        .collect();
    paths.sort();
    paths.iter().map(|path| Ok(String::from_utf8_lossy(&fs::read(path)?).replace("\r\n", "\n"))).collect()
}

//! The licence texts of all crates that are in a program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::platform::Platform;
use crate::repo::Repo;

/// What `cargo metadata` says, as far as it is of use here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Every crate that is linked into the recorder for this platform, with its licence and the texts that come with it.
pub(crate) fn of_recorder(repo: &Repo, platform: &Platform) -> Result<String> {
    let mut command = repo.command("cargo");
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", platform.target]);
    let output = command.output().context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    text(&linked(&metadata, "durablefetch-server")?)
}

/// What a package needs at run time, and all that those need; without what is of this workspace.
fn linked<'a>(metadata: &'a Metadata, root: &str) -> Result<Vec<&'a Package>> {
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let first = metadata.packages.iter().find(|package| package.name == root);
    let mut open = vec![&first.with_context(|| format!("{root} is not a crate of this workspace"))?.id];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("cargo metadata does not resolve {id}"))?;
        let at_run_time = |dep: &&Dependency| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
        open.extend(node.deps.iter().filter(at_run_time).map(|dep| &dep.pkg));
    }
    let mut linked: Vec<_> = seen.iter().filter_map(|id| packages.get(*id).copied()).collect();
    linked.retain(|package| package.source.is_some());
    linked.sort_by_key(|package| (&package.name, &package.version));
    Ok(linked)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, source: Option<&str>) -> Package {
        let id = name.to_owned();
        let source = source.map(str::to_owned);
        Package {
            id,
            name: name.into(),
            version: "1.0.0".into(),
            license: None,
            manifest_path: String::new(),
            source,
        }
    }

    #[test]
    fn what_only_builds_or_tests_need_is_not_linked() {
        let kind = |kind: Option<&str>| vec![Kind { kind: kind.map(str::to_owned) }];
        let dep = |name: &str, of| Dependency { pkg: name.into(), dep_kinds: kind(of) };
        let metadata = Metadata {
            packages: ["a", "b", "c", "d"].map(|name| package(name, (name != "a").then_some("x"))).into(),
            resolve: Resolve {
                nodes: vec![
                    Node { id: "a".into(), deps: vec![dep("b", None), dep("c", Some("build"))] },
                    Node { id: "b".into(), deps: vec![dep("a", None), dep("d", Some("dev"))] },
                ],
            },
        };
        let names = |root| {
            linked(&metadata, root).map(|all| all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
        };
        assert_eq!(names("a").unwrap(), ["b"]);
        assert!(names("e").is_err());
    }
}

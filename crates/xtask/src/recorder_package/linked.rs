//! The crates that are linked into a program, as `cargo metadata` knows them.

use std::collections::{BTreeMap, BTreeSet};

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
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) source: Option<String>,
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

/// What a crate needs at run time, and all that those need.
pub(crate) struct Linked {
    /// By name and version, the crate itself included.
    pub(crate) packages: Vec<Package>,
    /// By the package's id, those of what it needs itself.
    pub(crate) needs: BTreeMap<String, Vec<String>>,
    /// The id of the crate itself.
    pub(crate) root: String,
}

impl Linked {
    /// What is in the recorder for this platform.
    pub(crate) fn into_recorder(repo: &Repo, platform: &Platform) -> Result<Self> {
        let mut command = repo.command("cargo");
        command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", platform.target]);
        let output = command.output().context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        Self::read(metadata, "durablefetch-server")
    }

    fn read(metadata: Metadata, root: &str) -> Result<Self> {
        let first = metadata.packages.iter().find(|package| package.name == root);
        let root = first.with_context(|| format!("{root} is not a crate of this workspace"))?.id.clone();
        let nodes: BTreeMap<_, _> =
            metadata.resolve.nodes.into_iter().map(|node| (node.id, node.deps)).collect();
        let at_run_time = |dep: &&Dependency| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let mut open = vec![root.clone()];
        let mut needs = BTreeMap::new();
        while let Some(id) = open.pop() {
            if needs.contains_key(&id) {
                continue;
            }
            let deps = nodes.get(&id).with_context(|| format!("cargo metadata does not resolve {id}"))?;
            let deps: BTreeSet<_> = deps.iter().filter(at_run_time).map(|dep| dep.pkg.clone()).collect();
            open.extend(deps.iter().cloned());
            needs.insert(id, deps.into_iter().collect());
        }
        let mut packages = metadata.packages;
        packages.retain(|package| needs.contains_key(&package.id));
        packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(Self { packages, needs, root })
    }

    /// Without what is of this workspace.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_some())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn package(name: &str, source: Option<&str>) -> Package {
        Package {
            id: name.to_owned(),
            name: name.into(),
            version: "1.0.0".into(),
            license: Some("MIT/Apache-2.0".into()),
            manifest_path: String::new(),
            source: source.map(str::to_owned),
        }
    }

    fn metadata() -> Metadata {
        let kind = |kind: Option<&str>| vec![Kind { kind: kind.map(str::to_owned) }];
        let dep = |name: &str, of| Dependency { pkg: name.into(), dep_kinds: kind(of) };
        Metadata {
            packages: ["a", "b", "c", "d"].map(|name| package(name, (name != "a").then_some("x"))).into(),
            resolve: Resolve {
                nodes: vec![
                    Node { id: "a".into(), deps: vec![dep("b", None), dep("c", Some("build"))] },
                    Node { id: "b".into(), deps: vec![dep("a", None), dep("d", Some("dev"))] },
                ],
            },
        }
    }

    /// `a`, which is ours, and `b`, which is not; they need each other.
    pub(crate) fn two() -> Linked {
        Linked::read(metadata(), "a").unwrap()
    }

    #[test]
    fn what_only_builds_or_tests_need_is_not_linked() {
        let linked = two();
        assert_eq!(linked.others().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(linked.packages.len(), 2);
        assert_eq!(linked.needs["a"], ["b"]);
        assert!(Linked::read(metadata(), "e").is_err());
    }
}

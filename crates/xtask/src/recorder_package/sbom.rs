//! What is in a program, for machines: a bill of materials in CycloneDX' JSON.
//!
//! It has neither a serial number nor a time, so that the same program has the same one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::prelude::{Purl, Validate};

use super::linked::{Linked, Package};
use crate::repo::Repo;

/// The bill of a program that these crates are linked into.
pub(crate) fn of(repo: &Repo, linked: &Linked) -> Result<String> {
    bill(linked, &checksums(&repo.read("Cargo.lock")?)?)
}

/// By name and version, what Cargo.lock says of the crates that come from a registry.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = lock.parse().context("Cargo.lock is not TOML")?;
    let packages =
        lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock has no packages")?;
    let text = |package: &toml::Value, key: &str| package.get(key)?.as_str().map(str::to_owned);
    Ok(packages
        .iter()
        .filter_map(|one| Some(((text(one, "name")?, text(one, "version")?), text(one, "checksum")?)))
        .collect())
}

fn bill(linked: &Linked, checksums: &BTreeMap<(String, String), String>) -> Result<String> {
    let names: BTreeMap<_, _> = linked.packages.iter().map(|one| (&one.id, reference(one))).collect();
    let name = |id: &String| names.get(id).cloned().with_context(|| format!("{id} is not linked"));
    let (program, rest): (Vec<_>, Vec<_>) = linked.packages.iter().partition(|one| one.id == linked.root);
    let [program] = program[..] else { bail!("{} is not one program", linked.root) };
    let component = |package, of| component(package, of, checksums);
    let mut dependencies = linked
        .needs
        .iter()
        .map(|(id, needs)| {
            let mut dependencies = needs.iter().map(name).collect::<Result<Vec<_>>>()?;
            dependencies.sort();
            Ok(Dependency { dependency_ref: name(id)?, dependencies })
        })
        .collect::<Result<Vec<_>>>()?;
    dependencies.sort_by(|a, b| a.dependency_ref.cmp(&b.dependency_ref));
    let bom = Bom {
        serial_number: None,
        metadata: Some(Metadata {
            component: Some(component(program, Classification::Application)?),
            ..Metadata::default()
        }),
        components: Some(Components(
            rest.into_iter().map(|one| component(one, Classification::Library)).collect::<Result<_>>()?,
        )),
        dependencies: Some(Dependencies(dependencies)),
        ..Bom::default()
    };
    let checked = bom.validate_version(SpecVersion::V1_5);
    if !checked.passed() {
        bail!("the bill of materials is not valid: {checked:?}");
    }
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json)?;
    Ok(String::from_utf8(json)? + "\n")
}

/// `serde 1.0.0`.
fn reference(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

fn component(
    package: &Package,
    of: Classification,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<Component> {
    let Package { name, version, license, .. } = package;
    let mut component = Component::new(of, name, version, Some(reference(package)));
    if package.source.is_some() {
        component.purl = Some(Purl::new("cargo", name, version)?);
    }
    if let Some(license) = license {
        // Older crates write a slash.
        let license = SpdxExpression::parse_lax(license.clone())
            .with_context(|| format!("the licence of {name} is not one: {license}"))?;
        component.licenses = Some(Licenses(vec![LicenseChoice::Expression(license)]));
    }
    component.hashes = checksums.get(&(name.clone(), version.clone())).map(|checksum| {
        Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(checksum.clone()) }])
    });
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder_package::linked::tests::two;

    #[test]
    fn the_bill_names_each_crate_with_its_licence_and_checksum() {
        let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let lock = format!("[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nchecksum = \"{sum}\"\n");
        let checksums = checksums(&lock).unwrap();
        let text = bill(&two(), &checksums).unwrap();
        let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
        assert_eq!(bill["metadata"]["component"]["name"], "a");
        let [component] = &bill["components"].as_array().unwrap()[..] else { panic!("{text}") };
        assert_eq!(component["purl"], "pkg:cargo/b@1.0.0");
        assert_eq!(component["hashes"][0]["content"], sum);
        assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"][0], "b 1.0.0");
        // Nothing tells when or by whom it was made.
        assert!(bill["serialNumber"].is_null() && bill["metadata"]["timestamp"].is_null(), "{text}");
    }
}

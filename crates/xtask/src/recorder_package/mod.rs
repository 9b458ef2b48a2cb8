//! `cargo xtask package --recorder`: the recorder as npm packages, in `pkg-recorder/`.
//!
//! - `durablefetch-recorder/`: what is written by hand in `pkg-recorder-template/`, with a package for each platform among its
//!   optional dependencies, as it would be published.
//! - `durablefetch-recorder-linux-x64/` and so on: one program each.
//! - `durablefetch-recorder-0.3.0-linux-x64.tgz` and so on: the first with one program inside, which installs from a file or
//!   a URL without any registry.
//! - `durablefetch-0.3.0-linux-x64.cdx.json` and so on: what is in each program.

mod apple;
mod cross;
mod licences;
mod linked;
mod platform;
mod sbom;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::package::files::{copy, empty, manifest};
use crate::repo::Repo;
use crate::{npm, tools};
pub(crate) use cross::{check, library_for_windows};
use linked::Linked;
pub(crate) use platform::For;
use platform::{PLATFORMS, Platform};

const NAME: &str = "durablefetch-recorder";
pub(crate) const OUTPUT: &str = "pkg-recorder";
const TEMPLATE: &str = "pkg-recorder-template";
pub(crate) const LICENCES: &str = "LICENSES-OF-CRATES.txt";

/// What was made for one platform.
pub(crate) struct Made {
    /// `linux-x64`.
    pub(crate) platform: String,
    /// `durablefetch`, or `durablefetch.exe` on Windows.
    pub(crate) program: PathBuf,
    pub(crate) tarball: PathBuf,
    /// The licence texts of all crates in the program.
    pub(crate) licences: PathBuf,
    /// What is in the program, as CycloneDX' JSON.
    pub(crate) bill: PathBuf,
}

/// Builds `pkg-recorder/` for these platforms.
pub(crate) fn run(repo: &Repo, which: For) -> Result<Vec<Made>> {
    tools::require_node(repo)?;
    let output = repo.path(OUTPUT);
    empty(&output)?;
    launcher(repo, &output.join(NAME))?;
    let mut made = Vec::new();
    for platform in PLATFORMS.iter().filter(|platform| which.includes(platform)) {
        let program = cross::build(repo, platform)?;
        let package = output.join(platform.package());
        let linked = Linked::into_recorder(repo, platform)?;
        packaged(repo, platform, &program, &linked, &package)?;
        let tarball = tarball(repo, platform)?;
        let size = fs::metadata(&tarball)?.len();
        eprintln!("  ✓ {} is made ({} kB)", tarball.display(), size / 1000);
        let licences = package.join(LICENCES);
        let bill =
            output.join(format!("durablefetch-{}-{}.cdx.json", env!("CARGO_PKG_VERSION"), platform.name()));
        fs::write(&bill, sbom::of(repo, &linked)?)?;
        made.push(Made { platform: platform.name(), program, tarball, licences, bill });
    }
    if made.is_empty() {
        let all: Vec<_> = PLATFORMS.iter().map(Platform::name).collect();
        bail!(
            "no recorder is made for this machine, only for {}.\n  what to do: --all-platforms",
            all.join(", ")
        );
    }
    Ok(made)
}

/// Builds the program alone, for the platform of this name.
pub(crate) fn program(repo: &Repo, name: &str) -> Result<PathBuf> {
    let platform = PLATFORMS.iter().find(|platform| platform.name() == name);
    cross::build(repo, platform.with_context(|| format!("no recorder is made for {name}"))?)
}

fn launcher(repo: &Repo, to: &Path) -> Result<()> {
    written_by_hand(repo, to)?;
    let mut json = template(repo)?;
    let version = json["version"].clone();
    json["optionalDependencies"] = PLATFORMS
        .iter()
        .map(|platform| (platform.package(), version.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    write_json(&to.join("package.json"), &json)
}

/// The package of one platform.
fn packaged(repo: &Repo, platform: &Platform, program: &Path, linked: &Linked, to: &Path) -> Result<()> {
    let json = json!({
        "name": platform.package(),
        "version": env!("CARGO_PKG_VERSION"),
        "description": format!("The durablefetch recorder for {}", platform.name()),
        "license": "MIT OR Apache-2.0",
        "os": [platform.os],
        "cpu": [platform.cpu],
        "preferUnplugged": true,
    });
    fs::create_dir_all(to)?;
    write_json(&to.join("package.json"), &json)?;
    install(program, &to.join("bin").join(platform.file))?;
    fs::write(to.join(LICENCES), licences::of(linked)?)?;
    own_licences(repo, to)
}

/// What installs by itself: the launcher with one program inside.
fn tarball(repo: &Repo, platform: &Platform) -> Result<PathBuf> {
    let from = repo.path(OUTPUT).join(platform.package());
    let staged = unpacked(repo, &platform.name());
    if staged.exists() {
        fs::remove_dir_all(&staged)?;
    }
    written_by_hand(repo, &staged)?;
    let mut json = template(repo)?;
    json["os"] = json!([platform.os]);
    json["cpu"] = json!([platform.cpu]);
    write_json(&staged.join("package.json"), &json)?;
    let inside = staged.join("platform").join(platform.name());
    install(&from.join("bin").join(platform.file), &inside.join(platform.file))?;
    copy(&from.join(LICENCES), &staged.join(LICENCES), &[])?;
    let packed = npm::pack(repo, &staged, &repo.path(OUTPUT))?;
    let named =
        packed.with_file_name(format!("{NAME}-{}-{}.tgz", env!("CARGO_PKG_VERSION"), platform.name()));
    fs::rename(&packed, &named).with_context(|| format!("npm pack made no {}", packed.display()))?;
    Ok(named)
}

/// What the tarball of a platform unpacks to.
pub(crate) fn unpacked(repo: &Repo, platform: &str) -> PathBuf {
    repo.target().join("recorder-package").join(platform)
}

fn written_by_hand(repo: &Repo, to: &Path) -> Result<()> {
    copy(&repo.path(TEMPLATE), to, &["node_modules"])?;
    own_licences(repo, to)
}

fn own_licences(repo: &Repo, to: &Path) -> Result<()> {
    ["LICENSE-MIT", "LICENSE-APACHE"].iter().try_for_each(|name| copy(&repo.path(name), &to.join(name), &[]))
}

fn template(repo: &Repo) -> Result<Value> {
    Ok(serde_json::from_str(&manifest(&repo.read(&format!("{TEMPLATE}/package.json"))?)?)?)
}

fn write_json(path: &Path, json: &Value) -> Result<()> {
    fs::write(path, serde_json::to_string_pretty(json)? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Copies a program, as one that may be run.
pub(crate) fn install(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a program without a folder")?)?;
    fs::copy(from, to).with_context(|| format!("no {}", from.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(0o755))?)
}

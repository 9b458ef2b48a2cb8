//! `cargo xtask release --dry-run`: `dist/`, all that a release attaches, with checksums and a page that lists it.

mod twice;

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::package::files::empty;
use crate::recorder_package::{self, For, Made};
use crate::repo::Repo;
use crate::{image, npm, package};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Make dist/ and publish nothing. A release cannot be published from here yet: the npm names belong to others.
    #[arg(long)]
    dry_run: bool,
    /// Recorders for all platforms, not only for this machine's.
    #[arg(long)]
    all_platforms: bool,
    /// Make all of it a second time, compiled anew in an empty folder, and fail where a byte differs.
    #[arg(long)]
    twice: bool,
}

/// One file of `dist/`, and what it is.
struct Attached {
    path: PathBuf,
    what: String,
}

pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    if !options.dry_run {
        bail!("a release is not published from here yet.\n  what to do: --dry-run, which makes dist/");
    }
    make(repo, options.all_platforms)?;
    if options.twice { twice::compare(repo, options.all_platforms) } else { Ok(()) }
}

/// Makes `dist/`.
pub(crate) fn make(repo: &Repo, is_for_all: bool) -> Result<()> {
    let dist = repo.path("dist");
    empty(&dist)?;
    package::run(repo)?;
    let mut attached = vec![client(repo, &dist)?];
    let made = recorder_package::run(repo, For::all_or_here(is_for_all))?;
    for one in &made {
        attached.extend(recorder(one, &dist)?);
    }
    let what = "the recorder as an OCI image, for podman load";
    attached.extend(image::of(repo, &made, &dist)?.map(|path| Attached { path, what: what.into() }));
    let sums = attached.iter().map(sum).collect::<Result<Vec<_>>>()?;
    fs::write(dist.join("SHA256SUMS"), sums.concat())?;
    fs::write(dist.join("index.html"), page(&attached))?;
    eprintln!(
        "  ✓ dist/ is made, {} files: serve it, and README's <release> is its address",
        attached.len() + 2
    );
    Ok(())
}

fn client(repo: &Repo, dist: &Path) -> Result<Attached> {
    let path = npm::pack(repo, &repo.path("pkg"), dist)?;
    Ok(Attached { path, what: "the client, an npm package".into() })
}

/// The npm package, the program by itself, and what is in it.
fn recorder(made: &Made, dist: &Path) -> Result<[Attached; 3]> {
    let Made { platform, program, tarball, bill, .. } = made;
    let name =
        |path: &Path| Ok::<_, anyhow::Error>(path.file_name().context("a file without a name")?.to_owned());
    let ending = program.extension().map(|ending| format!(".{}", ending.display())).unwrap_or_default();
    let alone = format!("durablefetch-{VERSION}-{platform}{ending}");
    let attach = |from: &Path, name: OsString, what: &str| {
        let path = dist.join(name);
        fs::copy(from, &path).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok::<_, anyhow::Error>(Attached { path, what: format!("the recorder for {platform}, {what}") })
    };
    Ok([
        attach(tarball, name(tarball)?, "an npm package")?,
        attach(program, alone.into(), "the program alone")?,
        attach(bill, name(bill)?, "its bill of materials (CycloneDX)")?,
    ])
}

/// A line as `sha256sum --check` reads it.
fn sum(attached: &Attached) -> Result<String> {
    let bytes = fs::read(&attached.path).with_context(|| format!("no {}", attached.path.display()))?;
    let sum = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(format!("{sum}  {}\n", name(attached)))
}

fn name(attached: &Attached) -> String {
    attached.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn page(attached: &[Attached]) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>durablefetch {VERSION}</title>\n\
         <h1>durablefetch {VERSION}</h1>\n<ul>\n"
    );
    for one in attached {
        let name = name(one);
        let _ = writeln!(html, "<li><a href=\"{name}\">{name}</a>: {}</li>", one.what);
    }
    html + "<li><a href=\"SHA256SUMS\">SHA256SUMS</a></li>\n</ul>\n</html>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_sums_name_each_file() {
        let folder = std::env::temp_dir().join(format!("durablefetch-release-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.tgz");
        fs::write(&path, "abc").unwrap();
        let one = Attached { path, what: "a file".into() };
        assert_eq!(
            sum(&one).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.tgz\n"
        );
        assert!(page(&[one]).contains("<a href=\"a.tgz\">a.tgz</a>: a file"));
        fs::remove_dir_all(folder).unwrap();
    }
}

//! `cargo xtask image`: the recorder as an OCI image, `FROM scratch`, one for each platform, in one archive.
//!
//! Built by buildah in a store of its own below `target/`. The same programs make the same bytes: every time in the image is
//! that of the commit, and the order of platforms is ours.

mod certificates;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{self, Program};
use crate::package::files::{copy, empty};
use crate::progress::Step;
use crate::recorder_package::{self, For, LICENCES, Made};
use crate::repo::Repo;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const CONTAINERFILE: &str = "crates/server/Containerfile";
const BUILDAH: Program = Program { variable: "BUILDAH", names: &["buildah"] };
const REMEDY: &str = "`sudo apt-get install buildah`, or name it: BUILDAH=/path/to/buildah";

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// For all processors, not only for this machine's.
    #[arg(long)]
    all_platforms: bool,
}

/// Builds the recorder and its image, which is left beside the npm packages.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<PathBuf> {
    let [buildah] = apt::ensure(repo, [&BUILDAH], &["buildah"], REMEDY)?;
    let made = recorder_package::run(repo, if options.all_platforms { For::Linux } else { For::Here })?;
    build(repo, &buildah, &made, &repo.path(recorder_package::OUTPUT))
}

/// The image of programs that are made, those for Linux among them, in the folder `to`; nothing where buildah is missing, which is said.
pub(crate) fn of(repo: &Repo, made: &[Made], to: &Path) -> Result<Option<PathBuf>> {
    let Some([buildah]) = apt::find([&BUILDAH])? else {
        eprintln!("  ! no image is made, since buildah is missing.\n    what to do: {REMEDY}");
        return Ok(None);
    };
    build(repo, &buildah, made, to).map(Some)
}

fn build(repo: &Repo, buildah: &Path, made: &[Made], to: &Path) -> Result<PathBuf> {
    let work = repo.target().join("image");
    let (context, layout) = (work.join("context"), work.join("layout"));
    empty(&context)?;
    empty(&layout)?;
    let data = context.join("volume/data");
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    let store = Store { repo, buildah, root: work.join("store"), run: work.join("run") };
    // What an earlier build left when it was stopped.
    store.step("buildah rmi", &["rmi", "--all", "--force"])?;
    let time = commit_time(repo)?;
    store.step("buildah manifest create", &["manifest", "create", "all"])?;
    for one in made.iter().filter(|one| one.platform.starts_with("linux-")) {
        let cpu = architecture(&one.platform)?;
        lay_out(repo, one, &context.join(cpu))?;
        let mut command = store.command(&["build", "--identity-label=false", "--timestamp", &time]);
        command.args(["--platform", &format!("linux/{cpu}"), "--tag", cpu]);
        command.args(["--build-arg", &format!("VERSION={VERSION}"), "--file"]);
        command.arg(repo.path(CONTAINERFILE)).arg(&context);
        Step::new(repo, format!("buildah build for {cpu}"), command).run()?;
        let image = format!("containers-storage:localhost/{cpu}");
        store.step(&format!("buildah manifest add {cpu}"), &["manifest", "add", "all", &image])?;
    }
    let pushed = format!("oci:{}:durablefetch:{VERSION}", layout.display());
    store.step("buildah manifest push", &["manifest", "push", "--all", "all", &pushed])?;
    store.step("buildah rmi", &["rmi", "--all", "--force"])?;
    let archive = to.join(format!("durablefetch-{VERSION}-image.tar"));
    pack(repo, &layout, &archive, &time)?;
    eprintln!("  ✓ {} is made ({} kB)", archive.display(), fs::metadata(&archive)?.len() / 1000);
    Ok(archive)
}

/// buildah, with images and layers of its own: the user's are not touched.
struct Store<'a> {
    repo: &'a Repo,
    buildah: &'a Path,
    root: PathBuf,
    run: PathBuf,
}

impl Store<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repo.command(&self.buildah.to_string_lossy());
        // vfs copies, and works in every file system; the image is small.
        command.args(["--storage-driver", "vfs", "--root"]).arg(&self.root);
        command.arg("--runroot").arg(&self.run).args(arguments);
        command
    }

    fn step(&self, name: &str, arguments: &[&str]) -> Result<()> {
        Step::new(self.repo, name, self.command(arguments)).run()
    }
}

/// As images name processors.
fn architecture(platform: &str) -> Result<&'static str> {
    match platform {
        "linux-x64" => Ok("amd64"),
        "linux-arm64" => Ok("arm64"),
        _ => bail!("an image is for Linux, and not for {platform}"),
    }
}

/// All that the image of one platform has, but for `/data`.
fn lay_out(repo: &Repo, made: &Made, root: &Path) -> Result<()> {
    let bin = root.join("usr/local/bin");
    recorder_package::install(&made.program, &bin.join("durablefetch"))?;
    let roots = root.join(certificates::PATH);
    fs::create_dir_all(roots.parent().context("a file without a folder")?)?;
    fs::write(roots, certificates::bundle())?;
    let licences = root.join("usr/share/licenses/durablefetch");
    fs::create_dir_all(&licences)?;
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&repo.path(name), &licences.join(name), &[])?;
    }
    copy(&made.licences, &licences.join(LICENCES), &[])?;
    readable(root)
}

/// Everybody may read what is in a folder, and enter it, whatever the umask is; programs stay programs.
fn readable(path: &Path) -> Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            readable(&entry?.path())?;
        }
    }
    Ok(())
}

/// When the commit was made, in seconds: the time of all that is in the image. `SOURCE_DATE_EPOCH` says another.
fn commit_time(repo: &Repo) -> Result<String> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(time);
    }
    let output =
        repo.command("git").args(["log", "-1", "--format=%ct"]).output().context("cannot run git")?;
    if !output.status.success() {
        bail!(
            "git does not say when the commit was made.\n  what to do: name a time, SOURCE_DATE_EPOCH=1700000000"
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The layout as one file, in which nothing tells when, where and by whom it was packed.
fn pack(repo: &Repo, layout: &Path, archive: &Path, time: &str) -> Result<()> {
    let mut command = repo.command("tar");
    command.args(["--create", "--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    command.args([&format!("--mtime=@{time}"), "--mode=go=rX,u+rw,a-s", "--file"]).arg(archive);
    command.args(["blobs", "index.json", "oci-layout"]).current_dir(layout);
    Step::new(repo, "tar of the image", command).run()
}

#[cfg(test)]
mod tests {
    use super::architecture;

    #[test]
    fn images_name_processors_in_their_own_way() {
        assert_eq!(architecture("linux-x64").unwrap(), "amd64");
        assert_eq!(architecture("linux-arm64").unwrap(), "arm64");
        assert!(architecture("win32-x64").unwrap_err().to_string().contains("win32-x64"));
    }
}

//! Programs for other systems, and static ones for this: cargo-zigbuild, with zig as the compiler and linker of C.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::platform::Platform;
use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;

const ZIG: &str = "0.14.1";
const ZIGBUILD: &str = "0.24.1";

/// Builds the recorder for a platform. Returns the path of the program.
pub(crate) fn build(repo: &Repo, platform: &Platform) -> Result<PathBuf> {
    let tools = ensure_tools(repo)?;
    let mut add = repo.command("rustup");
    add.args(["target", "add", platform.target]);
    Step::new(repo, format!("rustup target add {}", platform.target), add)
        .remedy("this needs rustup and its server; with another toolchain, install the std of that target")
        .run()?;
    let mut command = repo.command("cargo-zigbuild");
    command.args(["zigbuild", "--profile", "dist", "--locked", "--target", platform.target]);
    command.args(["-p", "durablefetch-server"]);
    command.env(
        "PATH",
        std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&repo.search_path())))?,
    );
    Step::new(repo, format!("cargo zigbuild for {}", platform.target), command).run()?;
    Ok(repo.target().join(platform.target).join("dist").join(platform.file))
}

/// zig and cargo-zigbuild from PyPI, in an environment below `target/`. Returns the folder of its programs.
fn ensure_tools(repo: &Repo) -> Result<PathBuf> {
    let environment = repo.tools_root().join("zig");
    let bin = environment.join("bin");
    let pip = bin.join("pip");
    let zigbuild = bin.join("cargo-zigbuild");
    if version_line(repo, &zigbuild.to_string_lossy()).is_some_and(|line| line.ends_with(ZIGBUILD)) {
        return Ok(bin);
    }
    if version_line(repo, "python3").is_none() {
        bail!("Python is missing.\n  what to do: `apt-get install python3-venv`; zig comes from PyPI");
    }
    let mut make = repo.command("python3");
    make.args(["-m", "venv"]).arg(&environment);
    Step::new(repo, "python3 -m venv", make).remedy("`apt-get install python3-venv` on Debian").run()?;
    let mut install = repo.command(&pip.to_string_lossy());
    install
        .args(["install", "--quiet"])
        .arg(format!("ziglang=={ZIG}"))
        .arg(format!("cargo-zigbuild=={ZIGBUILD}"));
    Step::new(repo, format!("install zig {ZIG} and cargo-zigbuild {ZIGBUILD}"), install)
        .remedy("this needs PyPI; check the network and run it again")
        .run()?;
    Ok(bin)
}

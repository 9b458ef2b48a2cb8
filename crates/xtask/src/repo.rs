//! Where things are in the checkout.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

/// The checkout this binary was built from.
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The folder two above this crate. Compiled in, so that `cargo xtask` works from any folder below the root.
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.join("../..");
        let root = root.canonicalize().with_context(|| format!("no checkout at {}", root.display()))?;
        Ok(Self { root })
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Cargo's target folder: `CARGO_TARGET_DIR` where it is set, as cargo itself has it.
    pub(crate) fn target(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.root.join("target"),
        }
    }

    /// The recorder that `cargo build -p durablefetch-server` makes.
    pub(crate) fn recorder(&self) -> PathBuf {
        self.target().join("debug/durablefetch")
    }

    /// Tools that the build installs for itself go here, not into the user's ~/.cargo.
    pub(crate) fn tools_root(&self) -> PathBuf {
        self.target().join("tools")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.target().join("xtask-logs")
    }

    /// A command in the root folder, with the build's own tools in front of `PATH`.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.search_path());
        // `cargo run` tells this program what package it is of. Build scripts that cargo runs further down look at that, and
        // would build all anew after each change between `cargo test` and `cargo xtask test`.
        let of_cargo = |name: &str| name == "CARGO_MANIFEST_DIR" || name.starts_with("CARGO_PKG_");
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in names.filter(|name| of_cargo(name) || name == "CARGO_MANIFEST_PATH") {
            command.env_remove(name);
        }
        command
    }

    /// `PATH` with the build's own tools in front.
    pub(crate) fn search_path(&self) -> OsString {
        let own = [self.tools_root().join("bin"), self.path("crates/xtask/tools/node_modules/.bin")];
        let inherited = env::var_os("PATH").unwrap_or_default();
        env::join_paths(own.into_iter().chain(env::split_paths(&inherited))).unwrap_or(inherited)
    }

    pub(crate) fn read(&self, relative: &str) -> Result<String> {
        fs::read_to_string(self.path(relative)).with_context(|| format!("cannot read {relative}"))
    }
}

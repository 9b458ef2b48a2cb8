//! What a program for macOS is linked with in the place of Apple's SDK, which may not be given on.
//!
//! zig brings along the interface of macOS' C library, and cargo-zigbuild that of iconv. Three frameworks are left: two through which
//! rustls asks the keychain whom it trusts, and one that `whoami` names, of the client of PostgreSQL. To link with one takes no code of it: a text stub says where it is on a Mac, and which
//! symbols it has. The stubs here name all that `core-foundation-sys`, `security-framework-sys` and what of
//! `objc2-system-configuration` is compiled declare them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::repo::Repo;

const STUBS: [(&str, &str); 3] = [
    ("CoreFoundation", include_str!("CoreFoundation.tbd")),
    ("Security", include_str!("Security.tbd")),
    ("SystemConfiguration", include_str!("SystemConfiguration.tbd")),
];

/// Writes the stubs, and returns the folder in which a linker finds the frameworks.
pub(super) fn frameworks(repo: &Repo) -> Result<PathBuf> {
    let folder = repo.target().join("apple-frameworks");
    for (name, stub) in STUBS {
        let framework = folder.join(format!("{name}.framework"));
        fs::create_dir_all(&framework).with_context(|| format!("cannot make {}", framework.display()))?;
        fs::write(framework.join(format!("{name}.tbd")), stub)?;
    }
    Ok(folder)
}

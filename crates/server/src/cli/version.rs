//! What `--version` says.

/// The version, and in a release build made from a checkout the commit, with the date of the build (build.rs).
pub(super) const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), env!("RECORDER_BUILD"));

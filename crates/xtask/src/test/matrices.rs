//! What `--all` adds: matrices of other people's programs. They tell a lot about the package, and take minutes.

use anyhow::Result;

use super::checks::{build_recorder, node_tests};
use super::{Check, Context};
use crate::npm;

pub(super) const MATRICES: &[Check] = &[
    Check { name: "libraries that take a fetch", needs: &["package"], run: |c| tests(c, "tests/users") },
    Check { name: "fidelity to native fetch", needs: &["package"], run: |c| tests(c, "tests/fidelity") },
    Check { name: "compatibility with 0.1.0", needs: &["package"], run: |c| tests(c, "tests/seed-compat") },
    Check { name: "runtimes and bundlers", needs: &["package"], run: runtimes },
];

/// One folder of tests that use the recorder, Chromium and what the end-to-end tests are made of.
fn tests(context: &Context<'_>, folder: &str) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/e2e")?;
    npm::ensure(context.repo, folder)?;
    node_tests(context, folder)
}

/// Each of its projects installs its own packages; only the browser comes from the end-to-end tests.
fn runtimes(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/e2e")?;
    node_tests(context, "tests/runtimes")
}

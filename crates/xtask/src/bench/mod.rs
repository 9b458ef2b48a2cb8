//! `cargo xtask bench`: figures beside the peers. One file for each thing that is measured.

mod worker;

use anyhow::Result;

use crate::repo::Repo;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The recorder on Durable Objects beside durablefetch 0.1.0, both on workerd.
    Worker(worker::Options),
}

/// Measures, and writes what came of it into docs/.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    match &options.what {
        What::Worker(worker) => worker::run(repo, worker),
    }
}

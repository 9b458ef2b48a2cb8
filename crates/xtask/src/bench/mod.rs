//! `cargo xtask bench`: figures beside the peers. One file for each thing that is measured.

mod against;
mod client;
mod distant;
mod launcher;
mod native;
mod sweep;
mod worker;

use anyhow::Result;

use crate::repo::Repo;

#[derive(clap::Args)]
// No group of its own: clap wants names that differ, and the flattened ones are Options too.
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    native: native::Options,
}

#[derive(clap::Subcommand)]
enum What {
    /// The native recorder beside nginx, resumable-stream, durable-streams and durablefetch 0.1.0. The default.
    Native(native::Options),
    /// The native recorder beside the one of another commit, as a table of ratios. Writes nothing.
    Against(against::Options),
    /// The recorder on Durable Objects beside durablefetch 0.1.0, both on workerd.
    Worker(worker::Options),
    /// What a start costs while the recorder removes what is old. Writes nothing.
    Sweep,
    /// Time to the first byte of an upstream over TLS that is 40 ms away, beside asking it directly. Writes nothing.
    Distant,
    /// The client in Chromium beside native fetch, through a release build of the recorder.
    Client(client::Options),
    /// The recorder's program by itself beside the npm package's command, which starts it. Writes nothing.
    Launcher(launcher::Options),
}

/// Measures, and writes what came of it into docs/.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    match &options.what {
        Some(What::Native(native)) => native::run(repo, native),
        None => native::run(repo, &options.native),
        Some(What::Against(against)) => against::run(repo, against),
        Some(What::Worker(worker)) => worker::run(repo, worker),
        Some(What::Sweep) => sweep::run(repo),
        Some(What::Distant) => distant::run(repo),
        Some(What::Client(client)) => client::run(repo, client),
        Some(What::Launcher(launcher)) => launcher::run(repo, launcher),
    }
}

//! The build of durablefetch. `cargo xtask demo` shows it, `cargo xtask test` proves it; both set up what
//! they need on a fresh machine (Debian or similar, with Rust and Node) and say what is missing otherwise.

mod apt;
mod bench;
mod browser;
mod chaos;
mod checkout;
mod demo;
mod image;
mod measured;
mod mutations;
mod npm;
mod package;
mod progress;
mod pypi;
mod recorder_package;
mod release;
mod repo;
mod rust_tools;
mod size;
mod soak;
mod test;
mod tools;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::recorder_package::For;
use crate::repo::Repo;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The build of durablefetch", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and start an example, by default the chat: recorder, API server and web page. Ctrl-C stops it.
    Demo(demo::Options),
    /// Run every check: format, lints, unit and conformance tests, browser tests, package and end-to-end tests.
    Test(test::Options),
    /// Run what finds more the longer it runs: seeds, loads, attacks, mutations of both recorders. Takes a night.
    Night(test::NightOptions),
    /// Break connections, disks and recorders, by seed, and check what the packed client makes of it.
    Chaos(chaos::Options),
    /// Build the npm package into pkg/, or with --recorder the recorder's into pkg-recorder/.
    Package(package::Options),
    /// Build the recorder as an OCI image, with buildah.
    Image(image::Options),
    /// Make dist/: the packages, the recorder's programs and image, checksums and a page.
    Release(release::Options),
    /// Print what `import { DurableFetchClient }` adds to a production build, and fail where it is over its budget.
    Size,
    /// Load a recorder with more than is comfortable, and check every byte: some minutes.
    Soak(soak::Options),
    /// Build the recorder for Cloudflare's Durable Objects and serve it on workerd. Ctrl-C stops it.
    Worker(worker::Options),
    /// Measure beside the peers.
    Bench(bench::Options),
    /// Break the native recorder in many small ways, in a copy, and check that the conformance suite notices each.
    Mutations(mutations::Options),
}

fn main() -> ExitCode {
    if let Some(linked) = package::link::asked() {
        return linked;
    }
    let cli = Cli::parse();
    let result = Repo::find().and_then(|repo| match cli.command {
        Command::Demo(options) => demo::run(&repo, &options),
        Command::Test(options) => test::run(&repo, &options),
        Command::Night(options) => test::night(&repo, &options),
        Command::Chaos(options) => chaos::run(&repo, &options),
        Command::Package(options) => match options.recorder {
            true => recorder_package::run(&repo, For::all_or_here(options.all_platforms)).map(drop),
            false => package::run(&repo),
        },
        Command::Image(options) => image::run(&repo, &options).map(drop),
        Command::Release(options) => release::run(&repo, &options),
        Command::Size => size::run(&repo),
        Command::Soak(options) => soak::run(&repo, &options),
        Command::Worker(options) => worker::run(&repo, &options),
        Command::Bench(options) => bench::run(&repo, &options),
        Command::Mutations(options) => mutations::run(&repo, &options),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

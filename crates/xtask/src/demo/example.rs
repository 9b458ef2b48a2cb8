//! The smaller examples: each asks the slow writer of examples/upstream, through a recorder.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender};

use anyhow::{Context, Result, bail};

use super::service::Service;
use super::{Event, Options, until_ended};
use crate::repo::Repo;

const SIGKILL: i32 = 9;

/// The page of examples/vanilla, which is told by its address where the others are.
pub(super) fn vanilla(
    repo: &Repo,
    options: &Options,
    events: &Sender<Event>,
    ended: &Receiver<Event>,
) -> Result<()> {
    let recorder = options.recorder.start(repo, "127.0.0.1:0", events)?;
    let upstream = start_upstream(repo, events)?;
    let mut command = repo.command("node");
    command.arg("serve.js").env("PORT", options.port.to_string()).current_dir(repo.path("examples/vanilla"));
    let page = Service::start("page", command, "listening on ", events)?;
    println!(
        "\n  The page is at  {}/?recorder={}&upstream={}",
        page.address(),
        recorder.address(),
        upstream.address()
    );
    println!("  Press Ask, then reload it, or open its address in a second tab. Ctrl-C stops everything.\n");
    let outcome = until_ended(ended);
    drop((page, upstream, recorder));
    outcome
}

/// A program that runs to its end; started again where it was killed.
pub(super) fn program(repo: &Repo, options: &Options, events: &Sender<Event>) -> Result<()> {
    let recorder = options.recorder.start(repo, "127.0.0.1:0", events)?;
    let upstream = start_upstream(repo, events)?;
    loop {
        let mut command = repo.command("node");
        command.arg("main.js").current_dir(repo.path(options.example.folder()));
        command.env("RECORDER_URL", recorder.address()).env("UPSTREAM_URL", upstream.address());
        if std::env::var_os("OPENAI_API_KEY").is_none() {
            command.env("OPENAI_BASE_URL", format!("{}/v1", upstream.address()));
        }
        println!();
        let status = run(command)?;
        match (status.signal(), status.success()) {
            (_, true) => return Ok(()),
            (Some(SIGKILL), _) => println!("\n\n  It was killed, and is started again."),
            // Ctrl-C reaches it, too.
            (Some(_), _) => return Ok(()),
            (None, false) => bail!("it ended with {status}; what it printed last is above"),
        }
    }
}

fn run(mut command: Command) -> Result<std::process::ExitStatus> {
    command.status().context("cannot start node")
}

fn start_upstream(repo: &Repo, events: &Sender<Event>) -> Result<Service> {
    let mut command = repo.command("node");
    command.arg("main.js").env("PORT", "0").current_dir(repo.path("examples/upstream"));
    Service::start("upstream", command, "listening on ", events)
}

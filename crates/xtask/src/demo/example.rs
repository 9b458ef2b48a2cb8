//! The smaller examples: each asks the slow writer of examples/upstream, through a recorder.

use std::net::TcpListener;
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
    let recorder = options.recorder.start(repo, "127.0.0.1:0", &[], events)?;
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

/// Next.js in development, with the recorder at /df. The recorder is told of the proxy in front of it.
pub(super) fn next(
    repo: &Repo,
    options: &Options,
    events: &Sender<Event>,
    ended: &Receiver<Event>,
) -> Result<()> {
    let port = if options.port == 0 { free_port()? } else { options.port };
    let origin = format!("http://localhost:{port}");
    let settings = [
        ("DURABLEFETCH_BASE_PATH", "/df"),
        ("DURABLEFETCH_PUBLIC_ORIGIN", origin.as_str()),
        ("DURABLEFETCH_ALLOW", &format!("{origin}/api/")),
        ("DURABLEFETCH_UNGUESSABLE_URLS", "true"),
    ];
    let recorder = options.recorder.start(repo, "127.0.0.1:0", &settings, events)?;
    let upstream = start_upstream(repo, events)?;
    let mut command = repo.command("node");
    command.args(["node_modules/next/dist/bin/next", "dev", "--hostname", "localhost"]);
    command.args(["--port", &port.to_string()]).current_dir(repo.path("examples/next"));
    command.env("NO_COLOR", "1").env("NEXT_TELEMETRY_DISABLED", "1");
    command.env("RECORDER_URL", recorder.address()).env("UPSTREAM_URL", upstream.address());
    let next = Service::start("next", command, "Local:", events)?;
    println!("\n  The chat is at  {}", next.address());
    println!("  Send a message, then reload the page. Ctrl-C stops everything.\n");
    let outcome = until_ended(ended);
    drop((next, upstream, recorder));
    outcome
}

/// A program that runs to its end; started again where it was killed.
pub(super) fn program(repo: &Repo, options: &Options, events: &Sender<Event>) -> Result<()> {
    let recorder = options.recorder.start(repo, "127.0.0.1:0", &[], events)?;
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

/// Next has to be told its port before it has one: the recorder is started first, and needs the origin.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr().context("no port is free")?.port())
}

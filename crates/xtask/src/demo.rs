//! `cargo xtask demo`: from a fresh clone to a chat in the browser.

mod service;

use std::net::TcpListener;
use std::sync::mpsc::{self, Sender};

use anyhow::{Context, Result, anyhow, bail};

use crate::demo::service::Service;
use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, package};

const DEFAULT_PORT: u16 = 5173;
const RECORDER: &str = "recorder";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port of the web page, on 127.0.0.1; 0 takes a free one, as the recorder and the API server always do.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
}

/// Builds what is not built yet, starts the three servers and stops them at Ctrl-C or when one of them ends.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    // First of all: nobody should wait for a build only to learn that the port is taken.
    check_port(options.port)?;
    eprintln!("── building (a few minutes the first time)");
    package::run(repo)?;
    npm::ensure(repo, "examples/chat")?;
    let mut build = repo.command("cargo");
    build.args(["build", "-p", "durablefetch-server"]);
    Step::new(repo, "cargo build of the recorder", build).run()?;

    eprintln!("── starting");
    let (events, ended) = mpsc::channel();
    let interrupt = events.clone();
    ctrlc::set_handler(move || {
        let _ = interrupt.send(None);
    })
    .context("cannot listen for Ctrl-C")?;

    let mut recorder = start_recorder(repo, "127.0.0.1:0", &events)?;
    let recorder_address = recorder.address().to_owned();

    let chat = repo.path("examples/chat");
    let mut command = repo.command("node");
    command.arg("server/main.js").env("PORT", "0").current_dir(&chat);
    let api = Service::start("api", command, "listening on ", &events)?;

    let mut command = repo.command("node");
    command.args(["node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--strictPort"]);
    command.args(["--port", &options.port.to_string()]).current_dir(&chat).env("NO_COLOR", "1");
    command.env("RECORDER_URL", &recorder_address).env("API_URL", api.address());
    let vite = Service::start("web", command, "Local:", &events)?;

    println!("\n  The chat is at  {}", vite.address().replace("127.0.0.1", "localhost"));
    println!("  Send a message, then reload the page, open it twice, or pull the plug: the answer goes on.");
    println!("  The recorder is at {recorder_address}, its data in .durablefetch/. Kill it if you like:");
    println!("  kill -9 {} (it is started again). Ctrl-C stops everything.\n", recorder.pid());

    let outcome = loop {
        match ended.recv() {
            // Killing the recorder is part of the demo: the page says so, and the next message works.
            Ok(Some(RECORDER)) => {
                let listen = recorder_address.trim_start_matches("http://");
                recorder = start_recorder(repo, listen, &events)?;
                println!("  [recorder] was gone and is back: kill -9 {}", recorder.pid());
            }
            Ok(Some(name)) => break Err(anyhow!("{name} ended by itself; what it printed last is above")),
            Ok(None) | Err(_) => break Ok(()),
        }
    };
    // In this order: the page first, so that it does not report the others as lost.
    drop((vite, api, recorder));
    outcome
}

fn start_recorder(repo: &Repo, listen: &str, events: &Sender<Option<&'static str>>) -> Result<Service> {
    let mut command = repo.command(&repo.recorder().to_string_lossy());
    command.args(["serve", "--listen", listen, "--data"]).arg(repo.path(".durablefetch"));
    Service::start(RECORDER, command, "listening on ", events)
}

fn check_port(port: u16) -> Result<()> {
    if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
        let other = port.checked_add(1).unwrap_or(DEFAULT_PORT);
        bail!(
            "port {port} is not free ({error}).\n  what to do: stop what uses it, or choose another: \
             cargo xtask demo --port {other}"
        );
    }
    Ok(())
}

//! The example chat: recorder, API server and Vite.

use std::sync::mpsc::{Receiver, Sender};

use anyhow::{Result, anyhow};

use super::service::Service;
use super::{Event, Options, RECORDER};
use crate::repo::Repo;

pub(super) fn run(
    repo: &Repo,
    options: &Options,
    events: &Sender<Event>,
    ended: &Receiver<Event>,
) -> Result<()> {
    let mut recorder = options.recorder.start(repo, "127.0.0.1:0", &[], events)?;
    let recorder_address = recorder.address().to_owned();

    let chat = repo.path("examples/chat");
    let mut command = repo.command("node");
    command.arg("server/main.js").env("PORT", "0").current_dir(&chat);
    let api = Service::start("api", command, "listening on ", events)?;

    let mut command = repo.command("node");
    command.args(["node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--strictPort"]);
    command.args(["--port", &options.port.to_string()]).current_dir(&chat).env("NO_COLOR", "1");
    command.env("RECORDER_URL", &recorder_address).env("API_URL", api.address());
    let vite = Service::start("web", command, "Local:", events)?;

    println!("\n  The chat is at  {}", vite.address().replace("127.0.0.1", "localhost"));
    println!("  Send a message, then reload the page, open it twice, or pull the plug: the answer goes on.");
    println!("  The recorder is at {recorder_address}, its data in .durablefetch/. Kill it if you like:");
    println!("  kill -9 {} (it is started again). Ctrl-C stops everything.\n", recorder.pid());

    let outcome = loop {
        match ended.recv() {
            // Killing the recorder is part of the demo: the page says so, and the next message works.
            Ok(Some(RECORDER)) => {
                let listen = recorder_address.trim_start_matches("http://");
                recorder = options.recorder.start(repo, listen, &[], events)?;
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

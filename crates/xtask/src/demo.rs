//! `cargo xtask demo`: from a fresh clone to an example that runs.

mod chat;
mod example;
pub(crate) mod service;

use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};

use anyhow::{Context, Result, bail};

use crate::demo::service::Service;
use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, package, worker};

const DEFAULT_PORT: u16 = 5173;
const RECORDER: &str = "recorder";
/// What the servers print before their address.
const LISTENING: &str = "listening on ";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which of the folders of examples/.
    #[arg(value_enum, default_value = "chat")]
    example: Example,
    /// The port of the web page, on 127.0.0.1; 0 takes a free one, as the recorder and the API server always do.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Which recorder: the native one, or that for Cloudflare's Durable Objects, on workerd.
    #[arg(long, value_enum, default_value_t = Recorder::Native)]
    recorder: Recorder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Recorder {
    Native,
    Worker,
}

impl Recorder {
    fn build(self, repo: &Repo) -> Result<()> {
        match self {
            Self::Native => {
                let mut build = repo.command("cargo");
                build.args(["build", "-p", "durablefetch-server"]);
                Step::new(repo, "cargo build of the recorder", build).run()
            }
            Self::Worker => worker::build(repo),
        }
    }
}

/// The examples. `examples/cloudflare` needs no demo: it is `cargo xtask worker`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Example {
    /// A chat with the AI SDK and Vite, with buttons to pull the plug and to stop.
    Chat,
    /// Next.js, App Router, with the recorder behind a rewrite.
    Next,
    /// One HTML file and no bundler: two tabs.
    Vanilla,
    /// A script to kill; it is started again and goes on.
    Node,
    /// The OpenAI SDK through `df.fetch`.
    Openai,
}

impl Example {
    fn folder(self) -> &'static str {
        match self {
            Self::Chat => "examples/chat",
            Self::Next => "examples/next",
            Self::Vanilla => "examples/vanilla",
            Self::Node => "examples/node",
            Self::Openai => "examples/openai",
        }
    }

    /// Whether it is a web page, on a port of the user's choice.
    fn is_page(self) -> bool {
        matches!(self, Self::Chat | Self::Next | Self::Vanilla)
    }
}

/// What ends a demo: a server's own end, by its name, or `None`, which is Ctrl-C.
type Event = Option<&'static str>;

/// Builds what is not built yet, starts what the example needs and stops it at Ctrl-C or when one of them ends.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let example = options.example;
    if example.is_page() {
        // First of all: nobody should wait for a build only to learn that the port is taken.
        check_port(options)?;
    }
    eprintln!("── building (a few minutes the first time)");
    package::run(repo)?;
    npm::ensure(repo, example.folder())?;
    options.recorder.build(repo)?;

    eprintln!("── starting");
    let (events, ended) = mpsc::channel();
    let interrupt = events.clone();
    ctrlc::set_handler(move || {
        let _ = interrupt.send(None);
    })
    .context("cannot listen for Ctrl-C")?;
    let stage = Stage { repo, options, events, ended };
    match example {
        Example::Chat => stage.chat(),
        Example::Next => stage.next(),
        Example::Vanilla => stage.vanilla(),
        Example::Node | Example::Openai => stage.program(),
    }
}

/// Where an example is shown: it starts servers and hears of their ends.
struct Stage<'a> {
    repo: &'a Repo,
    options: &'a Options,
    events: Sender<Event>,
    ended: Receiver<Event>,
}

impl Stage<'_> {
    /// A program for Node in a folder.
    fn node(&self, folder: &str, script: &str) -> Command {
        let mut command = self.repo.command("node");
        command.arg(script).current_dir(self.repo.path(folder));
        command
    }

    fn start(&self, name: &'static str, command: Command, marker: &'static str) -> Result<Service> {
        Service::start(name, command, marker, &self.events)
    }

    /// The recorder, its data in .durablefetch/. `settings` are variables that both recorders read.
    fn recorder(&self, listen: &str, settings: &[(&str, &str)]) -> Result<Service> {
        let data = self.repo.path(".durablefetch");
        let (mut command, marker) = match self.options.recorder {
            Recorder::Native => {
                let mut command = self.repo.command(&self.repo.recorder().to_string_lossy());
                command.args(["serve", "--listen", listen, "--data"]).arg(data);
                (command, LISTENING)
            }
            Recorder::Worker => (worker::serve(self.repo, &data.join("worker"), listen)?, worker::LISTENING),
        };
        command.envs(settings.iter().copied());
        self.start(RECORDER, command, marker)
    }

    /// Waits for Ctrl-C, or for the end of a server, which is an error.
    fn until_ended(&self) -> Result<()> {
        match self.ended.recv() {
            Ok(Some(name)) => bail!("{name} ended by itself; what it printed last is above"),
            Ok(None) | Err(_) => Ok(()),
        }
    }
}

fn check_port(options: &Options) -> Result<()> {
    let port = options.port;
    if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
        let other = port.checked_add(1).unwrap_or(DEFAULT_PORT);
        let name = match options.example {
            Example::Chat => "",
            Example::Next => "next ",
            _ => "vanilla ",
        };
        bail!(
            "port {port} is not free ({error}).\n  what to do: stop what uses it, or choose another: \
             cargo xtask demo {name}--port {other}"
        );
    }
    Ok(())
}

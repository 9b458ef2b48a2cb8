//! The smaller examples: each asks the slow writer of examples/upstream, through a recorder.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;

use anyhow::{Context, Result, bail};

use super::service::Service;
use super::{LISTENING, Stage};

const SIGKILL: i32 = 9;

impl Stage<'_> {
    /// The page of examples/vanilla, which is told by its address where the others are.
    pub(super) fn vanilla(&self) -> Result<()> {
        let (recorder, upstream) = (self.recorder("127.0.0.1:0", &[])?, self.upstream()?);
        let mut command = self.node("examples/vanilla", "serve.js");
        command.env("PORT", self.options.port.to_string());
        let page = self.start("page", command, LISTENING)?;
        let (at, recorder_at, upstream_at) = (page.address(), recorder.address(), upstream.address());
        println!("\n  The page is at  {at}/?recorder={recorder_at}&upstream={upstream_at}");
        println!(
            "  Press Ask, then reload it, or open its address in a second tab. Ctrl-C stops everything.\n"
        );
        let outcome = self.until_ended();
        drop((page, upstream, recorder));
        outcome
    }

    /// Next.js in development, with the recorder at /df. The recorder is told of the proxy in front of it.
    pub(super) fn next(&self) -> Result<()> {
        let port = if self.options.port == 0 { free_port()? } else { self.options.port };
        let origin = format!("http://localhost:{port}");
        let settings = [
            ("DURABLEFETCH_BASE_PATH", "/df"),
            ("DURABLEFETCH_PUBLIC_ORIGIN", origin.as_str()),
            ("DURABLEFETCH_ALLOW", &format!("{origin}/api/")),
            ("DURABLEFETCH_UNGUESSABLE_URLS", "true"),
        ];
        let (recorder, upstream) = (self.recorder("127.0.0.1:0", &settings)?, self.upstream()?);
        let mut command = self.node("examples/next", "node_modules/next/dist/bin/next");
        command.args(["dev", "--hostname", "localhost", "--port", &port.to_string()]);
        command.env("NO_COLOR", "1").env("NEXT_TELEMETRY_DISABLED", "1");
        command.env("RECORDER_URL", recorder.address()).env("UPSTREAM_URL", upstream.address());
        let next = self.start("next", command, "Local:")?;
        println!("\n  The chat is at  {}", next.address());
        println!("  Send a message, then reload the page. Ctrl-C stops everything.\n");
        let outcome = self.until_ended();
        drop((next, upstream, recorder));
        outcome
    }

    /// A program that runs to its end; started again where it was killed.
    pub(super) fn program(&self) -> Result<()> {
        let (recorder, upstream) = (self.recorder("127.0.0.1:0", &[])?, self.upstream()?);
        loop {
            let mut command = self.node(self.options.example.folder(), "main.js");
            command.env("RECORDER_URL", recorder.address()).env("UPSTREAM_URL", upstream.address());
            if std::env::var_os("OPENAI_API_KEY").is_none() {
                command.env("OPENAI_BASE_URL", format!("{}/v1", upstream.address()));
            }
            println!();
            let status = command.status().context("cannot start node")?;
            match (status.signal(), status.success()) {
                (_, true) => return Ok(()),
                (Some(SIGKILL), _) => println!("\n\n  It was killed, and is started again."),
                // Ctrl-C reaches it, too.
                (Some(_), _) => return Ok(()),
                (None, false) => bail!("it ended with {status}; what it printed last is above"),
            }
        }
    }

    fn upstream(&self) -> Result<Service> {
        let mut command = self.node("examples/upstream", "main.js");
        command.env("PORT", "0");
        self.start("upstream", command, LISTENING)
    }
}

/// Next has to be told its port before it has one: the recorder is started first, and needs the origin.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr().context("no port is free")?.port())
}

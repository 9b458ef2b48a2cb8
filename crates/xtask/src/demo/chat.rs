//! The example chat: recorder, API server and Vite.

use anyhow::{Result, anyhow};

use super::{LISTENING, RECORDER, Stage};

impl Stage<'_> {
    pub(super) fn chat(&self) -> Result<()> {
        const FOLDER: &str = "examples/chat";
        let mut recorder = self.recorder("127.0.0.1:0", &[])?;
        let recorder_address = recorder.address().to_owned();

        let mut command = self.node(FOLDER, "server/main.js");
        command.env("PORT", "0");
        let api = self.start("api", command, LISTENING)?;

        let mut command = self.node(FOLDER, "node_modules/vite/bin/vite.js");
        command.args(["--host", "127.0.0.1", "--strictPort", "--port", &self.options.port.to_string()]);
        command.env("NO_COLOR", "1").env("RECORDER_URL", &recorder_address).env("API_URL", api.address());
        let vite = self.start("web", command, "Local:")?;

        println!("\n  The chat is at  {}", vite.address().replace("127.0.0.1", "localhost"));
        println!(
            "  Send a message, then reload the page, open it twice, or pull the plug: the answer goes on."
        );
        println!("  The recorder is at {recorder_address}, its data in .durablefetch/. Kill it if you like:");
        println!("  kill -9 {} (it is started again). Ctrl-C stops everything.\n", recorder.pid());

        let outcome = loop {
            match self.ended.recv() {
                // Killing the recorder is part of the demo: the page says so, and the next message works.
                Ok(Some(RECORDER)) => {
                    recorder = self.recorder(recorder_address.trim_start_matches("http://"), &[])?;
                    println!("  [recorder] was gone and is back: kill -9 {}", recorder.pid());
                }
                Ok(Some(name)) => {
                    break Err(anyhow!("{name} ended by itself; what it printed last is above"));
                }
                Ok(None) | Err(_) => break Ok(()),
            }
        };
        // In this order: the page first, so that it does not report the others as lost.
        drop((vite, api, recorder));
        outcome
    }
}

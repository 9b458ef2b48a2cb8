//! The client under test: the package in Node, or in a page that Node drives. One line of JSON in, one out.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long the program that reads may take to start.
const START: Duration = Duration::from_secs(60);
/// And to end.
const STOP: Duration = Duration::from_secs(5);

/// What to fetch, and how.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order<'a> {
    pub(crate) host: String,
    pub(crate) url: &'a str,
    pub(crate) post: bool,
    pub(crate) leaves_at: Option<usize>,
    pub(crate) clock: Option<(usize, i64)>,
    /// The request id, where the app gives one itself.
    pub(crate) request: Option<&'a str>,
    /// How long silence may last before the client opens another connection.
    pub(crate) stall_ms: u64,
    /// How long the client tries before it gives up.
    pub(crate) give_up_ms: u64,
    pub(crate) deadline_ms: u64,
}

/// What the app got.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Got {
    /// `end`: a clean end; `error`: an error; `hang`: neither within the deadline.
    pub(crate) how: String,
    pub(crate) status: Option<u16>,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) reconnects: u32,
    /// Errors in the page that nothing has caught since the run before.
    #[serde(default)]
    pub(crate) uncaught: Vec<String>,
}

/// What a page has to say at its end.
#[derive(Debug, Deserialize)]
struct Last {
    uncaught: Vec<String>,
}

pub(crate) struct Client {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// A page in this engine, or Node.
    pub(crate) async fn start(program: &Path, engine: Option<&str>) -> Result<Self> {
        let mut command = Command::new("node");
        command.arg(program).args(engine.into_iter().flat_map(|engine| ["--browser", engine]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start node")?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let ready = tokio::time::timeout(START, lines.next_line()).await;
        let ready = ready.context("the client does not start")??;
        anyhow::ensure!(ready.as_deref() == Some("ready"), "the client says {ready:?}");
        Ok(Self { child, stdin, lines })
    }

    /// `None` where it says nothing at all, even long after the deadline.
    pub(crate) async fn fetch(&mut self, order: &Order<'_>) -> Result<Option<Got>> {
        let line = serde_json::to_string(order)? + "\n";
        self.stdin.write_all(line.as_bytes()).await?;
        let limit = Duration::from_millis(order.deadline_ms) + Duration::from_secs(15);
        let Ok(line) = tokio::time::timeout(limit, self.lines.next_line()).await else { return Ok(None) };
        let line = line?.context("the client ended")?;
        Ok(Some(serde_json::from_str(&line).with_context(|| format!("the client says {line}"))?))
    }

    /// Resolves with the errors in its page that nothing has caught since the last run.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        // At the end of its input it says what is left to say, and closes its browser.
        drop(self.stdin);
        let last = tokio::time::timeout(STOP, self.lines.next_line()).await;
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        match last {
            Ok(Ok(Some(line))) => {
                serde_json::from_str(&line).map_or_else(|_| vec![line], |Last { uncaught }| uncaught)
            }
            _ => Vec::new(),
        }
    }
}

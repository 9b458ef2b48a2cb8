//! Runs one command as one step: its output goes to a log, the terminal shows a line with the time, and a
//! failure says what failed, with which command, what it printed last and what to do.

use std::fs::{self, File};
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;

/// A step shorter than this prints nothing but its result.
const QUIET: Duration = Duration::from_secs(2);
/// Without a terminal (CI), how often a running step says that it still runs.
const HEARTBEAT: Duration = Duration::from_secs(30);
const TAIL_LINES: usize = 40;

/// One command with a name for people and, where there is one, the remedy for its failure.
pub(crate) struct Step<'a> {
    repo: &'a Repo,
    name: String,
    command: Command,
    remedy: Option<String>,
    stdout: Option<PathBuf>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(repo: &'a Repo, name: impl Into<String>, command: Command) -> Self {
        Self { repo, name: name.into(), command, remedy: None, stdout: None }
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Writes what it prints to stdout into this file instead of the log.
    pub(crate) fn stdout(mut self, file: &Path) -> Self {
        self.stdout = Some(file.to_owned());
        self
    }

    /// Runs it to its end. The log is `target/xtask-logs/<name>.log`.
    pub(crate) fn run(mut self) -> Result<()> {
        let log_path = self.log_path()?;
        let log = File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
        // A log is read later, elsewhere: no colours, no cursor movements.
        self.command.env("TERM", "dumb").env("NO_COLOR", "1");
        let output = self.stdout.as_ref().map_or_else(|| log.try_clone(), File::create)?;
        self.command.stdin(Stdio::null()).stdout(output).stderr(log);
        let child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => bail!("{}: cannot start `{}`: {error}{}", self.name, self.line(), self.advice()),
        };
        let status = wait(&self.name, child, &log_path)?;
        if status.success() {
            return Ok(());
        }
        bail!(
            "{} failed ({status})\n  command: {}\n  folder:  {}\n  log:     {}\n{}{}",
            self.name,
            self.line(),
            self.command.get_current_dir().unwrap_or(Path::new(".")).display(),
            log_path.display(),
            tail(&log_path),
            self.advice(),
        )
    }

    fn log_path(&self) -> Result<PathBuf> {
        let dir = self.repo.logs();
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let slug: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Ok(dir.join(format!("{slug}.log")))
    }

    fn line(&self) -> String {
        let parts = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn advice(&self) -> String {
        self.remedy.as_ref().map(|remedy| format!("\n  what to do: {remedy}")).unwrap_or_default()
    }
}

/// A duration the way the summaries print it.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

/// Waits for the child and meanwhile tells the time: in place on a terminal, a line now and then elsewhere.
fn wait(name: &str, mut child: Child, log: &Path) -> Result<ExitStatus> {
    let started = Instant::now();
    let (sender, exited) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(child.wait()));
    let in_place = stderr().is_terminal();
    let mut next_heartbeat = HEARTBEAT;
    let status = loop {
        match exited.recv_timeout(Duration::from_millis(500)) {
            Ok(status) => break status?,
            Err(RecvTimeoutError::Disconnected) => bail!("{name}: lost track of its process"),
            Err(RecvTimeoutError::Timeout) => {
                let elapsed = started.elapsed();
                if in_place && elapsed > QUIET {
                    eprint!("\r\x1b[2K  … {name}, {} s: {}", elapsed.as_secs(), last_line(log, 60));
                    let _ = stderr().flush();
                } else if !in_place && elapsed > next_heartbeat {
                    eprintln!("  … {name}, {} s: {}", elapsed.as_secs(), last_line(log, 100));
                    next_heartbeat += HEARTBEAT;
                }
            }
        }
    };
    let _ = waiter.join();
    if in_place && started.elapsed() > QUIET {
        eprint!("\r\x1b[2K");
    }
    if status.success() && started.elapsed() > QUIET {
        eprintln!("  ✓ {name} ({})", seconds(started.elapsed()));
    }
    Ok(status)
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..].iter().map(|line| format!("    | {line}\n")).collect()
}

fn last_line(log: &Path, width: usize) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(width).collect()
}

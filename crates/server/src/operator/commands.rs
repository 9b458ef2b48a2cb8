//! The commands.

use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::ask::Recorder;
use super::{backup, text};
use crate::clock::now_ms;

/// How often `ls --watch` looks.
const EVERY: Duration = Duration::from_secs(1);

/// Which recorder is asked.
#[derive(Debug, Args)]
pub(super) struct Of {
    #[cfg_attr(unix, doc = "The recorder's data directory. [default: ~/.local/state/durablefetch]")]
    #[cfg_attr(windows, doc = r"The recorder's data directory. [default: %LOCALAPPDATA%\durablefetch]")]
    #[arg(long, value_name = "DIR", env = "DURABLEFETCH_DATA", hide_env_values = true)]
    data: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The arguments of `durablefetch ls`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    of: Of,

    /// Only recordings of this scope, by the name that the log has for it, or by a token's subject.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,

    /// Only recordings in this state; `live` is connecting or streaming.
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(STATES))]
    state: Option<String>,

    /// Only recordings whose URL contains this.
    #[arg(long, value_name = "TEXT")]
    url: Option<String>,

    /// At most so many, the latest first.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,

    /// Look again every second, until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

const STATES: [&str; 7] = ["live", "connecting", "streaming", "complete", "stopped", "failed", "interrupted"];

/// The arguments of `durablefetch show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    of: Of,

    /// The recording's id.
    recording: String,
}

/// The arguments of `durablefetch du`.
#[derive(Debug, Args)]
pub struct Disk {
    #[command(flatten)]
    of: Of,
}

/// The arguments of `durablefetch rm`.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["recording", "scope"])]
pub struct Remove {
    #[command(flatten)]
    of: Of,

    /// The recording's id.
    recording: Option<String>,

    /// All that is stored of this scope, live recordings as well: by the name that the log has for it, or by a token's subject.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
}

/// The arguments of `durablefetch backup`.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    of: Of,

    /// Where the copy goes: a directory that is empty or not there.
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

/// One of the commands.
pub enum Which {
    /// `ls`
    List(List),
    /// `show`
    Show(Show),
    /// `du`
    Disk(Disk),
    /// `rm`
    Remove(Remove),
    /// `backup`
    Backup(Backup),
}

/// Runs a command.
pub async fn run(which: Which) -> ExitCode {
    let done = match which {
        Which::List(list) if list.watch => watch(&list).await,
        Which::List(list) => ask(&list.of, "/ls", list.asked(), |value| text::list(value, now_ms())).await,
        Which::Show(show) => {
            ask(&show.of, "/show", json!({ "recording": show.recording }), |value| {
                text::show(value, now_ms())
            })
            .await
        }
        Which::Disk(disk) => ask(&disk.of, "/du", Value::Null, text::usage).await,
        Which::Remove(remove) => {
            let asked = json!({ "recording": remove.recording, "scope": remove.scope });
            ask(&remove.of, "/rm", asked, text::removed).await
        }
        Which::Backup(backup) => back_up(&backup).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("durablefetch: {message}");
            ExitCode::FAILURE
        }
    }
}

impl Of {
    fn data(&self) -> Result<PathBuf, String> {
        let data = self.data.clone().or_else(crate::config::default_data);
        data.ok_or_else(|| "no home directory is known: name the recorder's directory with --data".to_owned())
    }

    async fn recorder(&self) -> Result<Recorder, String> {
        Recorder::connect(&self.data()?).await
    }
}

impl List {
    fn asked(&self) -> Value {
        json!({ "scope": self.scope, "state": self.state, "url": self.url, "limit": self.limit })
    }
}

async fn ask(
    of: &Of,
    path: &'static str,
    asked: Value,
    show: impl Fn(&Value) -> String,
) -> Result<(), String> {
    let value = of.recorder().await?.ask(path, &asked).await?;
    print(&if of.json { format!("{value:#}\n") } else { show(&value) });
    Ok(())
}

/// A closed pipe is not an error: who reads has enough.
fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

async fn watch(list: &List) -> Result<(), String> {
    let mut recorder = list.of.recorder().await?;
    let is_screen = stdout().is_terminal();
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            interrupted = tokio::signal::ctrl_c() => return interrupted.map_err(|error| error.to_string()),
        }
        let value = recorder.ask("/ls", &list.asked()).await?;
        // From the top of an empty screen.
        let clear = if is_screen { "\x1b[H\x1b[2J" } else { "" };
        print(&format!("{clear}{}", text::list(&value, now_ms())));
    }
}

async fn back_up(backup: &Backup) -> Result<(), String> {
    let data = backup.of.data()?;
    let held = backup.of.recorder().await?.hold().await?;
    let to = backup.to.clone();
    let copied = tokio::task::spawn_blocking(move || backup::copy(&data, &to)).await;
    drop(held);
    let copied = copied.map_err(|error| error.to_string())??;
    let (recordings, bytes, to) = (copied.recordings, copied.bytes, backup.to.display());
    print(&if backup.of.json {
        format!("{:#}\n", json!({ "recordings": recordings, "bytes": bytes, "directory": backup.to }))
    } else {
        format!(
            "{recordings} recordings, {} in their bodies, are in {to}. To restore them: `durablefetch serve --data {to}`\n",
            text::size(bytes)
        )
    });
    Ok(())
}

//! Recorders that are programs: started, killed and started again on the same directory.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::check::{Checked, Oops, soon};
use crate::launch::{Ability, DEADLINE, Settings};

type Build = dyn Fn(&Settings, &Path) -> Command + Send + Sync;

/// Launches a program. Once it accepts connections it must print a line with its base URL to stdout.
#[derive(Clone)]
pub struct Process {
    build: Arc<Build>,
    pub(crate) lacks: Vec<Ability>,
    /// Cases by their names, and why each does not apply to it.
    pub(crate) without: Vec<(&'static str, &'static str)>,
    pub(crate) within: Duration,
}

impl Process {
    /// `build` makes the command line for these settings and this directory, which is empty the first time.
    /// It must choose a free port.
    pub fn new(build: impl Fn(&Settings, &Path) -> Command + Send + Sync + 'static) -> Self {
        Self { build: Arc::new(build), lacks: Vec::new(), without: Vec::new(), within: DEADLINE }
    }

    /// The program cannot do this. The cases about it are ignored.
    pub fn lacking(mut self, abilities: impl IntoIterator<Item = Ability>) -> Self {
        self.lacks.extend(abilities);
        self
    }

    /// A case may take so long. Default 60 s.
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// These cases, by their names, are ignored, each for its reason.
    pub fn without(mut self, cases: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        self.without.extend(cases);
        self
    }

    async fn start(&self, settings: &Settings, directory: &Path) -> Checked<(Child, String)> {
        let log_path = directory.join("stderr.log");
        let failed = |what: &str, error: std::io::Error| {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            Oops::new(format!("the recorder {what}: {error}")).context(log)
        };
        let log = File::options().create(true).append(true).open(&log_path);
        let mut command = (self.build)(settings, &directory.join("store"));
        command.stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(log.map_err(|e| failed("has no log", e))?);
        let mut child = command.spawn().map_err(|e| failed("does not start", e))?;
        let stdout = child.stdout.take().ok_or_else(|| Oops::new("the recorder has no stdout"))?;
        let mut lines = BufReader::new(stdout).lines();
        let url = soon("the recorder prints where it listens", async {
            while let Some(line) = lines.next_line().await? {
                if let Some(at) = line.find("http://") {
                    return Ok(line[at..].split_whitespace().next().unwrap_or_default().to_owned());
                }
            }
            Err(std::io::Error::other("it ended without a line that says where it listens"))
        });
        let url = url.await?.map_err(|e| failed("did not come up", e))?;
        // What else it prints is nobody's, but its pipe must not fill up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((child, url))
    }

    /// Starts a recorder with an empty store and waits until it accepts connections.
    pub(crate) async fn launch(&self, settings: Settings) -> Checked<Instance> {
        let directory = TempDir::with_prefix("durablefetch-conformance-");
        let directory = directory.map_err(|e| Oops::new(format!("no temporary directory: {e}")))?;
        let (child, url) = self.start(&settings, directory.path()).await?;
        Ok(Instance { process: self.clone(), settings, directory, child, url })
    }
}

/// A recorder that belongs to one case. Dropping it ends it and removes its store.
pub struct Instance {
    process: Process,
    settings: Settings,
    // Before the directory, so that the program is gone when its files are removed.
    child: Child,
    directory: TempDir,
    url: String,
}

impl Instance {
    /// Where it listens now.
    pub fn base_url(&self) -> &str {
        &self.url
    }

    /// Kills it without warning (as `kill -9` does) and starts it again on the same store. The base URL may
    /// differ afterwards.
    pub async fn crash_and_restart(&mut self) -> Checked {
        self.child.kill().await.map_err(|e| Oops::new(format!("cannot kill the recorder: {e}")))?;
        self.again().await
    }

    /// Asks it to end, as SIGTERM does, and does not wait for it.
    pub fn terminate(&mut self) -> Checked {
        let id =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or_else(|| Oops::new("the recorder has ended already"))?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .map_err(|e| Oops::new(format!("cannot signal the recorder: {e}")))
    }

    /// Waits until it has ended by itself and starts it again on the same store.
    pub async fn start_again(&mut self) -> Checked {
        let ended = soon("the recorder ends", self.child.wait()).await?;
        let ended = ended.map_err(|e| Oops::new(format!("cannot wait for the recorder: {e}")))?;
        if !ended.success() {
            return Err(Oops::new(format!("the recorder did not end in good order: {ended}")));
        }
        self.again().await
    }

    async fn again(&mut self) -> Checked {
        (self.child, self.url) = self.process.start(&self.settings, self.directory.path()).await?;
        Ok(())
    }
}

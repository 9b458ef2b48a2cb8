//! The recorder under test: started, killed, stopped for a while, started again on the same data.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A recorder with a directory of its own.
pub(crate) struct Recorder {
    binary: PathBuf,
    // Before the directory, so that the program is gone when its files are removed.
    child: Child,
    data: PathBuf,
    place: Place,
    port: u16,
    /// Beside those that all have.
    flags: Vec<String>,
    log: Log,
}

impl Recorder {
    /// Starts one whose data is in a temporary directory, or on a small disk of its own. `port`: 0 for any.
    pub(crate) async fn start(
        binary: &Path,
        disk_mb: Option<u32>,
        port: u16,
        flags: Vec<String>,
    ) -> Result<Self> {
        let place = match disk_mb {
            Some(mb) => {
                Place::Disk(small_disk(mb).await.context("the small disk cannot be mounted any more")?)
            }
            None => Place::Directory(TempDir::with_prefix("durablefetch-chaos-")?),
        };
        let data = place.path().join("data");
        let log = Log::default();
        let (child, port) = launch(binary, &data, port, &flags, &log).await?;
        Ok(Self { binary: binary.to_owned(), child, data, place, port, flags, log })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// kill -9, and again on the same data and the same port.
    pub(crate) async fn kill_and_restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.start_again().await
    }

    /// kill -9.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Once more, on the same data and the same port. The one before has ended.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let again = launch(&self.binary, &self.data, self.port, &self.flags, &self.log).await;
        (self.child, self.port) = again?;
        Ok(())
    }

    /// Sends it a signal, as `kill` names it.
    pub(crate) async fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.child.id().context("the recorder has ended")?;
        let sent = Command::new("kill").args([signal, &pid.to_string()]).status().await?;
        anyhow::ensure!(sent.success(), "the recorder is not there to be sent {signal}");
        Ok(())
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        self.child.wait().await?;
        Ok(())
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has logged since it was asked last.
    pub(crate) fn log(&self) -> String {
        self.log.take()
    }

    /// Takes the room on its disk, all but so many bytes.
    pub(crate) async fn fill(&self, leaves: u64) -> Result<()> {
        let path = self.ballast();
        tokio::task::spawn_blocking(move || {
            let mut ballast = std::fs::File::create(&path)?;
            let (mut length, mut piece) = (0, 64 * 1024);
            while piece > 0 {
                match ballast.write(&vec![b'b'; piece]) {
                    Ok(written) => length += written as u64,
                    Err(error) if error.kind() == ErrorKind::StorageFull => piece /= 2,
                    Err(error) => return Err(error),
                }
            }
            ballast.set_len(length.saturating_sub(leaves))
        })
        .await?
        .context("the disk cannot be filled")
    }

    /// Gives the room back.
    pub(crate) fn empty(&self) -> Result<()> {
        match std::fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("what filled the disk stays")
            }
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.place.path().join("ballast")
    }

    /// A control call about this URL.
    pub(crate) async fn ask(&self, name: &str, url: &str) -> Result<Value> {
        let body = serde_json::json!({ "url": url }).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let head = format!(
            "POST /{name} HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let (_, body) = text.split_once("\r\n\r\n").context("no answer")?;
        serde_json::from_str(body).with_context(|| format!("{name} answers {text}"))
    }

    pub(crate) async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

enum Place {
    Directory(TempDir),
    Disk(SmallDisk),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Directory(directory) | Self::Disk(SmallDisk(directory)) => directory.path(),
        }
    }
}

/// What recorders say on stderr, those that have ended too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn add(&self, text: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += text;
    }

    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn launch(binary: &Path, data: &Path, port: u16, flags: &[String], log: &Log) -> Result<(Child, u16)> {
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).arg("--data").arg(data);
    // Shorter than what the clients wait for: an upstream that says nothing is an upstream that failed.
    command.args(["--header-timeout", "3s", "--idle-timeout", "3s"]).args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
    let mut said = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let added = log.clone();
    let saying = tokio::spawn(async move {
        while let Ok(Some(line)) = said.next_line().await {
            added.add(&(line + "\n"));
        }
    });
    let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    while let Some(line) = lines.next_line().await? {
        let port = line
            .split("127.0.0.1:")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        if let Some(Ok(port)) = port.map(|port| port.parse()) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, port));
        }
    }
    let _ = saying.await;
    bail!("the recorder ended without saying where it listens: {}", log.take())
}

/// A file system of a few megabytes, unmounted when it is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk(TempDir);

/// Mounts one of so many megabytes; none where that is not allowed.
pub(crate) async fn small_disk(mb: u32) -> Option<SmallDisk> {
    let directory = TempDir::with_prefix("durablefetch-chaos-disk-").ok()?;
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("size={mb}m"), "tmpfs"]).arg(directory.path());
    let mounted = mount.stderr(Stdio::null()).status().await.is_ok_and(|status| status.success());
    mounted.then(|| SmallDisk(directory))
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

//! One server of the demo: started, waited for until it says where it listens, stopped.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to say where it listens.
const START: Duration = Duration::from_secs(60);
/// How long it may take to stop after SIGTERM; then it is killed.
const STOP: Duration = Duration::from_secs(5);

/// A running child process that has announced its address.
pub(crate) struct Service {
    pid: Pid,
    address: String,
    exited: Receiver<()>,
}

impl Service {
    /// Starts it and waits for a line of its output that contains `marker`; the address follows it, or its port on
    /// 127.0.0.1 alone. Its output is passed on, each line with its name in front. Its end is told to `events`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        marker: &'static str,
        events: &Sender<Option<&'static str>>,
    ) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop the servers in order.
        command.process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot start the {name}"))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        let stdout = child.stdout.take().context("no output to read")?;

        let (found, address) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once(marker) {
                    let _ = found.send(spelled_out(rest));
                }
                if !line.trim().is_empty() {
                    println!("  [{name}] {}", line.trim_end());
                }
            }
        });
        let (gone, exited) = mpsc::channel();
        let events = events.clone();
        thread::spawn(move || {
            let _ = child.wait();
            let _ = gone.send(());
            let _ = events.send(Some(name));
        });
        // The reading end goes away with the child's output, so an early death does not wait for the time limit.
        match address.recv_timeout(START) {
            Ok(address) => Ok(Self { pid, address: address.trim_end_matches('/').to_owned(), exited }),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(anyhow!("the {name} ended before it was ready")),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = kill_process(pid, Signal::KILL);
                bail!("the {name} was not ready after {} s", START.as_secs())
            }
        }
    }

    /// Its process id, for people who want to kill it.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// An address as it stands at the end of a line, or made of the port that stands there (workerd's JSON).
fn spelled_out(rest: &str) -> String {
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { rest.trim().to_owned() } else { format!("http://127.0.0.1:{digits}") }
}

impl Drop for Service {
    /// Asks it to end and insists after a while. In `Drop`, so that no server outlives the demo, not even when
    /// a later one fails to start.
    fn drop(&mut self) {
        let _ = kill_process(self.pid, Signal::TERM);
        if let Err(mpsc::RecvTimeoutError::Timeout) = self.exited.recv_timeout(STOP) {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::spelled_out;

    #[test]
    fn an_address_is_spelled_out_or_a_port() {
        assert_eq!(spelled_out(" http://localhost:5173/ "), "http://localhost:5173/");
        assert_eq!(spelled_out("41234}"), "http://127.0.0.1:41234");
    }
}

//! What systemd is told (sd_notify(3)), and the sockets that it hands over (sd_listen_fds(3)).

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::env;
use std::ffi::OsString;
use std::net::TcpListener;
use std::time::Duration;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// A service manager that wants to know. Without one nothing is told.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        let is_ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let watchdog = env::var("WATCHDOG_USEC").ok().filter(|_| is_ours).and_then(|text| text.parse().ok());
        Self {
            socket: env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()),
            watchdog: watchdog.filter(|micros| *micros > 0).map(Duration::from_micros),
        }
    }

    /// The one that another process was started by, which has this one take its place.
    #[must_use]
    pub fn handed(socket: Option<OsString>, watchdog: Option<Duration>) -> Self {
        Self { socket, watchdog }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// The socket that it listens on, and after which silence it thinks that nothing is well.
    pub(crate) fn to_hand(&self) -> (Option<OsString>, Option<Duration>) {
        (self.socket.clone(), self.watchdog)
    }

    /// Its main process is this one from now on.
    pub(crate) fn main_is(&self, pid: u32) {
        self.tell(&format!("MAINPID={pid}"));
    }

    /// How often it wants to hear that all is well: half the time after which it thinks that nothing is.
    #[must_use]
    pub fn beat(&self) -> Option<Duration> {
        self.socket.as_ref().and(self.watchdog).map(|after| after / 2)
    }

    /// Requests are answered from now on.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// It is ending, and may take so long.
    pub fn stopping(&self, within: Duration, status: &str) {
        let micros = within.as_micros();
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS={status}"));
    }

    /// What it is doing.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    /// All is well.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, text: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = system::send(socket, text.as_bytes()) {
            tracing::debug!("the service manager cannot be told: {error}");
        }
    }
}

/// The sockets that this process was started with: the one to serve, and one for metrics.
///
/// # Errors
/// A sentence, where they are not TCP sockets that listen, or more than two.
pub fn sockets() -> Result<Vec<TcpListener>, String> {
    system::sockets()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_one_nothing_is_told() {
        let manager = ServiceManager { socket: None, watchdog: Some(Duration::from_secs(4)) };
        assert_eq!(manager.beat(), None);
        manager.ready("nobody hears it");
    }
}

//! What systemd is told (sd_notify(3)), and the sockets that it hands over (sd_listen_fds(3)).

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use listenfd::ListenFd;

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
        if let Err(error) = send(socket, text.as_bytes()) {
            tracing::debug!("the service manager cannot be told: {error}");
        }
    }
}

fn send(socket: &OsStr, text: &[u8]) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    // A manager that does not listen must not hold up what is served.
    sender.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return sender.send_to_addr(text, &address).map(drop);
    }
    sender.send_to(text, socket).map(drop)
}

/// The sockets that this process was started with: the one to serve, and one for metrics.
///
/// # Errors
/// A sentence, where they are not TCP sockets that listen, or more than two.
pub fn sockets() -> Result<Vec<TcpListener>, String> {
    let mut handed = ListenFd::from_env();
    let count = handed.len();
    if count > 2 {
        return Err(format!(
            "the service manager hands over {count} sockets: one to serve, and one for --metrics-listen, are taken"
        ));
    }
    let socket = |index| {
        let taken = handed.take_tcp_listener(index).map_err(|error| {
            format!("socket {index} of the service manager is not a TCP socket that listens: {error}")
        })?;
        taken.ok_or_else(|| format!("socket {index} of the service manager is not there"))
    };
    (0..count).map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &OsStr, listener: &UnixDatagram) -> String {
        let manager =
            ServiceManager { socket: Some(name.to_owned()), watchdog: Some(Duration::from_secs(4)) };
        assert_eq!(manager.beat(), Some(Duration::from_secs(2)));
        manager.ready("listening");
        let mut buffer = [0; 100];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_is_told_by_a_path_and_by_an_abstract_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        assert_eq!(told(path.as_os_str(), &listener), "READY=1\nSTATUS=listening");
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt;
            let name = format!("durablefetch-{}", std::process::id());
            let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
            let listener = UnixDatagram::bind_addr(&address).unwrap();
            assert_eq!(told(OsStr::new(&format!("@{name}")), &listener), "READY=1\nSTATUS=listening");
        }
    }

    #[test]
    fn without_one_nothing_is_told() {
        let manager = ServiceManager { socket: None, watchdog: Some(Duration::from_secs(4)) };
        assert_eq!(manager.beat(), None);
        manager.ready("nobody hears it");
    }
}

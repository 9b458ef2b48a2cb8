//! A Unix domain socket in the data directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};

/// The socket's file in the data directory.
const SOCKET: &str = "operator.sock";

/// What the recorder listens on.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    /// The user that the recorder runs as.
    own: u32,
}

impl Listener {
    /// The next connection; `None` for one of another user's.
    pub(super) async fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.socket.accept().await?;
        // The file's rights say so already, but for the moment between making it and taking it from others.
        let is_ours = stream.peer_cred().is_ok_and(|peer| [self.own, 0].contains(&peer.uid()));
        Ok(is_ours.then_some(stream))
    }
}

/// Listens in the data directory, which this process has locked: what is there is left over.
pub(crate) fn bind(data: &Path) -> io::Result<Option<Listener>> {
    let path = data.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = at(data, |path| UnixListener::bind(path))?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(Some(Listener { socket, own: rustix::process::geteuid().as_raw() }))
}

/// Connects to the recorder that serves this directory.
///
/// # Errors
/// A sentence.
pub(crate) fn connect(data: &Path) -> Result<UnixStream, String> {
    let connected = at(data, |path| {
        let stream = std::os::unix::net::UnixStream::connect(path)?;
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    });
    connected.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no recorder serves {0}: name its directory with --data, or start it with `durablefetch serve --data {0}`",
            data.display()
        ),
        io::ErrorKind::PermissionDenied => format!(
            "the recorder that serves {} belongs to another user: run this as that user, or as root",
            data.display()
        ),
        _ => format!("cannot ask the recorder that serves {}: {error}", data.display()),
    })
}

/// Gives a way to the socket that is short enough for an address, whatever the directory's path.
#[cfg(target_os = "linux")]
fn at<T>(data: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let directory = fs::File::open(data)?;
    with(Path::new(&format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd())))
}

/// Only Linux has a way through a descriptor. Elsewhere the path itself has to be short.
#[cfg(not(target_os = "linux"))]
fn at<T>(data: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    with(&data.join(SOCKET)).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => io::Error::other(format!(
            "the path of {SOCKET} in it is too long for a socket ({error}): name a directory with a path of less than 85 \
             bytes with --data"
        )),
        _ => error,
    })
}

//! Unix domain sockets, and `flock`, which the kernel lets go of when a process dies.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use durablefetch_protocol::placement::Owner;
use tokio::net::{UnixListener, UnixStream};

pub(crate) type Stream = UnixStream;

/// A connection that no scheduler knows yet.
#[derive(Debug)]
pub(crate) struct Accepted(std::os::unix::net::UnixStream);

impl Accepted {
    /// Has this thread's scheduler know it.
    pub(crate) fn here(self) -> io::Result<Stream> {
        UnixStream::from_std(self.0)
    }
}

/// What a process can be reached at, and what says that it lives.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    /// The user that the recorder runs as.
    user: u32,
    _alive: File,
}

impl Listener {
    /// The next connection; `None` for one of another user's.
    pub(crate) async fn accept(&self) -> io::Result<Option<Accepted>> {
        let (stream, _) = self.socket.accept().await?;
        let is_ours = stream.peer_cred().is_ok_and(|peer| [self.user, 0].contains(&peer.uid()));
        if is_ours { stream.into_std().map(Accepted).map(Some) } else { Ok(None) }
    }
}

fn socket_name(owner: Owner) -> String {
    format!("peer-{owner}.sock")
}

fn lock_path(data: &Path, owner: Owner) -> PathBuf {
    data.join(format!("peer-{owner}.lock"))
}

/// Has this process be reached, and be known to live.
pub(crate) fn bind(data: &Path, owner: Owner) -> io::Result<Option<Listener>> {
    let mut how = OpenOptions::new();
    let alive = how.read(true).write(true).create_new(true).mode(0o600).open(lock_path(data, owner))?;
    alive.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::ErrorKind::AddrInUse.into(),
        TryLockError::Error(error) => error,
    })?;
    let name = socket_name(owner);
    let socket = listen_at(data, &name)?;
    fs::set_permissions(data.join(&name), Permissions::from_mode(0o600))?;
    Ok(Some(Listener { socket, user: rustix::process::geteuid().as_raw(), _alive: alive }))
}

pub(crate) async fn connect(data: &Path, owner: Owner) -> io::Result<Stream> {
    let stream = connect_at(data, &socket_name(owner))?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Whether the process lives. The kernel says so: its lock is its own until it has ended.
pub(crate) fn lives(data: &Path, owner: Owner) -> bool {
    let Ok(file) = File::open(lock_path(data, owner)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Removes what a process has left.
pub(crate) fn remove(data: &Path, owner: Owner) {
    for path in [data.join(socket_name(owner)), lock_path(data, owner)] {
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} cannot be removed: {error}", path.display());
        }
    }
}

/// Removes what all processes have left that have ever been here: none lives.
pub(crate) fn remove_all(data: &Path) {
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| Owner::parse(name.strip_prefix("peer-")?.get(..32)?));
        if let Some(owner) = owner {
            remove(data, owner);
        }
    }
}

/// Connects to a socket in the data directory. Blocks.
pub(crate) fn connect_at(data: &Path, name: &str) -> io::Result<std::os::unix::net::UnixStream> {
    at(data, name, |path| std::os::unix::net::UnixStream::connect(path))
}

/// Listens on a socket in the data directory, in place of what is there.
pub(crate) fn listen_at(data: &Path, name: &str) -> io::Result<UnixListener> {
    match fs::remove_file(data.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    at(data, name, |path| UnixListener::bind(path))
}

/// Gives a way to the socket that is short enough for an address, whatever the directory's path.
#[cfg(target_os = "linux")]
fn at<T>(data: &Path, name: &str, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let directory = File::open(data)?;
    with(Path::new(&format!("/proc/self/fd/{}/{name}", directory.as_raw_fd())))
}

/// Only Linux has a way through a descriptor. Elsewhere the path itself has to be short.
#[cfg(not(target_os = "linux"))]
fn at<T>(data: &Path, name: &str, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    with(&data.join(name))
}

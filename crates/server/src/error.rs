//! Why a recorder does not start, and why its storage fails while it runs.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use durablefetch_protocol::{ErrorCode, ProtocolError};

/// Why a recorder did not start. The message names the input and the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Others could reach the recorder, by what is said first, and these flags are missing.
    Exposed(String, Vec<&'static str>),
    /// This origin is mapped and not allowed.
    Unmapped(String),
    /// A set-up that was read again tells in another way whose recordings are whose.
    OtherScopes,
    /// Certificate or key cannot be used.
    Tls(String),
    /// The data directory cannot be made, read or written.
    DataDir(PathBuf, io::Error),
    /// This path in the data directory is a symbolic link, which is not followed.
    SymbolicLink(PathBuf),
    /// Another recorder uses the data directory.
    DataDirInUse(PathBuf),
    /// The database in the data directory cannot be opened.
    Database(PathBuf, String),
    /// The disk of the data directory is full.
    NoRoom(PathBuf),
    /// There are recorded bodies, but the database that says what they are is gone or empty.
    DatabaseMissing(PathBuf),
    /// The data directory was written by a later version.
    FutureFormat(PathBuf, i64),
    /// The data directory has recordings of a recorder that is in no cluster.
    NotOfACluster(PathBuf),
    /// The cluster's database cannot be used as it is named.
    ClusterUrl(String),
    /// The cluster's database cannot be reached, or refuses.
    Cluster(String),
    /// Another recorder of the cluster has settings otherwise that have to be the same.
    OtherSettings(String),
    /// Where the others of the cluster reach this recorder is not said.
    NoPeerUrl(SocketAddr),
    /// The upstream client could not be made.
    Client(String),
    /// The listener failed.
    Listener(io::Error),
    /// The threads that serve connections could not be started.
    Threads(io::Error),
}

impl StartError {
    /// Whether what was configured is wrong, so that the same start will fail again.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Exposed(..)
                | Self::Unmapped(_)
                | Self::OtherScopes
                | Self::Tls(_)
                | Self::NotOfACluster(_)
                | Self::ClusterUrl(_)
                | Self::OtherSettings(_)
                | Self::NoPeerUrl(_)
        )
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exposed(reach, missing) => write!(
                f,
                "others than this machine's user would reach the recorder ({reach}), which takes {}",
                missing.join(", and ")
            ),
            Self::Unmapped(origin) => write!(
                f,
                "--map of {origin} says where that is, not that it may be fetched: add --allow {origin}/ or a path \
                 below it"
            ),
            Self::OtherScopes => f.write_str(
                "--scope-by, --token-secret and --unguessable-urls cannot take each other's place without a restart: \
                 what is recorded would change hands",
            ),
            Self::Tls(error) => f.write_str(error),
            Self::DataDir(path, error) => write!(
                f,
                "the data directory {} cannot be used: {error}; name a writable one with --data",
                path.display()
            ),
            Self::SymbolicLink(path) => write!(
                f,
                "{} is a symbolic link, which the recorder does not follow: remove it, and name the directory that \
                 recordings are to be in with --data (that may be a link)",
                path.display()
            ),
            Self::DataDirInUse(path) => write!(
                f,
                "the data directory {} is in use by another recorder: stop that one, or name another directory \
                 with --data",
                path.display()
            ),
            Self::Database(path, error) => write!(
                f,
                "the database {} cannot be opened: {error}; if it is damaged, move the data directory away and \
                 start again (recordings are lost)",
                path.display()
            ),
            Self::NoRoom(path) => write!(
                f,
                "no room on the disk of the data directory {}: free some, or name a directory on another disk \
                 with --data; nothing that is recorded is lost",
                path.display()
            ),
            Self::DatabaseMissing(path) => write!(
                f,
                "the database {} is missing or empty, but recorded bodies are there: put it back, or move the data \
                 directory away and start again (recordings are lost)",
                path.display()
            ),
            Self::FutureFormat(path, version) => write!(
                f,
                "the database {} has format {version}, which a later version of durablefetch wrote: use that \
                 version, or another directory with --data",
                path.display()
            ),
            Self::NotOfACluster(path) => write!(
                f,
                "the data directory {} has recordings of a recorder without --cluster, and a cluster does not take them over: \
                 name another directory with --data",
                path.display()
            ),
            Self::ClusterUrl(error) => write!(f, "--cluster: {error}"),
            Self::Cluster(error) => write!(f, "the cluster cannot be joined: {error}"),
            Self::OtherSettings(differences) => write!(
                f,
                "{differences}. It has to be the same in all of the cluster: change it here, or stop the others before this one \
                 starts"
            ),
            Self::NoPeerUrl(bound) => write!(
                f,
                "--peer-listen {bound} does not say at which address the others of the cluster reach this recorder: add \
                 --peer-url https://10.0.0.5:{}",
                bound.port()
            ),
            Self::Client(error) => write!(f, "the upstream client cannot be made: {error}"),
            Self::Listener(error) => write!(f, "the listener failed: {error}"),
            Self::Threads(error) => write!(
                f,
                "the threads that serve connections cannot be started: {error}; raise the limits of processes and \
                 open files"
            ),
        }
    }
}

impl std::error::Error for StartError {}

/// Why storage failed while the recorder runs.
#[derive(Debug, Clone)]
pub(crate) struct StoreError {
    /// `storage-full` or `storage-failed`.
    pub(crate) code: ErrorCode,
    /// What SQLite or the system said.
    pub(crate) message: String,
}

impl StoreError {
    pub(crate) fn closed() -> Self {
        Self { code: ErrorCode::ShuttingDown, message: "the database is closed".into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        let code = if full { ErrorCode::StorageFull } else { ErrorCode::StorageFailed };
        Self { code, message: error.to_string() }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        let code = if full { ErrorCode::StorageFull } else { ErrorCode::StorageFailed };
        Self { code, message: error.to_string() }
    }
}

impl From<StoreError> for ProtocolError {
    fn from(error: StoreError) -> Self {
        tracing::error!(code = %error.code, "storage: {}", error.message);
        error.code.into()
    }
}

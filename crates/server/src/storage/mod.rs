//! Storage: one append-only file per body, and everything else in SQLite.

pub(crate) mod bodies;
pub(crate) mod db;
pub(crate) mod list;
pub(crate) mod places;
pub(crate) mod private;
pub(crate) mod probe;
pub(crate) mod recovery;
pub(crate) mod rows;
pub(crate) mod schema;
mod sql;
mod system;
pub(crate) mod usage;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use durablefetch_protocol::placement::Owner;
use rusqlite::{Connection, OpenFlags};

use crate::clock::now_ms;
use crate::error::StartError;
use bodies::Bodies;
use places::Served;
use private::SymbolicLink;
use recovery::{RecoveryError, Spared};

/// The database's file in the data directory.
pub(crate) const DATABASE: &str = "recordings.db";

/// The database's log.
pub(crate) const LOG: &str = "recordings.db-wal";

/// The file that says that a directory has what is live in a process of a cluster, and nothing else.
const OF_A_CLUSTER: &str = "of-a-cluster";

/// What keeps other processes out.
const LOCK: &str = "lock";

/// Bytes of a page of the database, SQLite's default.
const PAGE: u64 = 4096;

/// A store that is in order.
#[derive(Debug)]
pub(crate) struct Store {
    /// `None` where rows are in the store of a cluster.
    pub(crate) connection: Option<Connection>,
    pub(crate) bodies: Bodies,
    /// `None` where another process serves still.
    pub(crate) served: Option<Served>,
    /// Keys the fingerprints.
    pub(crate) secret: [u8; 32],
    /// Keeps other processes out, but those that have been handed the same one.
    pub(crate) lock: File,
}

/// Opens the store in this directory, or makes one. Recovers what the last process left, and serves as `me`. `lock`: of a predecessor that has died meanwhile.
pub(crate) fn open(data: &Path, me: Owner, lock: Option<File>) -> Result<Store, StartError> {
    let failed = |error| failed(data, error);
    if private::directory(data).map_err(failed)? {
        tracing::warn!(
            "others on this machine may look into the data directory {0}: run `chmod 700 {0}`",
            data.display()
        );
    }
    // SQLite follows no link on the way to its files, and the way to the data directory is the operator's.
    let data = &dunce::canonicalize(data).map_err(failed)?;
    let lock = match lock {
        Some(lock) => lock,
        None => take_lock(data)?.ok_or_else(|| StartError::DataDirInUse(data.to_owned()))?,
    };
    let bodies = Bodies::open(data).map_err(failed)?;
    let path = data.join(DATABASE);
    // SQLite takes less than a page for an empty database, and all bodies would be nobody's.
    let len = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    if len(&path) < PAGE && len(&data.join(LOG)) == 0 && !bodies.list().map_err(failed)?.is_empty() {
        return Err(StartError::DatabaseMissing(path));
    }
    own_database(&path).map_err(failed)?;
    // SQLite calls it an I/O error, a full disk or a file that cannot be opened, by what it was about to write.
    let or_full = |error| if has_room(data) { error } else { StartError::NoRoom(data.to_owned()) };
    let mut connection = db::open(&path).map_err(or_full)?;
    let database = |error: rusqlite::Error| or_full(StartError::Database(path.clone(), error.to_string()));
    let recovery = |error| match error {
        RecoveryError::Database(error) => database(error),
        RecoveryError::Bodies(error) => failed(error),
    };
    let transaction = connection.transaction().map_err(database)?;
    let from = places::serving(&transaction).map_err(database)?;
    // Nobody else has the lock, so nobody lives.
    let served = places::serve(&transaction, &bodies, me, from, &|_| false, Spared::default(), now_ms())
        .map_err(recovery)?;
    transaction.commit().map_err(database)?;
    if let Some(found) = served.as_ref().map(|served| &served.found)
        && (found.interrupted > 0 || found.orphans > 0)
    {
        tracing::info!(found.interrupted, found.orphans, "recovered from an end without a shutdown");
    }
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    let secret = schema::secret(&connection, fresh).map_err(database)?;
    Ok(Store { connection: Some(connection), bodies, served, secret, lock })
}

/// Opens this directory for the files of what is live, where all else is in the store of a cluster, whose secret this is. What a
/// dead process left is removed: what the others may have of it is in that store.
pub(crate) fn open_for_cluster(data: &Path, secret: [u8; 32]) -> Result<Store, StartError> {
    let failed = |error| failed(data, error);
    private::directory(data).map_err(failed)?;
    let data = &dunce::canonicalize(data).map_err(failed)?;
    let lock = take_lock(data)?.ok_or_else(|| StartError::DataDirInUse(data.to_owned()))?;
    let bodies = Bodies::open(data).map_err(failed)?;
    let left = bodies.list().map_err(failed)?;
    let is_anothers = !left.is_empty() && !data.join(OF_A_CLUSTER).exists();
    if is_anothers || data.join(DATABASE).exists() {
        return Err(StartError::NotOfACluster(data.to_owned()));
    }
    private::create(&data.join(OF_A_CLUSTER)).map_err(failed)?;
    left.into_iter().flatten().for_each(|id| bodies.remove(id));
    Ok(Store { connection: None, bodies, served: None, secret, lock })
}

/// Opens the store in this directory beside the process that serves, which has handed over its lock. Nothing in it changes.
pub(crate) fn open_beside(data: &Path, lock: File) -> Result<Store, StartError> {
    let failed = |error| failed(data, error);
    let data = &dunce::canonicalize(data).map_err(failed)?;
    let bodies = Bodies::open(data).map_err(failed)?;
    let path = data.join(DATABASE);
    let database = |error: rusqlite::Error| StartError::Database(path.clone(), error.to_string());
    let connection = db::open_beside(&path)?;
    let secret = schema::secret(&connection, [0; 32]).map_err(database)?;
    Ok(Store { connection: Some(connection), bodies, served: None, secret, lock })
}

/// Whether a process has this directory.
pub(crate) fn is_in_use(data: &Path) -> bool {
    let Ok(data) = dunce::canonicalize(data) else { return false };
    data.join(LOCK).exists() && matches!(take_lock(&data), Ok(None))
}

/// Whether the directory's database is of the version that this program writes: another one would be brought up to date, or
/// is of a later program.
pub(crate) fn is_current(data: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let Ok(data) = dunce::canonicalize(data) else { return false };
    let connection = Connection::open_with_flags(data.join(DATABASE), flags);
    connection.and_then(|connection| schema::is_current(&connection)).unwrap_or(false)
}

/// Takes the lock; `None` where another process has it.
fn take_lock(data: &Path) -> Result<Option<File>, StartError> {
    let failed = |error| failed(data, error);
    let lock = private::create(&data.join(LOCK)).map_err(failed)?;
    private::take_from_others(&lock).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn failed(data: &Path, error: io::Error) -> StartError {
    match SymbolicLink::path(&error) {
        Some(link) => StartError::SymbolicLink(link.to_owned()),
        None => StartError::DataDir(data.to_owned(), error),
    }
}

/// Has the database's files be for their owner alone. SQLite gives its log and shared memory the rights of the database, so
/// that is there before SQLite is.
fn own_database(path: &Path) -> io::Result<()> {
    private::take_from_others(&private::create(path)?)?;
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        match private::open(Path::new(&beside), OpenOptions::new().read(true)) {
            Ok(file) => private::take_from_others(&file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the disk has what SQLite takes before it does anything: its shared memory and a few pages.
fn has_room(data: &Path) -> bool {
    const ENOUGH: u64 = 128 * 1024;
    fs4::available_space(data).map_or(true, |free| free >= ENOUGH)
}

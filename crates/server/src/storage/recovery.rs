//! What a start finds: whatever was live when the last process ended is interrupted, whatever belongs to
//! nothing is removed.

use std::collections::HashSet;
use std::io;

use durablefetch_protocol::{RecordingId, life};
use rusqlite::Connection;

use crate::storage::bodies::Bodies;
use crate::storage::rows::{self, Freight};

/// No body is longer than what a file system of today may hold.
const LEN_MAX: u64 = 1 << 44;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Recordings that were live.
    pub(crate) interrupted: usize,
    /// Body files that no recording owns.
    pub(crate) orphans: usize,
    /// Bytes stored.
    pub(crate) bytes: u64,
}

/// Brings database and files in line. Nothing that is valid is cut or removed.
pub(crate) fn recover(db: &mut Connection, bodies: &Bodies, now_ms: u64) -> Result<Found, RecoveryError> {
    let mut found = Found::default();
    let transaction = db.transaction()?;
    for key in rows::keys_left(&transaction)? {
        let (stored, ledger) = rows::load(&transaction, &key)?;
        let mut known = Vec::with_capacity(stored.len());
        for recording in &stored {
            let is_live = recording.state.is_live();
            found.interrupted += usize::from(is_live);
            // The file's length is the stored length.
            known.push(recording.row(if is_live { bodies.len(recording.id)? } else { recording.len }));
        }
        let changes = life::recover(&known, &ledger, now_ms);
        rows::commit(&transaction, &key, &changes, &Freight::default())?;
    }
    // One look at every row, and none at every file: there may be a hundred thousand.
    let mut known: HashSet<RecordingId> = HashSet::new();
    let mut statement = transaction.prepare("SELECT id, len FROM recordings")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // One that is damaged is found to be so once it is asked for.
        if let Some(id) = rows::stored_id(row.get_ref(0)?.as_str()?) {
            known.insert(id);
            found.bytes += counted(row.get(1)?, || bodies.len(id))?;
        }
    }
    drop(rows);
    drop(statement);
    transaction.commit()?;
    for file in bodies.list()? {
        match file {
            Ok(id) if known.contains(&id) => {}
            Ok(id) => {
                found.orphans += 1;
                bodies.remove(id);
            }
            Err(path) => tracing::warn!("{} is no body file and is left alone", path.display()),
        }
    }
    Ok(found)
}

/// What a finished recording of this length counts for the disk quota. A length that is none is asked of its file.
pub(crate) fn counted(len: i64, file: impl FnOnce() -> io::Result<u64>) -> io::Result<u64> {
    match u64::try_from(len) {
        Ok(len) if len <= LEN_MAX => Ok(len),
        _ => file(),
    }
}

/// Why a start cannot bring its data in line.
#[derive(Debug)]
pub(crate) enum RecoveryError {
    Database(rusqlite::Error),
    Bodies(io::Error),
}

impl From<rusqlite::Error> for RecoveryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::types::FromSqlError> for RecoveryError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Database(error.into())
    }
}

impl From<io::Error> for RecoveryError {
    fn from(error: io::Error) -> Self {
        Self::Bodies(error)
    }
}

//! What a start finds: whatever was live when the last process ended is interrupted, whatever belongs to
//! nothing is removed.

use std::collections::HashSet;
use std::io;

use durablefetch_protocol::{ErrorCode, Outcome, RecordingId, State};
use rusqlite::{Connection, params};

use crate::storage::bodies::Bodies;
use crate::storage::rows::stored_id;

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
pub(crate) fn recover(db: &mut Connection, bodies: &Bodies) -> Result<Found, RecoveryError> {
    let mut found = Found::default();
    let transaction = db.transaction()?;
    // One look at every row, and none at every file: there may be a hundred thousand.
    let mut known: HashSet<RecordingId> = HashSet::new();
    let mut live: Vec<(String, State)> = Vec::new();
    let mut statement = transaction.prepare("SELECT id, state, len FROM recordings")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (text, state) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        match (State::parse(state).filter(|state| state.is_live()), stored_id(text)) {
            (Some(state), _) => live.push((text.to_owned(), state)),
            (None, Some(id)) => {
                known.insert(id);
                found.bytes += counted(row.get(2)?, || bodies.len(id))?;
            }
            // Found to be damaged once it is asked for.
            (None, None) => {}
        }
    }
    drop(rows);
    drop(statement);
    for (text, state) in &live {
        let Some(id) = stored_id(text) else {
            tracing::error!("a recording's row is damaged and removed: {text:?} is no id");
            transaction.execute("DELETE FROM recordings WHERE id = ?1", [text])?;
            continue;
        };
        found.interrupted += 1;
        if *state == State::Streaming {
            // The file's length is the stored length.
            let len = bodies.len(id)?;
            known.insert(id);
            found.bytes += len;
            transaction.execute(
                "UPDATE recordings SET state = ?2, len = ?3, chunks = MAX(chunks, ?4) WHERE id = ?1",
                params![text, State::Interrupted.as_str(), len as i64, i64::from(len > 0)],
            )?;
        } else {
            // No head ever came: nothing is kept but the request id, which never starts again.
            transaction.execute(
                "UPDATE requests SET outcome = ?2 WHERE outcome = ?1",
                params![Outcome::Started(id).to_text(), Outcome::NoHead(ErrorCode::Interrupted).to_text()],
            )?;
            transaction.execute("DELETE FROM recordings WHERE id = ?1", [text])?;
        }
    }
    // An answer that was being passed through has a request id and no recording.
    transaction.execute(
        "UPDATE requests SET outcome = ?1 WHERE outcome LIKE 'started:%' \
         AND NOT EXISTS (SELECT 1 FROM recordings WHERE outcome = 'started:' || recordings.id)",
        [Outcome::NoHead(ErrorCode::Interrupted).to_text()],
    )?;
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

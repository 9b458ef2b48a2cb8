//! What a start finds: whatever was live when the last process ended is interrupted, whatever belongs to
//! nothing is removed.

use std::collections::HashSet;
use std::io;

use durablefetch_protocol::{ErrorCode, Outcome, RecordingId, State};
use rusqlite::{Connection, params};

use crate::storage::bodies::Bodies;
use crate::storage::rows::stored_id;

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
    let live: Vec<(String, String)> = transaction
        .prepare("SELECT id, state FROM recordings WHERE state IN ('connecting', 'streaming')")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (text, state) in &live {
        let Some(id) = stored_id(text) else {
            tracing::error!("a recording's row is damaged and removed: {text:?} is no id");
            transaction.execute("DELETE FROM recordings WHERE id = ?1", [text])?;
            continue;
        };
        found.interrupted += 1;
        if State::parse(state) == Some(State::Streaming) {
            // The file's length is the stored length.
            let len = bodies.len(id)?;
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
    let known: HashSet<RecordingId> = transaction
        .prepare("SELECT id FROM recordings")?
        .query_map([], |row| row.get::<_, String>(0))?
        .filter_map(|text| text.map(|text| stored_id(&text)).transpose())
        .collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    for file in bodies.list()? {
        match file {
            Ok(id) if known.contains(&id) => found.bytes += bodies.len(id)?,
            Ok(id) => {
                found.orphans += 1;
                bodies.remove(id);
            }
            Err(path) => tracing::warn!("{} is no body file and is left alone", path.display()),
        }
    }
    Ok(found)
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

impl From<io::Error> for RecoveryError {
    fn from(error: io::Error) -> Self {
        Self::Bodies(error)
    }
}

//! What a start finds: whatever was live when the last process ended is interrupted, whatever belongs to
//! nothing is removed.

use std::collections::{HashMap, HashSet};
use std::io;

use durablefetch_protocol::{Key, RecordingId, life};
use rusqlite::Connection;

use crate::storage::bodies::Bodies;
use crate::storage::rows::{self, Freight};
use crate::storage::usage::Grown;

/// No body is longer than what a file system of today may hold.
const LEN_MAX: u64 = 1 << 44;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Recordings that were live.
    pub(crate) interrupted: usize,
    /// Body files that no recording owns.
    pub(crate) orphans: usize,
    /// What each scope has stored: bytes of bodies, and what the rows take.
    pub(crate) scopes: HashMap<String, (u64, Grown)>,
    /// What scopes may have stored, by the token that each was started something with last.
    pub(crate) own_most: HashMap<String, u64>,
}

impl Found {
    /// What each scope has.
    pub(crate) fn of_scopes(&self) -> impl Iterator<Item = (&str, u64, Grown)> {
        self.scopes.iter().map(|(scope, (bodies, grown))| (scope.as_str(), *bodies, *grown))
    }

    /// Bytes of all bodies.
    #[cfg(fuzzing)]
    pub(crate) fn bytes(&self) -> u64 {
        self.scopes.values().map(|(bodies, _)| bodies).sum()
    }
}

/// What somebody has who lives: it is not left over.
#[derive(Debug, Default)]
pub(crate) struct Spared {
    pub(crate) keys: HashSet<Key>,
    /// Files without a row among those of others.
    pub(crate) files: HashSet<RecordingId>,
}

/// Brings database and files in line, in the caller's transaction. Nothing that is valid is cut or removed.
pub(crate) fn recover(
    transaction: &Connection,
    bodies: &Bodies,
    spared: &Spared,
    now_ms: u64,
) -> Result<Found, RecoveryError> {
    let mut found = Found::default();
    // Before the rows are read: what is made while they are has one of them.
    let files = bodies.list()?;
    for key in keys_left(transaction)? {
        if spared.keys.contains(&key) {
            continue;
        }
        let (stored, ledger) = rows::load(transaction, &key)?;
        let mut known = Vec::with_capacity(stored.len());
        for recording in &stored {
            let is_live = recording.state.is_live();
            found.interrupted += usize::from(is_live);
            // The file's length is the stored length.
            known.push(recording.row(if is_live { bodies.len(recording.id)? } else { recording.len }));
        }
        let changes = life::recover(&known, &ledger, now_ms);
        rows::commit(transaction, &key, &changes, &Freight::default())?;
    }
    // One look at every row, and none at every file: there may be a hundred thousand.
    let mut known: HashSet<RecordingId> = HashSet::new();
    let mut statement = transaction.prepare(
        "SELECT id, len, scope, length(url), coalesce(length(reason) + length(headers), 0), scope_bytes FROM recordings \
         ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // One that is damaged is found to be so once it is asked for.
        if let Some(id) = rows::stored_id(row.get_ref(0)?.as_str()?) {
            known.insert(id);
            let (scope, url, head) =
                (row.get_ref(2)?.as_str()?, row.get::<_, u32>(3)?, row.get::<_, i64>(4)?);
            let len = counted(row.get(1)?, || bodies.len(id))?;
            let size = rows::recording_size(scope.len(), url as usize) as i64 + head;
            match row.get::<_, Option<i64>>(5)?.and_then(|most| u64::try_from(most).ok()) {
                Some(most) => _ = found.own_most.insert(scope.to_owned(), most),
                // Nearly no scope has one of its own.
                None if found.own_most.is_empty() => {}
                None => _ = found.own_most.remove(scope),
            }
            let (bytes, grown) = of_scope(&mut found.scopes, scope);
            *bytes += len;
            *grown += Grown { rows: size, recordings: 1, ..Grown::default() };
        }
    }
    drop(rows);
    drop(statement);
    let mut statement = transaction.prepare(
        "SELECT scope, sum(2 * (length(url) + length(scope) + length(id)) + 120), coalesce(sum(length(answer)), 0) \
         FROM requests GROUP BY scope",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (requests, kept): (i64, i64) = (row.get(1)?, row.get(2)?);
        let (_, grown) = of_scope(&mut found.scopes, row.get_ref(0)?.as_str()?);
        *grown += Grown { rows: requests + kept, requests, ..Grown::default() };
    }
    drop(rows);
    drop(statement);
    for file in files {
        match file {
            Ok(id) if known.contains(&id) || spared.files.contains(&id) => {}
            Ok(id) => {
                found.orphans += 1;
                bodies.remove(id);
            }
            Err(path) => tracing::warn!("{} is not a body file and is left alone", path.display()),
        }
    }
    Ok(found)
}

fn of_scope<'a>(scopes: &'a mut HashMap<String, (u64, Grown)>, scope: &str) -> &'a mut (u64, Grown) {
    scopes.entry(scope.to_owned()).or_default()
}

/// Keys that a process which has died left in disorder: with a live recording, or with a request id whose recording is
/// not there.
fn keys_left(db: &Connection) -> rusqlite::Result<Vec<Key>> {
    db.prepare(
        "SELECT scope, url FROM recordings WHERE state IN ('connecting', 'streaming') \
         UNION SELECT scope, url FROM requests WHERE outcome LIKE 'started:%' \
         AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.id = substr(outcome, 9))",
    )?
    .query_map([], |row| Ok(Key::new(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?)))?
    .collect()
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

impl RecoveryError {
    /// For who can tell of the database's alone.
    pub(crate) fn into_database(self) -> rusqlite::Error {
        match self {
            Self::Database(error) => error,
            Self::Bodies(error) => rusqlite::Error::ToSqlConversionFailure(Box::new(error)),
        }
    }
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

//! The statements. Each function is one, or a few that belong together; the caller's transaction holds them.

use durablefetch_protocol::ledger::{Entry, Ledger};
use durablefetch_protocol::life::{self, Begin, Change};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Fingerprint, Key, Outcome, RecordingId, RequestId, State};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Result, Row, Statement, ToSql, params};

/// A stored recording.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: RecordingId,
    pub(crate) state: State,
    pub(crate) cause: Option<ErrorCode>,
    pub(crate) head: Option<Head>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) len: u64,
    pub(crate) chunks: u64,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: u64,
    /// Since when a later one has started.
    pub(crate) retired_ms: Option<u64>,
    /// When it ended; `None` while it is live.
    pub(crate) ended_ms: Option<u64>,
    pub(crate) restarted: bool,
    pub(crate) volatile: bool,
}

impl Stored {
    /// What its key has to know of it, where its body has this length.
    pub(crate) fn row(&self, len: u64) -> life::Row {
        let live = self.state.is_live();
        let chunks = if live { self.chunks.max(u64::from(len > 0)) } else { self.chunks };
        life::Row {
            id: self.id,
            state: self.state,
            unrecorded: false,
            restarted: self.restarted,
            volatile: self.volatile,
            len: if live { len } else { self.len },
            chunks,
            ended_ms: self.ended_ms,
            retired_ms: self.retired_ms,
        }
    }
}

const COLUMNS: &str = "id, state, cause, status, reason, headers, fingerprint, len, chunks, started_ms, used_ms, \
                       retired_ms, ended_ms, restarted, volatile";

/// All that is stored of a key. Rows that no version of a recorder has written are damaged; they are removed, so
/// that the key can be used again.
pub(crate) fn load(db: &Connection, key: &Key) -> Result<(Vec<Stored>, Ledger)> {
    let sql = format!("SELECT {COLUMNS} FROM recordings WHERE scope = ?1 AND url = ?2");
    let (recordings, damaged) = sound(&mut *db.prepare_cached(&sql)?, key, read_stored)?;
    for (id, error) in damaged {
        tracing::error!("a recording's row is damaged and removed: {error}");
        db.execute("DELETE FROM recordings WHERE id = ?1", [id])?;
    }
    let sql = "SELECT id, outcome, at_ms FROM requests WHERE scope = ?1 AND url = ?2";
    let (entries, damaged) = sound(&mut *db.prepare_cached(sql)?, key, |row| {
        let id = RequestId::parse(&row.get::<_, String>(0)?).ok_or_else(|| odd(0, "request id"))?;
        let outcome = Outcome::parse(&row.get::<_, String>(1)?).ok_or_else(|| odd(1, "outcome"))?;
        Ok(Entry { id, outcome, at_ms: row.get::<_, i64>(2)? as u64 })
    })?;
    for (id, error) in damaged {
        tracing::error!("a request id's row is damaged and removed: {error}");
        db.execute(
            "DELETE FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3",
            params![key.scope(), key.url(), id],
        )?;
    }
    Ok((recordings, Ledger::from_entries(entries)))
}

/// The rows of a key that can be read, and the ids of those that cannot.
#[expect(clippy::type_complexity, reason = "two lists, taken apart at once")]
fn sound<T>(
    statement: &mut Statement<'_>,
    key: &Key,
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<(Vec<T>, Vec<(Value, rusqlite::Error)>)> {
    let (mut good, mut damaged) = (Vec::new(), Vec::new());
    let mut rows = statement.query([key.scope(), key.url()])?;
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(read) => good.push(read),
            Err(error) => damaged.push((row.get(0)?, error)),
        }
    }
    Ok((good, damaged))
}

/// Reads an id as it was written: other spellings of it are nobody's.
pub(crate) fn stored_id(text: &str) -> Option<RecordingId> {
    RecordingId::parse(text).filter(|id| id.to_string() == text)
}

fn read_stored(row: &Row<'_>) -> Result<Stored> {
    let id = stored_id(&row.get::<_, String>(0)?).ok_or_else(|| odd(0, "recording id"))?;
    let state = State::parse(&row.get::<_, String>(1)?).ok_or_else(|| odd(1, "state"))?;
    let cause = row.get::<_, Option<String>>(2)?.and_then(|code| ErrorCode::parse(&code));
    let head = match row.get::<_, Option<u16>>(3)? {
        None => None,
        Some(status) => {
            let (reason, headers): (Vec<u8>, Vec<u8>) = (row.get(4)?, row.get(5)?);
            Some(Head::from_stored(status, reason, &headers).ok_or_else(|| odd(5, "headers"))?)
        }
    };
    let fingerprint = row.get::<_, Vec<u8>>(6)?.try_into().map_err(|_| odd(6, "fingerprint"))?;
    Ok(Stored {
        id,
        state,
        cause,
        head,
        fingerprint: Fingerprint(fingerprint),
        len: row.get::<_, i64>(7)? as u64,
        chunks: row.get::<_, i64>(8)? as u64,
        started_ms: row.get::<_, i64>(9)? as u64,
        used_ms: row.get::<_, i64>(10)? as u64,
        retired_ms: row.get::<_, Option<i64>>(11)?.map(|ms| ms as u64),
        ended_ms: row.get::<_, Option<i64>>(12)?.map(|ms| ms as u64),
        restarted: row.get(13)?,
        volatile: row.get(14)?,
    })
}

fn odd(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("a stored {what} is none").into())
}

/// What goes with the changes of a plan: bytes that the machine does not look at.
#[derive(Debug, Default)]
pub(crate) struct Freight {
    /// For [`Change::Head`].
    pub(crate) head: Option<Head>,
    /// For [`Change::Request`] with an answer: see [`kept`](durablefetch_protocol::kept).
    pub(crate) answer: Option<Vec<u8>>,
}

/// Writes the changes of a plan down; the caller's transaction makes them one.
pub(crate) fn commit(db: &Connection, key: &Key, changes: &[Change], freight: &Freight) -> Result<()> {
    changes.iter().try_for_each(|change| write(db, key, change, freight))
}

fn write(db: &Connection, key: &Key, change: &Change, freight: &Freight) -> Result<()> {
    let run = |sql: &str, params: &[&dyn ToSql]| db.prepare_cached(sql)?.execute(params).map(drop);
    match change {
        Change::Insert(Begin { id, fingerprint, restarted, at_ms }) => run(
            "INSERT INTO recordings (id, scope, url, state, fingerprint, restarted, started_ms, used_ms) \
             VALUES (?1, ?2, ?3, 'connecting', ?4, ?5, ?6, ?6)",
            params![id.to_string(), key.scope(), key.url(), &fingerprint.0[..], restarted, *at_ms as i64],
        ),
        Change::Head { id, volatile } => {
            let Some(head) = &freight.head else { return Ok(()) };
            run(
                "UPDATE recordings SET state = 'streaming', status = ?2, reason = ?3, headers = ?4, volatile = ?5 \
                 WHERE id = ?1",
                params![id.to_string(), head.status, head.reason, head.stored_headers(), volatile],
            )
        }
        Change::End { id, state, cause, len, chunks, at_ms } => run(
            "UPDATE recordings SET state = ?2, cause = ?3, len = ?4, chunks = ?5, ended_ms = ?6, \
             used_ms = MAX(used_ms, ?6) WHERE id = ?1",
            params![
                id.to_string(),
                state.as_str(),
                cause.map(ErrorCode::as_str),
                *len as i64,
                *chunks as i64,
                *at_ms as i64
            ],
        ),
        Change::Retire { id, at_ms } => {
            run("UPDATE recordings SET retired_ms = ?2 WHERE id = ?1", params![id.to_string(), *at_ms as i64])
        }
        Change::Use { id, at_ms } => {
            run("UPDATE recordings SET used_ms = ?2 WHERE id = ?1", params![id.to_string(), *at_ms as i64])
        }
        // A start finds the file of what was being passed through without a row, and removes it.
        Change::Unrecord { id } | Change::Remove { id } => {
            run("DELETE FROM recordings WHERE id = ?1", params![id.to_string()])
        }
        Change::Request { entry, answer } => run(
            "INSERT OR REPLACE INTO requests (scope, url, id, outcome, at_ms, answer) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                key.scope(),
                key.url(),
                entry.id.as_str(),
                entry.outcome.to_text(),
                entry.at_ms as i64,
                answer.and(freight.answer.as_deref())
            ],
        ),
        Change::Forget { id } => run(
            "DELETE FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3",
            params![key.scope(), key.url(), id.as_str()],
        ),
    }
}

/// The answer that is kept for a request id.
pub(crate) fn answer(db: &Connection, key: &Key, id: &RequestId) -> Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT answer FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3")?
        .query_row([key.scope(), key.url(), id.as_str()], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// Keys that may have something to let go of: a recording that was unused since `used_ms` or retired since `horizon_ms`,
/// or a request id of before that.
pub(crate) fn keys_due(db: &Connection, used_ms: u64, horizon_ms: u64) -> Result<Vec<Key>> {
    db.prepare_cached(
        "SELECT scope, url FROM recordings WHERE ended_ms IS NOT NULL AND (used_ms <= ?1 OR retired_ms <= ?2) \
         UNION SELECT scope, url FROM requests WHERE at_ms <= ?2",
    )?
    .query_map([used_ms as i64, horizon_ms as i64], read_key)?
    .collect()
}

/// Finished recordings and their keys, those unused for longest first.
pub(crate) fn oldest(db: &Connection, limit: usize) -> Result<Vec<(Key, RecordingId)>> {
    let read = |row: &Row<'_>| Ok((read_key(row)?, stored_id(&row.get::<_, String>(2)?)));
    let found: Result<Vec<_>> = db
        .prepare_cached(
            "SELECT scope, url, id FROM recordings WHERE ended_ms IS NOT NULL AND len > 0 \
             ORDER BY used_ms LIMIT ?1",
        )?
        .query_map([limit as i64], read)?
        .collect();
    Ok(found?.into_iter().filter_map(|(key, id)| Some((key, id?))).collect())
}

/// Keys that a process which has died left in disorder: with a live recording, or with a request id whose recording is
/// not there.
pub(crate) fn keys_left(db: &Connection) -> Result<Vec<Key>> {
    db.prepare(
        "SELECT scope, url FROM recordings WHERE state IN ('connecting', 'streaming') \
         UNION SELECT scope, url FROM requests WHERE outcome LIKE 'started:%' \
         AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.id = substr(outcome, 9))",
    )?
    .query_map([], read_key)?
    .collect()
}

fn read_key(row: &Row<'_>) -> Result<Key> {
    Ok(Key::new(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?))
}

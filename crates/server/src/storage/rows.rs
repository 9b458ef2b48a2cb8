//! The statements. Each function is one, or a few that belong together; the caller's transaction holds them.

use durablefetch_protocol::ledger::{Entry, Ledger};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Fingerprint, Key, Outcome, RecordingId, RequestId, State};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Result, Row, Statement, params};

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
    /// Since when it is superseded; `None` for the current one.
    pub(crate) retired_ms: Option<u64>,
}

const COLUMNS: &str = "id, state, cause, status, reason, headers, fingerprint, len, chunks, started_ms, used_ms, \
                       retired_ms";

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
    })
}

fn odd(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("a stored {what} is none").into())
}

/// A new current recording, connecting.
pub(crate) fn insert(
    db: &Connection,
    key: &Key,
    id: RecordingId,
    fingerprint: &Fingerprint,
    now_ms: u64,
) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO recordings (id, scope, url, state, fingerprint, started_ms, used_ms) \
         VALUES (?1, ?2, ?3, 'connecting', ?4, ?5, ?5)",
    )?
    .execute(params![id.to_string(), key.scope(), key.url(), &fingerprint.0[..], now_ms as i64])?;
    Ok(())
}

/// The upstream's head is here.
pub(crate) fn set_head(db: &Connection, id: RecordingId, head: &Head) -> Result<()> {
    db.prepare_cached(
        "UPDATE recordings SET state = 'streaming', status = ?2, reason = ?3, headers = ?4 WHERE id = ?1",
    )?
    .execute(params![id.to_string(), head.status, head.reason, head.stored_headers()])?;
    Ok(())
}

/// How a recording ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) id: RecordingId,
    pub(crate) state: State,
    pub(crate) cause: Option<ErrorCode>,
    pub(crate) len: u64,
    pub(crate) chunks: u64,
    pub(crate) at_ms: u64,
}

/// A recording has ended.
pub(crate) fn set_end(db: &Connection, end: &Ended) -> Result<()> {
    db.prepare_cached(
        "UPDATE recordings SET state = ?2, cause = ?3, len = ?4, chunks = ?5, used_ms = MAX(used_ms, ?6) \
         WHERE id = ?1",
    )?
    .execute(params![
        end.id.to_string(),
        end.state.as_str(),
        end.cause.map(ErrorCode::as_str),
        end.len as i64,
        end.chunks as i64,
        end.at_ms as i64
    ])?;
    Ok(())
}

/// The recording is no longer its key's current one, but still answers continuations.
pub(crate) fn retire(db: &Connection, id: RecordingId, now_ms: u64) -> Result<()> {
    db.prepare_cached("UPDATE recordings SET retired_ms = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), now_ms as i64])?;
    Ok(())
}

/// The recording is gone.
pub(crate) fn remove(db: &Connection, id: RecordingId) -> Result<()> {
    db.prepare_cached("DELETE FROM recordings WHERE id = ?1")?.execute([id.to_string()])?;
    Ok(())
}

/// When recordings were last used.
pub(crate) fn set_used(db: &Connection, used: &[(RecordingId, u64)]) -> Result<()> {
    let mut statement = db.prepare_cached("UPDATE recordings SET used_ms = ?2 WHERE id = ?1")?;
    for (id, at_ms) in used {
        statement.execute(params![id.to_string(), *at_ms as i64])?;
    }
    Ok(())
}

/// What became of a request id.
pub(crate) fn put_request(db: &Connection, key: &Key, entry: &Entry) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO requests (scope, url, id, outcome, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        key.scope(),
        key.url(),
        entry.id.as_str(),
        entry.outcome.to_text(),
        entry.at_ms as i64
    ])?;
    Ok(())
}

/// Every id that started this recording learns what came of it. `answer` is what is kept of it.
pub(crate) fn settle(
    db: &Connection,
    key: &Key,
    recording: RecordingId,
    outcome: Outcome,
    answer: Option<&[u8]>,
    now_ms: u64,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE requests SET outcome = ?4, answer = ?5, at_ms = ?6 WHERE scope = ?1 AND url = ?2 AND outcome = ?3",
    )?
    .execute(params![
        key.scope(),
        key.url(),
        Outcome::Started(recording).to_text(),
        outcome.to_text(),
        answer,
        now_ms as i64
    ])?;
    Ok(())
}

/// Request ids that the ledger has forgotten.
pub(crate) fn forget_requests(db: &Connection, key: &Key, ids: &[RequestId]) -> Result<()> {
    let mut statement =
        db.prepare_cached("DELETE FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3")?;
    for id in ids {
        statement.execute([key.scope(), key.url(), id.as_str()])?;
    }
    Ok(())
}

/// The answer that is kept for a request id.
pub(crate) fn answer(db: &Connection, key: &Key, id: &RequestId) -> Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT answer FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3")?
        .query_row([key.scope(), key.url(), id.as_str()], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// Keys that hold a finished recording unused since `used_ms`, or one superseded since `retired_ms`.
pub(crate) fn expired_keys(db: &Connection, used_ms: u64, retired_ms: u64) -> Result<Vec<Key>> {
    db.prepare_cached(
        "SELECT DISTINCT scope, url FROM recordings WHERE state NOT IN ('connecting', 'streaming') \
         AND (used_ms <= ?1 OR retired_ms <= ?2)",
    )?
    .query_map([used_ms as i64, retired_ms as i64], read_key)?
    .collect()
}

/// Keys of finished recordings, those unused for longest first.
pub(crate) fn oldest_keys(db: &Connection, limit: usize) -> Result<Vec<Key>> {
    db.prepare_cached(
        "SELECT scope, url FROM recordings WHERE state NOT IN ('connecting', 'streaming') AND len > 0 \
         ORDER BY used_ms LIMIT ?1",
    )?
    .query_map([limit as i64], read_key)?
    .collect()
}

fn read_key(row: &Row<'_>) -> Result<Key> {
    Ok(Key::new(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?))
}

/// Forgets request ids of before `horizon_ms`, but those whose recording is live.
pub(crate) fn forget_old_requests(db: &Connection, horizon_ms: u64) -> Result<usize> {
    db.prepare_cached(
        "DELETE FROM requests WHERE at_ms < ?1 AND NOT EXISTS (SELECT 1 FROM recordings \
         WHERE outcome = 'started:' || recordings.id AND state IN ('connecting', 'streaming'))",
    )?
    .execute([horizon_ms as i64])
}

//! The statements. Each function is one, or a few that belong together; the caller's transaction holds them.

use durablefetch_protocol::ledger::{Entry, Ledger};
use durablefetch_protocol::life::{self, Begin, Change};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Fingerprint, Key, Outcome, RecordingId, RequestId, State};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Result, Row, Statement, ToSql, params};

use super::sql;
use super::usage::Grown;

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
    /// How long it is kept after its end at most, where its token has said so.
    pub(crate) age_ms: Option<u64>,
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
            age_ms: self.age_ms,
            len: if live { len } else { self.len },
            chunks,
            ended_ms: self.ended_ms,
            retired_ms: self.retired_ms,
        }
    }
}

/// All that is stored of a key. Rows that no version of a recorder has written are damaged; they are removed, so
/// that the key can be used again.
pub(crate) fn load(db: &Connection, key: &Key) -> Result<(Vec<Stored>, Ledger)> {
    let (recordings, damaged) = sound(&mut *db.prepare_cached(sql::RECORDINGS_OF_KEY)?, key, read_stored)?;
    for (id, error) in damaged {
        tracing::error!("a recording's row is damaged and removed: {error}");
        deleted(db, sql::DELETE_RECORDING, &[&id])?;
    }
    let (entries, damaged) = sound(&mut *db.prepare_cached(sql::REQUESTS_OF_KEY)?, key, |row| {
        let id = RequestId::parse(&row.get::<_, String>(0)?).ok_or_else(|| odd(0, "request id"))?;
        let outcome = Outcome::parse(&row.get::<_, String>(1)?).ok_or_else(|| odd(1, "outcome"))?;
        Ok(Entry { id, outcome, at_ms: row.get::<_, i64>(2)? as u64 })
    })?;
    for (id, error) in damaged {
        tracing::error!("a request id's row is damaged and removed: {error}");
        deleted(db, sql::DELETE_REQUEST, params![key.scope(), key.url(), id])?;
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
        age_ms: row.get::<_, Option<i64>>(15)?.map(|ms| ms as u64),
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

/// Whether the changes of a plan remove something.
pub(crate) fn erase(changes: &[Change]) -> bool {
    let erases = |change: &Change| {
        matches!(change, Change::Unrecord { .. } | Change::Remove { .. } | Change::Forget { .. })
    };
    changes.iter().any(erases)
}

/// About what SQLite takes for a recording's row: its URL stands in the table and in an index, its scope in four places.
fn recording_bytes(key: &Key) -> i64 {
    recording_size(key.scope().len(), key.url().len()) as i64
}

/// The same by the lengths of scope and URL.
pub(super) fn recording_size(scope: usize, url: usize) -> usize {
    2 * url + 4 * scope + 320
}

/// The same for a request id's row. Both its trees have all of its key.
fn request_bytes(key: &Key, id: &RequestId) -> i64 {
    (2 * (key.url().len() + key.scope().len() + id.as_str().len()) + 120) as i64
}

/// What [`Head::stored_headers`] takes: each line has a colon, a blank and its end.
fn head_bytes(head: &Head) -> i64 {
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    (head.reason.len() + lines.sum::<usize>()) as i64
}

/// What rows grow by at most, if these changes are written.
pub(crate) fn added(key: &Key, changes: &[Change], freight: &Freight) -> Grown {
    let mut grown = Grown::default();
    for change in changes {
        grown += match change {
            Change::Insert(_) => Grown { rows: recording_bytes(key), recordings: 1, ..Grown::default() },
            Change::Head { .. } => {
                Grown { rows: freight.head.as_ref().map_or(0, head_bytes), ..Grown::default() }
            }
            Change::Request { entry, answer } => {
                let answer = answer.and(freight.answer.as_ref()).map_or(0, |answer| answer.len() as i64);
                let row = request_bytes(key, &entry.id);
                Grown { rows: row + answer, requests: row, ..Grown::default() }
            }
            _ => Grown::default(),
        };
    }
    grown
}

/// Writes the changes of a plan down; the caller's transaction makes them one. Returns what the rows have grown by.
pub(crate) fn commit(db: &Connection, key: &Key, changes: &[Change], freight: &Freight) -> Result<Grown> {
    let mut grown = Grown::default();
    for change in changes {
        grown += write(db, key, change, freight)?;
    }
    Ok(grown)
}

fn write(db: &Connection, key: &Key, change: &Change, freight: &Freight) -> Result<Grown> {
    let run = |sql: &str, params: &[&dyn ToSql]| db.prepare_cached(sql)?.execute(params).map(drop);
    match change {
        Change::Insert(Begin { id, fingerprint, restarted, at_ms, allowance }) => {
            let (id, at_ms) = (id.to_string(), *at_ms as i64);
            let (age_ms, bytes) = (allowance.age_ms.map(|ms| ms as i64), allowance.bytes.map(|n| n as i64));
            run(
                sql::INSERT_RECORDING,
                params![id, key.scope(), key.url(), &fingerprint.0[..], restarted, at_ms, age_ms, bytes],
            )?;
            Ok(Grown { rows: recording_bytes(key), recordings: 1, ..Grown::default() })
        }
        Change::Head { id, volatile } => {
            let Some(head) = &freight.head else { return Ok(Grown::default()) };
            let headers = head.stored_headers();
            run(sql::SET_HEAD, params![id.to_string(), head.status, head.reason, headers, volatile])?;
            Ok(Grown { rows: head_bytes(head), ..Grown::default() })
        }
        Change::End { id, state, cause, len, chunks, at_ms } => {
            let (cause, at_ms) = (cause.map(ErrorCode::as_str), *at_ms as i64);
            run(
                sql::SET_END,
                params![id.to_string(), state.as_str(), cause, *len as i64, *chunks as i64, at_ms],
            )?;
            Ok(Grown::default())
        }
        Change::Retire { id, at_ms } => {
            run(sql::SET_RETIRED, params![id.to_string(), *at_ms as i64])?;
            Ok(Grown::default())
        }
        Change::Use { id, at_ms } => {
            run(sql::SET_USED, params![id.to_string(), *at_ms as i64])?;
            Ok(Grown::default())
        }
        // A start finds the file of what was being passed through without a row, and removes it.
        Change::Unrecord { id } | Change::Remove { id } => {
            let head = deleted(db, sql::DELETE_RECORDING, params![id.to_string()])?;
            Ok(head.map_or(Grown::default(), |head| Grown {
                rows: -recording_bytes(key) - head,
                recordings: -1,
                ..Grown::default()
            }))
        }
        Change::Request { entry, answer } => {
            let id = entry.id.as_str();
            let before: Option<Option<i64>> = db
                .prepare_cached(sql::KEPT_LENGTH)?
                .query_row([key.scope(), key.url(), id], |row| row.get(0))
                .optional()?;
            let answer = answer.and(freight.answer.as_deref());
            let (outcome, at_ms) = (entry.outcome.to_text(), entry.at_ms as i64);
            run(sql::PUT_REQUEST, params![key.scope(), key.url(), id, outcome, at_ms, answer])?;
            let row = if before.is_some() { 0 } else { request_bytes(key, &entry.id) };
            let kept = answer.map_or(0, |answer| answer.len() as i64) - before.flatten().unwrap_or(0);
            Ok(Grown { rows: row + kept, requests: row, ..Grown::default() })
        }
        Change::Forget { id } => {
            let kept = deleted(db, sql::DELETE_REQUEST, params![key.scope(), key.url(), id.as_str()])?;
            let row = request_bytes(key, id);
            Ok(kept.map_or(Grown::default(), |kept| Grown {
                rows: -row - kept,
                requests: -row,
                ..Grown::default()
            }))
        }
    }
}

/// Deletes a row. Returns the length of what hung on it; `None` where there was none.
fn deleted(db: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<Option<i64>> {
    let hung = db.prepare_cached(sql)?.query_row(params, |row| row.get::<_, Option<i64>>(0)).optional()?;
    Ok(hung.map(Option::unwrap_or_default))
}

/// The answer that is kept for a request id.
pub(crate) fn answer(db: &Connection, key: &Key, id: &RequestId) -> Result<Option<Vec<u8>>> {
    db.prepare_cached(sql::ANSWER)?
        .query_row([key.scope(), key.url(), id.as_str()], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// Which rows a sweep has seen: those up to this moment and, within it, up to this row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    at_ms: i64,
    id: String,
    scope: String,
    url: String,
}

/// What a sweep looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Finished recordings that are unused.
    Unused,
    /// Recordings that ended long ago.
    Old,
    /// Recordings that are as old as their token lets them be.
    Aged,
    /// Recordings that are retired.
    Retired,
    /// Request ids.
    Requests,
}

/// Keys that may have something of this to let go of, since it is of `until_ms` or before: a few rows behind those that
/// were seen. None once all were.
pub(crate) fn keys_due(
    db: &Connection,
    due: Due,
    until_ms: u64,
    seen: &mut Seen,
    limit: usize,
) -> Result<Vec<Key>> {
    let until_ms = i64::try_from(until_ms).unwrap_or(i64::MAX);
    let limit = limit as i64;
    let read = |row: &Row<'_>| {
        Ok(Seen { at_ms: row.get(0)?, id: row.get(1)?, scope: row.get(2)?, url: row.get(3)? })
    };
    let sql = match due {
        Due::Unused => sql::UNUSED,
        Due::Old => sql::OLD,
        Due::Aged => sql::AGED,
        Due::Retired => sql::RETIRED,
        Due::Requests => sql::OLD_REQUESTS,
    };
    let mut statement = db.prepare_cached(sql)?;
    let found: Result<Vec<Seen>> = match due {
        Due::Unused | Due::Retired | Due::Aged => {
            statement.query_map(params![until_ms, seen.at_ms, seen.id, limit], read)?.collect()
        }
        Due::Old => {
            let started = RecordingId::from_parts(until_ms as u64, u128::MAX).to_string();
            statement.query_map(params![until_ms, started, seen.id, limit], read)?.collect()
        }
        Due::Requests => statement
            .query_map(params![until_ms, seen.at_ms, seen.id, limit, seen.scope, seen.url], read)?
            .collect(),
    };
    let found = found?;
    let mut keys: Vec<Key> = found.iter().map(|row| Key::new(&row.scope, &row.url)).collect();
    keys.dedup();
    if let Some(last) = found.into_iter().next_back() {
        *seen = last;
    }
    Ok(keys)
}

/// Finished recordings of a scope and their keys, those unused for longest first.
pub(crate) fn oldest(db: &Connection, scope: &str, limit: usize) -> Result<Vec<(Key, RecordingId)>> {
    let read = |row: &Row<'_>| Ok((read_key(row)?, stored_id(&row.get::<_, String>(2)?)));
    let found: Result<Vec<_>> =
        db.prepare_cached(sql::OLDEST_OF_SCOPE)?.query_map(params![scope, limit as i64], read)?.collect();
    Ok(found?.into_iter().filter_map(|(key, id)| Some((key, id?))).collect())
}

/// Forgets the oldest answers of a scope that are kept for their request ids: a request with such an id gets 409 then.
/// Returns how many, and what the rows have shrunk by.
pub(crate) fn forget_kept(db: &Connection, scope: &str, limit: usize) -> Result<(usize, Grown)> {
    let read = |row: &Row<'_>| Ok((read_key(row)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?));
    let found: Result<Vec<_>> =
        db.prepare_cached(sql::KEPT_OF_SCOPE)?.query_map(params![scope, limit as i64], read)?.collect();
    let found = found?;
    let mut grown = Grown::default();
    for (key, id, len) in &found {
        db.prepare_cached(sql::FORGET_ANSWER)?.execute([key.scope(), key.url(), id])?;
        grown.rows -= len;
    }
    Ok((found.len(), grown))
}

/// When the recording that began first of all that are stored began, in milliseconds since 1970. Ids are in that order.
pub(crate) fn first_started_ms(db: &Connection) -> Result<Option<u64>> {
    let first =
        db.prepare_cached(sql::FIRST_RECORDING)?.query_row([], |row| row.get::<_, i64>(0)).optional()?;
    Ok(first.map(|ms| ms as u64))
}

fn read_key(row: &Row<'_>) -> Result<Key> {
    Ok(Key::new(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?))
}

//! What an operator is shown of stored recordings: rows as they are, whatever a key makes of them.

use durablefetch_protocol::{Key, RecordingId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::sql;

/// A stored recording.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) key: Key,
    pub(crate) state: String,
    pub(crate) cause: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) headers: Option<Vec<u8>>,
    /// Of the end; 0 before.
    pub(crate) len: u64,
    pub(crate) chunks: u64,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: u64,
    pub(crate) ended_ms: Option<u64>,
    pub(crate) retired_ms: Option<u64>,
    /// In a cluster: where the process is reached that has its key.
    pub(crate) node: Option<String>,
}

fn read(row: &Row<'_>) -> Result<Listed> {
    let ms = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(|ms| ms as u64));
    let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
    Ok(Listed {
        id: row.get(0)?,
        key: Key::new(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?),
        state: row.get(3)?,
        cause: row.get(4)?,
        status: row.get(5)?,
        headers: row.get(6)?,
        len: number(7)?,
        chunks: number(8)?,
        started_ms: number(9)?,
        used_ms: number(10)?,
        ended_ms: ms(11)?,
        retired_ms: ms(12)?,
        node: None,
    })
}

/// Above every id.
pub(crate) const LATEST: &str = "~";

/// So many recordings, of a scope or of all, that began before this one, the latest first.
pub(crate) fn newest(
    db: &Connection,
    scope: Option<&str>,
    before: &str,
    limit: usize,
) -> Result<Vec<Listed>> {
    let limit = limit as i64;
    match scope {
        None => db.prepare_cached(sql::NEWEST)?.query_map(params![before, limit], read)?.collect(),
        Some(scope) => {
            db.prepare_cached(sql::NEWEST_OF_SCOPE)?.query_map(params![before, limit, scope], read)?.collect()
        }
    }
}

/// This recording.
pub(crate) fn one(db: &Connection, id: RecordingId) -> Result<Option<Listed>> {
    db.prepare_cached(sql::ONE)?.query_row([id.to_string()], read).optional()
}

/// Some URLs that a scope has recordings of.
pub(crate) fn urls(db: &Connection, scope: &str, limit: usize) -> Result<Vec<String>> {
    db.prepare_cached(sql::URLS_OF_SCOPE)?
        .query_map(params![scope, limit as i64], |row| row.get(0))?
        .collect()
}

//! The database: what is in it and how it is laid out.
//!
//! `recordings`: one row per stored recording. `ended_ms` is null while it is live. `retired_ms` says since when a later
//! one has started, and is null before. `restarted` and `volatile` are 0 or 1, and what the protocol's `Row` says of them. `status` and what follows is null until the upstream's head is here.
//! `headers` is `name: value\r\n…` as it stood on the wire. `state` and `cause` are the protocol's words. `len` and
//! `chunks` are of the end; while a recording is live its body file tells its length. `age_ms` and `scope_bytes` are null
//! but where the token of the request that started it said how long it is kept, and what its scope may have stored.
//!
//! `requests`: what became of a request id, in the words of the protocol's ledger. `answer` is what was passed
//! through unrecorded, if it is kept: `status\r\nreason\r\n` headers `\r\n` body.
//!
//! `meta`: `secret`, 32 random bytes that key the fingerprints; `serving`, the process that serves, and since which change of
//! hands. `places`: see [`places`](super::places).

use rusqlite::{Connection, OptionalExtension};

/// The version of this layout, in `user_version`. A change of layout raises it and migrates.
pub(crate) const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE recordings (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT,
    status INTEGER,
    reason BLOB,
    headers BLOB,
    fingerprint BLOB NOT NULL,
    len INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    started_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    retired_ms INTEGER,
    ended_ms INTEGER,
    restarted INTEGER NOT NULL DEFAULT 0,
    volatile INTEGER NOT NULL DEFAULT 0,
    age_ms INTEGER,
    scope_bytes INTEGER
) WITHOUT ROWID;
CREATE TABLE requests (
    scope TEXT NOT NULL,
    url TEXT NOT NULL,
    id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answer BLOB,
    PRIMARY KEY (scope, url, id)
) WITHOUT ROWID;
CREATE INDEX used ON recordings (used_ms);
CREATE INDEX requests_at ON requests (at_ms);
";

/// What version 1 does not have.
const INDEXES: &str = "
CREATE INDEX of_key ON recordings (scope, url);
CREATE INDEX of_scope ON recordings (scope, id);
CREATE INDEX finished ON recordings (scope, used_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX retired ON recordings (retired_ms) WHERE retired_ms IS NOT NULL;
CREATE INDEX aged ON recordings (ended_ms + age_ms, id) WHERE age_ms IS NOT NULL;
CREATE INDEX kept ON requests (scope, at_ms) WHERE answer IS NOT NULL;
";

/// From the layout of 0.2, which had one current recording a key. What had ended was used then at the earliest.
const FROM_1: &str = "
ALTER TABLE recordings ADD COLUMN ended_ms INTEGER;
ALTER TABLE recordings ADD COLUMN restarted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN volatile INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN age_ms INTEGER;
ALTER TABLE recordings ADD COLUMN scope_bytes INTEGER;
UPDATE recordings SET ended_ms = used_ms WHERE state NOT IN ('connecting', 'streaming');
DROP INDEX current;
DROP INDEX retired;
";

/// Pages of the log that go into the database at once, SQLite's default.
const LOG_PAGES: u64 = 1000;

/// Has the log take a small part of a disk that may hold so many bytes.
pub(crate) fn limit_log(connection: &Connection, disk_bytes: u64) -> rusqlite::Result<()> {
    let pages = (disk_bytes / 32 / super::PAGE).clamp(8, LOG_PAGES) as i64;
    connection.pragma_update(None, "wal_autocheckpoint", pages)?;
    connection.pragma_update(None, "journal_size_limit", pages * super::PAGE as i64)
}

/// Sets up a connection: WAL, and commits that are writes to the page cache. They survive `kill -9`. What is removed is
/// overwritten, so that a copy of the file does not show it.
pub(crate) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the tables of a new database, and brings those of an earlier version up to date. `Err(version)` within for a database of a later version.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), i64>> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let statements = match version {
        0 => TABLES,
        1 => FROM_1,
        VERSION => return connection.execute_batch(super::places::TABLE).map(Ok),
        later => return Ok(Err(later)),
    };
    let transaction = connection.transaction()?;
    transaction.execute_batch(statements)?;
    transaction.execute_batch(INDEXES)?;
    transaction.execute_batch(super::places::TABLE)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    // 0.2 did not overwrite what it removed: it would be there for good.
    if version == 1
        && let Err(error) = connection.execute_batch("VACUUM")
    {
        tracing::warn!("what was deleted before may still be found in the database's file: {error}");
    }
    Ok(Ok(()))
}

/// Whether the database is of the version that this program writes.
pub(crate) fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| version == VERSION)
}

/// The secret that keys the fingerprints, made once.
pub(crate) fn secret(connection: &Connection, fresh: [u8; 32]) -> rusqlite::Result<[u8; 32]> {
    let stored: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE name = 'secret'", [], |row| row.get(0))
        .optional()?;
    if let Some(secret) = stored.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(secret);
    }
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('secret', ?1)", [&fresh[..]])?;
    Ok(fresh)
}

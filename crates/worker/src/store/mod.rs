//! The SQLite database of one Durable Object: what is in it and how it is laid out.
//!
//! `recordings`: one row per stored recording, numbered by `n`. `kind` is a [`Kind`]. `retired_ms` is null for the current recording and says since when it is superseded otherwise.
//! `headers` is `name: value\r\n…`. While a recording is live, its rows in `body` tell its length.
//!
//! `body`: pieces of at most 256 KiB. The row id is `n · 2^36 + offset`, so that a piece is found and a recording
//! removed by one range of the one B-tree, and 131,071 recordings of 64 GiB have room below 2^53, where
//! JavaScript stops counting. `chunks` counts the upstream's chunks up to the end of the piece.
//!
//! `requests`: what became of a request id, in the words of the protocol's ledger; `answer` is the `n` of the
//! answer that is kept for it.
//!
//! `meta`: `secret`, 32 random bytes that key the fingerprints.
//!
//! The tables are made at the first write: whoever asks for what is not there leaves nothing behind.

mod body;

use std::cell::{Cell, RefCell};

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Fingerprint, ProtocolError, RecordingId, RequestId};
use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::js::sys::{self, Cursor, Sql};

/// The bytes of one recording have row ids in a range of this size.
const RANGE: u64 = 1 << 36;

const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE recordings (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'connecting',
    cause TEXT,
    status INTEGER,
    reason BLOB,
    headers BLOB,
    fingerprint BLOB NOT NULL,
    len INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    started_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    retired_ms INTEGER
);
CREATE TABLE body (at INTEGER PRIMARY KEY, chunks INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answer INTEGER
) WITHOUT ROWID;
";

/// Why storage did not do what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct StoreError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl From<JsValue> for StoreError {
    fn from(error: JsValue) -> Self {
        let message = sys::get(&error, "message").as_string().unwrap_or_else(|| format!("{error:?}"));
        let full = message.contains("SQLITE_FULL") || message.contains("is full");
        Self { code: if full { ErrorCode::StorageFull } else { ErrorCode::StorageFailed }, message }
    }
}

impl From<StoreError> for ProtocolError {
    fn from(error: StoreError) -> Self {
        worker::console_error!("storage: {}", error.message);
        error.code.into()
    }
}

type Stored<T> = Result<T, StoreError>;

/// What a row of `recordings` is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A recording.
    Recorded = 0,
    /// An answer that is passed through.
    Unrecorded = 1,
}

/// One row of `recordings`.
pub(crate) struct Row {
    pub(crate) n: u64,
    pub(crate) id: RecordingId,
    pub(crate) kind: Kind,
    pub(crate) state: String,
    pub(crate) cause: Option<ErrorCode>,
    pub(crate) head: Option<Head>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) len: u64,
    pub(crate) chunks: u64,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: u64,
    pub(crate) retired_ms: Option<u64>,
}

/// The database.
pub(crate) struct Store {
    sql: Sql,
    made: Cell<bool>,
    secret: Cell<[u8; 32]>,
    append: JsString,
    /// What writes go through.
    buffer: RefCell<Uint8Array>,
}

impl Store {
    /// Opens what is there.
    pub(crate) fn open(sql: Sql) -> Stored<Self> {
        let store = Self {
            sql,
            made: Cell::new(false),
            secret: Cell::new([0; 32]),
            append: "INSERT INTO body (at, chunks, data) VALUES (?, ?, ?)".into(),
            buffer: RefCell::new(Uint8Array::new_with_length(0)),
        };
        let found =
            store.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'recordings'", &[])?;
        store.made.set(!found.is_empty());
        let mut secret = None;
        if store.made.get() {
            let rows = store.query("SELECT value FROM meta WHERE name = 'secret'", &[])?;
            secret = rows.first().map(|row| bytes(row, 0)).and_then(|bytes| bytes.try_into().ok());
        }
        store.secret.set(secret.unwrap_or_else(sys::random));
        Ok(store)
    }

    /// Whether anything was ever written.
    pub(crate) fn is_made(&self) -> bool {
        self.made.get()
    }

    /// Everything is deleted: the next write makes the tables again, with another secret.
    pub(crate) fn forgotten(&self) {
        self.made.set(false);
        self.secret.set(sys::random());
    }

    /// Keys the fingerprints.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.secret.get()
    }

    /// All rows of `recordings`.
    pub(crate) fn recordings(&self) -> Stored<Vec<Row>> {
        let rows = self.query(
            "SELECT n, id, kind, state, cause, status, reason, headers, fingerprint, len, chunks, started_ms, \
             used_ms, retired_ms FROM recordings ORDER BY n",
            &[],
        )?;
        Ok(rows.iter().filter_map(read_row).collect())
    }

    /// All request ids with the number of the answer that is kept for each.
    pub(crate) fn requests(&self) -> Stored<Vec<(Entry, Option<u64>)>> {
        let rows = self.query("SELECT id, outcome, at_ms, answer FROM requests", &[])?;
        let read = |row: &Array| {
            let id = RequestId::parse(&row.get(0).as_string()?)?;
            let outcome = durablefetch_protocol::Outcome::parse(&row.get(1).as_string()?)?;
            Some((Entry { id, outcome, at_ms: integer(row, 2)? }, integer(row, 3)))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Makes the tables where there are none.
    fn make(&self) -> Stored<()> {
        if !self.made.get() {
            self.run(TABLES, &[])?;
            let secret = sys::to_js(&self.secret.get());
            self.run("INSERT INTO meta (name, value) VALUES ('secret', ?)", &[secret.into()])?;
            self.made.set(true);
        }
        Ok(())
    }

    /// A recording begins.
    pub(crate) fn insert(
        &self,
        n: u64,
        id: RecordingId,
        fingerprint: &Fingerprint,
        now_ms: u64,
    ) -> Stored<()> {
        self.make()?;
        self.run(
            "INSERT INTO recordings (n, id, fingerprint, started_ms, used_ms) VALUES (?, ?, ?, ?, ?)",
            &[
                number(n),
                id.to_string().into(),
                sys::to_js(&fingerprint.0).into(),
                number(now_ms),
                number(now_ms),
            ],
        )
    }

    /// Its head is here.
    pub(crate) fn head(&self, n: u64, head: &Head, kind: Kind) -> Stored<()> {
        self.run(
            "UPDATE recordings SET state = 'streaming', kind = ?, status = ?, reason = ?, headers = ? WHERE n = ?",
            &[
                (kind as u8).into(),
                head.status.into(),
                sys::to_js(&head.reason).into(),
                sys::to_js(&head.stored_headers()).into(),
                number(n),
            ],
        )
    }

    /// Its end.
    pub(crate) fn finish(
        &self,
        n: u64,
        state: &str,
        cause: Option<ErrorCode>,
        len: u64,
        chunks: u64,
        now_ms: u64,
    ) -> Stored<()> {
        let cause = cause.map_or(JsValue::NULL, |code| code.as_str().into());
        self.run(
            "UPDATE recordings SET state = ?, cause = ?, len = ?, chunks = ?, used_ms = ? WHERE n = ?",
            &[state.into(), cause, number(len), number(chunks), number(now_ms), number(n)],
        )
    }

    /// A finished recording is superseded.
    pub(crate) fn retire(&self, n: u64, now_ms: u64) -> Stored<()> {
        self.run("UPDATE recordings SET retired_ms = ? WHERE n = ?", &[number(now_ms), number(n)])
    }

    /// A recording was used.
    pub(crate) fn used(&self, n: u64, now_ms: u64) -> Stored<()> {
        self.run("UPDATE recordings SET used_ms = ? WHERE n = ?", &[number(now_ms), number(n)])
    }

    /// A recording is gone, with its bytes.
    pub(crate) fn remove(&self, n: u64) -> Stored<()> {
        self.run("DELETE FROM recordings WHERE n = ?", &[number(n)])?;
        self.run("DELETE FROM body WHERE at >= ? AND at < ?", &[number(n * RANGE), number((n + 1) * RANGE)])
    }

    /// What became of a request id.
    pub(crate) fn put_request(&self, entry: &Entry, answer: Option<u64>) -> Stored<()> {
        self.make()?;
        self.run(
            "INSERT OR REPLACE INTO requests (id, outcome, at_ms, answer) VALUES (?, ?, ?, ?)",
            &[
                entry.id.as_str().into(),
                entry.outcome.to_text().into(),
                number(entry.at_ms),
                answer.map_or(JsValue::NULL, number),
            ],
        )
    }

    /// A request id is forgotten.
    pub(crate) fn forget_request(&self, id: &RequestId) -> Stored<()> {
        self.run("DELETE FROM requests WHERE id = ?", &[id.as_str().into()])
    }

    fn exec(&self, query: &str, bindings: &[JsValue]) -> Stored<Cursor> {
        Ok(self.sql.exec(&query.into(), &bindings.iter().collect::<Array>())?)
    }

    fn run(&self, query: &str, bindings: &[JsValue]) -> Stored<()> {
        self.exec(query, bindings).map(drop)
    }

    fn query(&self, query: &str, bindings: &[JsValue]) -> Stored<Vec<Array>> {
        let rows = self.exec(query, bindings)?.raw();
        let mut all = Vec::new();
        while let Some(row) = rows.row()? {
            all.push(row);
        }
        Ok(all)
    }
}

fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn integer(row: &Array, column: u32) -> Option<u64> {
    row.get(column).as_f64().map(|value| value as u64)
}

fn bytes(row: &Array, column: u32) -> Vec<u8> {
    sys::to_bytes(&row.get(column)).map(|view| view.to_vec()).unwrap_or_default()
}

fn read_row(row: &Array) -> Option<Row> {
    let head = integer(row, 5)
        .and_then(|status| Head::from_stored(u16::try_from(status).ok()?, bytes(row, 6), &bytes(row, 7)));
    Some(Row {
        n: integer(row, 0)?,
        id: RecordingId::parse(&row.get(1).as_string()?)?,
        kind: if integer(row, 2)? == 0 { Kind::Recorded } else { Kind::Unrecorded },
        state: row.get(3).as_string()?,
        cause: row.get(4).as_string().and_then(|code| ErrorCode::parse(&code)),
        head,
        fingerprint: Fingerprint(bytes(row, 8).try_into().ok()?),
        len: integer(row, 9)?,
        chunks: integer(row, 10)?,
        started_ms: integer(row, 11)?,
        used_ms: integer(row, 12)?,
        retired_ms: integer(row, 13),
    })
}

/// `ctx.storage.sql` of a Durable Object.
pub(crate) fn sql(state: &worker::State) -> Sql {
    let sql = state.storage().sql();
    let value: &JsValue = sql.as_ref();
    value.clone().unchecked_into()
}

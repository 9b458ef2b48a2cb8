//! The SQLite database of one Durable Object: what is in it and how it is laid out. It writes down the
//! [`Change`]s of a key's life, and the bytes.
//!
//! `recordings`: one row per recording that the key knows, numbered by `n`. `kind` is 1 where the answer is passed
//! through: that row has no head and does not outlive the instance. `ended_ms` is null while a recording is live.
//! `retired_ms` says since when a later recording answers new requests in its place. `headers` is
//! `name: value\r\n…`. While a recording is live, its rows in `body` tell its length.
//!
//! `age_ms` is null but where the token of the request that started it said how long it is kept.
//!
//! `body`: pieces of at most 256 KiB. The row id is `n · 2^36 + offset`, so that a piece is found and a recording
//! removed by one range of the one B-tree, and 131,071 recordings of 64 GiB have room below 2^53, where
//! JavaScript stops counting. `chunks` counts the upstream's chunks up to the end of the piece. Bytes may outlive their
//! row as long as somebody reads them; a fresh instance sweeps them away.
//!
//! `requests`: what became of a request id, in the words of the protocol's ledger; `answer` is the answer that is kept
//! for it, head and body, as the protocol's `kept` writes it.
//!
//! `meta`: `secret`, 32 random bytes that key the fingerprints; `version`, that of this layout: see [`version`].
//!
//! The tables are made at the first write: a request for a recording that is not there leaves nothing behind.

mod body;
mod version;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::life::{self, Begin, Change};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{
    ErrorCode, Fingerprint, Outcome, ProtocolError, RecordingId, RequestId, State, kept,
};
use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::js::sys::{self, Cursor, Sql, Storage};

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
    retired_ms INTEGER,
    ended_ms INTEGER,
    restarted INTEGER NOT NULL DEFAULT 0,
    volatile INTEGER NOT NULL DEFAULT 0,
    age_ms INTEGER
);
CREATE TABLE body (at INTEGER PRIMARY KEY, chunks INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answer BLOB
) WITHOUT ROWID;
";

/// Why storage did not do what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct StoreError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl StoreError {
    /// It can be read and makes no sense, or the platform did not take it.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::StorageFailed, message: message.into() }
    }

    /// Tells the log.
    pub(crate) fn log(&self) {
        worker::console_error!("storage: {}", self.message);
    }
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
        error.log();
        error.code.into()
    }
}

type Stored<T> = Result<T, StoreError>;

/// Finds the head of a recording, which a change does not repeat.
pub(crate) type Heads<'a> = &'a dyn Fn(RecordingId) -> Option<Rc<Head>>;

/// One row of `recordings`.
pub(crate) struct Row {
    /// What the key has to know of it.
    pub(crate) known: life::Row,
    pub(crate) cause: Option<ErrorCode>,
    pub(crate) head: Option<Head>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) started_ms: u64,
    pub(crate) used_ms: u64,
}

/// The database.
pub(crate) struct Store {
    storage: Storage,
    sql: Sql,
    made: Cell<bool>,
    secret: Cell<[u8; 32]>,
    /// The number of each recording that has a row or bytes.
    numbers: RefCell<BTreeMap<RecordingId, u64>>,
    /// The number of the next one.
    next_n: Cell<u64>,
    append: JsString,
    /// What writes go through.
    buffer: RefCell<Uint8Array>,
}

impl Store {
    /// Opens what is there, and brings what an earlier version wrote to this one.
    pub(crate) fn open(state: &worker::State) -> Stored<Self> {
        let storage = JsValue::from(state.storage().as_raw()).unchecked_into::<Storage>();
        let store = Self {
            sql: storage.sql(),
            storage,
            made: Cell::new(false),
            secret: Cell::new(sys::random()),
            numbers: RefCell::default(),
            next_n: Cell::new(1),
            append: "INSERT INTO body (at, chunks, data) VALUES (?, ?, ?)".into(),
            buffer: RefCell::new(Uint8Array::new_with_length(0)),
        };
        let found =
            store.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'recordings'", &[])?;
        store.made.set(!found.is_empty());
        if store.made.get() {
            store.migrate()?;
            let rows = store.query("SELECT value FROM meta WHERE name = 'secret'", &[])?;
            if let Some(secret) = rows.first().and_then(|row| bytes(row, 0).try_into().ok()) {
                store.secret.set(secret);
            }
        }
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
        if !self.made.get() {
            return Ok(Vec::new());
        }
        let rows = self.query(
            "SELECT n, id, kind, state, cause, status, reason, headers, fingerprint, len, chunks, started_ms, \
             used_ms, retired_ms, ended_ms, restarted, volatile, age_ms FROM recordings ORDER BY n",
            &[],
        )?;
        self.numbers.borrow_mut().clear();
        let mut found = Vec::new();
        for (n, mut row) in rows.iter().filter_map(read_row) {
            if row.known.state == State::Streaming {
                (row.known.len, row.known.chunks) = self.extent(n)?;
            }
            self.numbers.borrow_mut().insert(row.known.id, n);
            self.next_n.set(self.next_n.get().max(n + 1));
            found.push(row);
        }
        Ok(found)
    }

    /// All request ids.
    pub(crate) fn requests(&self) -> Stored<Vec<Entry>> {
        if !self.made.get() {
            return Ok(Vec::new());
        }
        let rows = self.query("SELECT id, outcome, at_ms FROM requests", &[])?;
        let read = |row: &Array| {
            let id = RequestId::parse(&row.get(0).as_string()?)?;
            let outcome = Outcome::parse(&row.get(1).as_string()?)?;
            Some(Entry { id, outcome, at_ms: integer(row, 2)? })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The answer that is kept for a request id.
    pub(crate) fn answer(&self, request: &RequestId) -> Stored<Option<(Head, Vec<u8>)>> {
        let rows = self.query("SELECT answer FROM requests WHERE id = ?", &[request.as_str().into()])?;
        Ok(rows.first().and_then(|row| kept::from_stored(&bytes(row, 0))))
    }

    /// Writes changes down, all or none of them.
    ///
    /// The platform makes one transaction of all that is written without an await in between. But it would commit the
    /// first half of a plan whose second half was refused, so more than one change has a transaction of its own.
    pub(crate) fn commit(&self, changes: &[Change], heads: Heads<'_>) -> Stored<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.make()?;
        let written = match changes {
            [change] => self.write(change, heads),
            _ => self.transaction(|| changes.iter().try_for_each(|change| self.write(change, heads))),
        };
        if written.is_err() {
            for change in changes {
                if let Change::Insert(Begin { id, .. }) = change {
                    self.numbers.borrow_mut().remove(id);
                }
            }
        }
        written
    }

    /// Rolls back what was written where this is refused.
    fn transaction(&self, write: impl Fn() -> Stored<()>) -> Stored<()> {
        let mut written = Ok(());
        let committed = self.storage.transaction(&mut || {
            written = write();
            written.as_ref().copied().map_err(|error| js_sys::Error::new(&error.message).into())
        });
        written.and_then(|()| Ok(committed?))
    }

    /// Makes the tables where there are none.
    fn make(&self) -> Stored<()> {
        if !self.made.get() {
            self.transaction(|| {
                self.run(TABLES, &[])?;
                let secret = sys::to_js(&self.secret.get());
                self.run("INSERT INTO meta (name, value) VALUES ('secret', ?)", &[secret.into()])?;
                self.say_version()
            })?;
            self.made.set(true);
        }
        Ok(())
    }

    fn write(&self, change: &Change, heads: Heads<'_>) -> Stored<()> {
        match change {
            Change::Insert(begin) => self.insert(begin),
            Change::Head { id, volatile } => {
                let head = heads(*id).ok_or_else(|| StoreError::failed("an answer without a head"))?;
                self.change(
                    *id,
                    "UPDATE recordings SET state = 'streaming', volatile = ?, status = ?, reason = ?, headers = ? \
                     WHERE n = ?",
                    &[
                        u8::from(*volatile).into(),
                        head.status.into(),
                        sys::to_js(&head.reason).into(),
                        sys::to_js(&head.stored_headers()).into(),
                    ],
                )
            }
            Change::Unrecord { id } => self.change(*id, "UPDATE recordings SET kind = 1 WHERE n = ?", &[]),
            Change::End { id, state, cause, len, chunks, at_ms } => self.change(
                *id,
                "UPDATE recordings SET state = ?, cause = ?, len = ?, chunks = ?, used_ms = ?, ended_ms = ? \
                 WHERE n = ?",
                &[
                    state.as_str().into(),
                    cause.map_or(JsValue::NULL, |code| code.as_str().into()),
                    number(*len),
                    number(*chunks),
                    number(*at_ms),
                    number(*at_ms),
                ],
            ),
            Change::Retire { id, at_ms } => {
                self.change(*id, "UPDATE recordings SET retired_ms = ? WHERE n = ?", &[number(*at_ms)])
            }
            Change::Use { id, at_ms } => {
                self.change(*id, "UPDATE recordings SET used_ms = ? WHERE n = ?", &[number(*at_ms)])
            }
            Change::Remove { id } => self.change(*id, "DELETE FROM recordings WHERE n = ?", &[]),
            Change::Request { entry, answer } => {
                let answer = match answer {
                    Some(id) => self.kept(*id, heads)?,
                    None => JsValue::NULL,
                };
                self.run(
                    "INSERT OR REPLACE INTO requests (id, outcome, at_ms, answer) VALUES (?, ?, ?, ?)",
                    &[entry.id.as_str().into(), entry.outcome.to_text().into(), number(entry.at_ms), answer],
                )
            }
            Change::Forget { id } => self.run("DELETE FROM requests WHERE id = ?", &[id.as_str().into()]),
        }
    }

    fn insert(&self, begin: &Begin) -> Stored<()> {
        let Begin { id, fingerprint, restarted, at_ms, allowance } = begin;
        let n = self.next_n.replace(self.next_n.get() + 1);
        self.numbers.borrow_mut().insert(*id, n);
        self.run(
            "INSERT INTO recordings (n, id, fingerprint, restarted, started_ms, used_ms, age_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                number(n),
                id.to_string().into(),
                sys::to_js(&fingerprint.0).into(),
                u8::from(*restarted).into(),
                number(*at_ms),
                number(*at_ms),
                allowance.age_ms.map_or(JsValue::NULL, number),
            ],
        )
    }

    /// A recording's head and bytes, as they are kept for a request id. All its bytes are stored.
    fn kept(&self, id: RecordingId, heads: Heads<'_>) -> Stored<JsValue> {
        let head = heads(id).ok_or_else(|| StoreError::failed("an answer without a head"))?;
        Ok(self.packed(self.number_of(id)?, &head)?.into())
    }

    /// A head with the bytes of recording number `n`, all of which are stored, as one value.
    fn packed(&self, n: u64, head: &Head) -> Stored<Uint8Array> {
        Ok(sys::to_js(&kept::to_stored(head, &self.whole(n)?)))
    }

    /// Runs a statement whose last parameter is the number of this recording.
    fn change(&self, id: RecordingId, query: &str, bindings: &[JsValue]) -> Stored<()> {
        let n = number(self.number_of(id)?);
        let bindings: Array = bindings.iter().chain([&n]).collect();
        self.sql.exec(&query.into(), &bindings)?;
        Ok(())
    }

    fn number_of(&self, id: RecordingId) -> Stored<u64> {
        let found = self.numbers.borrow().get(&id).copied();
        found.ok_or_else(|| StoreError::failed(format!("nothing is stored of recording {id}")))
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

/// A head whose status, reason and headers stand in these columns and the two after.
fn read_head(row: &Array, column: u32) -> Option<Head> {
    let status = u16::try_from(integer(row, column)?).ok()?;
    Head::from_stored(status, bytes(row, column + 1), &bytes(row, column + 2))
}

/// A row and its number. What has no head that can be read is as if it were still connecting.
fn read_row(row: &Array) -> Option<(u64, Row)> {
    let head = read_head(row, 5);
    let state = State::parse(&row.get(3).as_string()?).filter(|_| head.is_some());
    let known = life::Row {
        id: RecordingId::parse(&row.get(1).as_string()?)?,
        state: state.unwrap_or(State::Connecting),
        unrecorded: integer(row, 2)? != 0,
        restarted: integer(row, 15)? != 0,
        volatile: integer(row, 16)? != 0,
        age_ms: integer(row, 17),
        len: integer(row, 9)?,
        chunks: integer(row, 10)?,
        ended_ms: integer(row, 14),
        retired_ms: integer(row, 13),
    };
    let found = Row {
        known,
        cause: row.get(4).as_string().and_then(|code| ErrorCode::parse(&code)),
        head,
        fingerprint: Fingerprint(bytes(row, 8).try_into().ok()?),
        started_ms: integer(row, 11)?,
        used_ms: integer(row, 12)?,
    };
    Some((integer(row, 0)?, found))
}

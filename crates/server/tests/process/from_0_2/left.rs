//! What 0.2 leaves behind, made by hand.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use durablefetch_protocol::RecordingId;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::crash::body_files;
use crate::support::{PATIENCE, Recorder, Reply, Upstream, header};

/// The layout of 0.2, as its last commit has it.
pub(crate) const TABLES: &str = "
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
    retired_ms INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX current ON recordings (scope, url) WHERE retired_ms IS NULL;
CREATE INDEX retired ON recordings (scope, url) WHERE retired_ms IS NOT NULL;
CREATE INDEX used ON recordings (used_ms);
CREATE TABLE requests (
    scope TEXT NOT NULL,
    url TEXT NOT NULL,
    id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answer BLOB,
    PRIMARY KEY (scope, url, id)
) WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at_ms);
PRAGMA user_version = 1;
";

pub(crate) const SECRET: [u8; 32] = [7; 32];
pub(crate) const MINUTE: u64 = 60_000;

/// What 0.2 wrote for a POST of `the prompt` with that secret.
pub(crate) const PROMPT: &str = "the prompt";
pub(crate) const PRINT: &str = "087ba7eba4014d624d99f9a9d556207ff147dc60f9ce19ed59219bcf4daaa283";

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// What a process of 0.2 left when it was killed.
pub(crate) struct Left {
    pub(crate) data: TempDir,
    pub(crate) database: Connection,
    pub(crate) upstream: Upstream,
}

impl Left {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = Connection::open(data.path().join("recordings.db")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.execute_batch(TABLES).unwrap();
        database.execute("INSERT INTO meta VALUES ('secret', ?1)", [&SECRET[..]]).unwrap();
        fs::write(data.path().join("lock"), "").unwrap();
        Self { data, database, upstream: Upstream::start() }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}?{name}", self.upstream.url)
    }

    /// A row as `INSERT` and `UPDATE` of 0.2 made it: `states` is state and cause, `stored` the length that it tells.
    pub(crate) fn recording(
        &self,
        name: &str,
        states: (&str, Option<&str>),
        stored: usize,
        retired: Option<u64>,
    ) -> String {
        let age = retired.map_or(MINUTE, |since| since + MINUTE);
        let at = now_ms() - age;
        let id = RecordingId::from_parts(at, u128::from(rand(name))).to_string();
        let has_head = states.0 != "connecting";
        let head: (Option<u16>, Option<&[u8]>, Option<&[u8]>) = if has_head {
            (Some(201), Some(b"Made"), Some(b"content-type: text/x-old\r\nx-own: of the upstream\r\n"))
        } else {
            (None, None, None)
        };
        self.database
            .execute(
                "INSERT INTO recordings VALUES (?1, '', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
                params![
                    id,
                    self.url(name),
                    states.0,
                    states.1,
                    head.0,
                    head.1,
                    head.2,
                    print(),
                    stored as i64,
                    i64::from(stored > 0),
                    at as i64,
                    retired.map(|since| (now_ms() - since) as i64),
                ],
            )
            .unwrap();
        id
    }

    /// One that is finished, and its body.
    pub(crate) fn finished(&self, name: &str, states: (&str, Option<&str>), body: &str) -> String {
        let id = self.recording(name, states, body.len(), None);
        self.body(&id, body);
        id
    }

    pub(crate) fn file(&self, id: &str) -> PathBuf {
        self.data.path().join("bodies").join(&id[24..]).join(id)
    }

    pub(crate) fn body(&self, id: &str, body: &str) {
        fs::create_dir_all(self.file(id).parent().unwrap()).unwrap();
        fs::write(self.file(id), body).unwrap();
    }

    /// Waits until these are all that is stored.
    pub(crate) fn until_stored(&self, ids: &[&str]) {
        let until = Instant::now() + PATIENCE;
        let stored = || (column(&self.database, "SELECT id FROM recordings"), body_files(self.data.path()));
        while [stored().0, stored().1].iter().any(|stored| stored != ids) {
            assert!(Instant::now() < until, "{:?}", stored());
            std::thread::yield_now();
        }
    }

    pub(crate) fn request(&self, name: &str, id: &str, outcome: &str, answer: Option<&[u8]>) {
        self.database
            .execute(
                "INSERT INTO requests VALUES ('', ?1, ?2, ?3, ?4, ?5)",
                params![self.url(name), id, outcome, (now_ms() - MINUTE) as i64, answer],
            )
            .unwrap();
    }

    /// A POST of [`PROMPT`] with a request id.
    pub(crate) fn post(&self, recorder: &Recorder, name: &str, id: &str) -> Reply {
        let headers = [("durablefetch-url", &*self.url(name)), ("durablefetch-request", id)];
        recorder.send("POST /", &headers, PROMPT)
    }

    pub(crate) fn mode(&self, recorder: &Recorder, name: &str, mode: &str) -> Reply {
        let headers = [("durablefetch-url", &*self.url(name)), ("durablefetch-mode", mode)];
        recorder.send("GET /", &headers, "")
    }

    pub(crate) fn rest(&self, recorder: &Recorder, name: &str, id: &str, offset: &str) -> (String, String) {
        let headers = [
            ("durablefetch-url", &*self.url(name)),
            ("durablefetch-recording", id),
            ("durablefetch-offset", offset),
        ];
        recorder.send("GET /", &headers, "").all()
    }

    pub(crate) fn status(&self, recorder: &Recorder, name: &str) -> Value {
        serde_json::from_str(&recorder.status(&self.url(name))).unwrap()
    }

    /// What `in-progress` says of a request id.
    pub(crate) fn state_of(&self, recorder: &Recorder, name: &str, id: &str) -> String {
        let body = json!({ "url": self.url(name), "request": id }).to_string();
        let answer = recorder.send("POST /in-progress", &[], &body).all().1;
        let status: Value = serde_json::from_str(&answer).unwrap();
        status["state"].as_str().unwrap().to_owned()
    }
}

/// Random bits of an id: the same for the same name.
pub(crate) fn rand(name: &str) -> u64 {
    name.bytes().fold(1, |sum, byte| sum.wrapping_mul(1_000_003).wrapping_add(byte.into()))
}

pub(crate) fn print() -> Vec<u8> {
    (0..32).map(|at| u8::from_str_radix(&PRINT[2 * at..][..2], 16).unwrap()).collect()
}

pub(crate) fn error<'a>(head: &'a str, status: &str) -> &'a str {
    assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    header(head, "durablefetch-error")
}

pub(crate) fn assert_own(head: &str) {
    assert!(head.starts_with("http/1.1 201 made"), "{head}");
    assert_eq!((header(head, "content-type"), header(head, "x-own")), ("text/x-old", "of the upstream"));
}

/// The first column of what a query finds.
pub(crate) fn column(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// All rows of all tables, as text.
pub(crate) fn rows(database: &Connection) -> Vec<String> {
    let mut all = Vec::new();
    // Who serves is another process after each start.
    for (table, which) in [("meta", "name <> 'serving'"), ("recordings", "1"), ("requests", "1")] {
        let columns = format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')");
        let row = column(database, &columns).join(" || ',' || ");
        all.extend(column(database, &format!("SELECT {row} FROM {table} WHERE {which} ORDER BY 1")));
    }
    all
}

//! The store's recovery of whatever is in its directory: a database file, its log, and body files.
//!
//! A start either says what is wrong or comes up with a store in order: see `durablefetch_server::fuzz`.
#![no_main]

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use rusqlite::{Connection, params};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    database: Database<'a>,
    files: Vec<(Name<'a>, &'a [u8])>,
    /// Bytes of the database file that are something else now, and where it is cut.
    flips: Vec<(u16, u8)>,
    cut: Option<u16>,
}

/// Our tables with these rows.
#[derive(Debug, Arbitrary)]
struct Database<'a> {
    recordings: Vec<Recording<'a>>,
    requests: Vec<Request<'a>>,
    version: Option<i8>,
    log: Option<&'a [u8]>,
}

#[derive(Debug, Arbitrary)]
struct Recording<'a> {
    id: Name<'a>,
    url: u8,
    state: Word<'a>,
    cause: Option<Word<'a>>,
    status: Option<u16>,
    headers: &'a [u8],
    fingerprint: Option<&'a [u8]>,
    len: i64,
    chunks: i64,
    used_ms: i64,
    retired_ms: Option<i64>,
}

#[derive(Debug, Arbitrary)]
struct Request<'a> {
    url: u8,
    id: &'a str,
    outcome: Word<'a>,
    started: Option<u8>,
    at_ms: i64,
}

#[derive(Debug, Arbitrary)]
enum Name<'a> {
    Id(u8),
    Text(&'a str),
}

#[derive(Debug, Arbitrary)]
enum Word<'a> {
    Connecting,
    Streaming,
    Complete,
    Stopped,
    Failed,
    Deleted,
    Full,
    Text(&'a str),
}

impl Name<'_> {
    fn text(&self) -> String {
        match self {
            Self::Id(n) => format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02X}").replace(['I', 'L', 'O', 'U'], "0"),
            Self::Text(text) => (*text).to_owned(),
        }
    }
}

impl Word<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Full => "storage-full",
            Self::Text(text) => text,
        }
    }
}

fn url(n: u8) -> String {
    format!("http://a.example/{}", n % 4)
}

/// What SQLite refuses to store is not in the database, which is fine.
fn fill(path: &Path, recordings: &[Recording<'_>], requests: &[Request<'_>]) {
    durablefetch_server::fuzz::make_database(path);
    let database = Connection::open(path).unwrap();
    for row in recordings {
        let _ = database.execute(
            "INSERT INTO recordings (id, scope, url, state, cause, status, reason, headers, fingerprint, len, \
             chunks, started_ms, used_ms, retired_ms) VALUES (?1, '', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12)",
            params![
                row.id.text(),
                url(row.url),
                row.state.text(),
                row.cause.as_ref().map(Word::text),
                row.status,
                row.status.map(|_| b"OK".to_vec()),
                row.status.map(|_| row.headers),
                row.fingerprint.unwrap_or(&[0; 32]),
                row.len,
                row.chunks,
                row.used_ms,
                row.retired_ms
            ],
        );
    }
    for row in requests {
        let outcome = match row.started {
            Some(n) => format!("started:{}", Name::Id(n).text()),
            None => row.outcome.text().to_owned(),
        };
        let _ = database.execute(
            "INSERT INTO requests (scope, url, id, outcome, at_ms) VALUES ('', ?1, ?2, ?3, ?4)",
            params![url(row.url), row.id, outcome, row.at_ms],
        );
    }
}

/// What begins as a database file does is one, whatever follows; all else describes one.
fuzz_target!(|bytes: &[u8]| {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("recordings.db");
    if bytes.starts_with(b"SQLite format 3") {
        fs::write(&path, bytes).unwrap();
        durablefetch_server::fuzz::start_twice(data.path(), true);
        return;
    }
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let Database { recordings, requests, version, log } = &input.database;
    fill(&path, recordings, requests);
    if let Some(version) = version {
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "user_version", version).unwrap();
    }
    if let Some(log) = log {
        fs::write(data.path().join("recordings.db-wal"), log).unwrap();
    }
    let changed = !input.flips.is_empty() || input.cut.is_some();
    if changed {
        let mut file = fs::read(&path).unwrap();
        for (at, byte) in &input.flips {
            let at = usize::from(*at) % file.len();
            file[at] ^= byte;
        }
        if let Some(cut) = input.cut {
            file.truncate(usize::from(cut));
        }
        fs::write(&path, file).unwrap();
    }
    for (name, body) in input.files.iter().take(8) {
        let name: String = name.text().chars().filter(|c| !matches!(c, '/' | '\0')).collect();
        let shard = name.get(name.len().saturating_sub(2)..).unwrap_or_default();
        if name.len() > 200 || matches!(name.as_str(), "" | "." | "..") || matches!(shard, "" | "." | "..") {
            continue;
        }
        let shard = data.path().join("bodies").join(shard);
        fs::create_dir_all(&shard).unwrap();
        let _ = fs::write(shard.join(name), body);
    }
    durablefetch_server::fuzz::start_twice(data.path(), changed || log.is_some());
});

//! What the fuzz target of the store needs of it. Not part of the program: compiled under `cfg(fuzzing)` alone.

use std::collections::HashSet;
use std::path::Path;

use durablefetch_protocol::Key;
use durablefetch_protocol::placement::Owner;

use crate::config::Limits;
use crate::recording::Recording;
use crate::storage::usage::Usage;
use crate::storage::{self, Store, db, rows};

/// Makes an empty database, in pages so small that a corpus of it stays small.
///
/// # Panics
/// Where it cannot.
pub fn make_database(path: &Path) {
    let fresh = rusqlite::Connection::open(path).expect("a database");
    fresh.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = DELETE;").expect("small pages");
    drop(fresh);
    let connection = db::open(path).expect("our tables");
    // In one file, for who changes its bytes.
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).expect("no log");
}

/// Starts on whatever is in this directory, looks at everything, and starts once more. `damaged`: bytes of the
/// database were changed, so that what it finds may be an error later on, too.
///
/// # Panics
/// Where a start that came up has not left a store in order.
pub fn start_twice(data: &Path, damaged: bool) {
    let Ok(first) = look(data, damaged) else { return };
    match look(data, damaged) {
        // What is damaged in a way that SQLite does not notice has no order to be put into.
        Ok(_) if damaged => {}
        Ok(second) => {
            assert_eq!(
                (second.interrupted, second.orphans),
                (0, first.left),
                "the first start put this in order, but for the files of rows that were removed on sight"
            );
            assert_eq!(second.secret, first.secret);
            // Rows that nobody could read were removed by who looked at them.
            assert!(second.bytes <= first.bytes, "{} of {} bytes", second.bytes, first.bytes);
        }
        Err(error) => assert!(damaged, "it came up once, and then: {error}"),
    }
}

struct Seen {
    interrupted: usize,
    orphans: usize,
    /// Files whose rows were found to be damaged, and removed, when they were looked at. They go at the next start.
    left: usize,
    bytes: u64,
    secret: [u8; 32],
}

fn look(data: &Path, damaged: bool) -> Result<Seen, String> {
    let Store { connection, bodies, served, secret, lock: _lock } =
        storage::open(data, Owner(1), None).map_err(|error| error.to_string())?;
    let connection = connection.expect("a database");
    let found = served.expect("nobody else serves").found;
    let keys: rusqlite::Result<HashSet<(String, String)>> = connection
        .prepare("SELECT scope, url FROM recordings UNION SELECT scope, url FROM requests")
        .and_then(|mut keys| keys.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect());
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) if damaged => return Err(error.to_string()),
        Err(error) => panic!("no keys: {error}"),
    };
    let stored_rows = rows_in(&connection);
    let usage = Usage::new(&Limits::default());
    let mut known = HashSet::new();
    for (scope, url) in keys {
        let key = Key::new(&scope, &url);
        let (stored, _ledger) = match rows::load(&connection, &key) {
            Ok(loaded) => loaded,
            Err(error) if damaged => return Err(error.to_string()),
            Err(error) => panic!("a key cannot be loaded: {error}"),
        };
        for row in stored {
            let (id, len) = (row.id, bodies.len(row.id).expect("a length"));
            bodies.open_stored(id).expect("a file or none");
            let recording = Recording::stored(key.clone(), usage.account(&scope), row, len);
            assert!(!recording.progress().state().is_live() && recording.progress().len() <= len);
            known.insert(id);
        }
    }
    let mut left = 0;
    if !damaged {
        for id in bodies.list().expect("a list").into_iter().flatten() {
            if !known.contains(&id) {
                assert_eq!(rows_of(&connection, id), 0, "a row was not looked at");
                left += 1;
            }
        }
        assert!(left as i64 <= stored_rows - rows_in(&connection), "a file of nothing is left");
    }
    Ok(Seen { interrupted: found.interrupted, orphans: found.orphans, left, bytes: found.bytes(), secret })
}

/// How many recordings there are; none where a damaged database does not tell.
fn rows_in(connection: &rusqlite::Connection) -> i64 {
    connection.query_row("SELECT COUNT(*) FROM recordings", [], |row| row.get(0)).unwrap_or(0)
}

fn rows_of(connection: &rusqlite::Connection, id: durablefetch_protocol::RecordingId) -> i64 {
    let sql = "SELECT COUNT(*) FROM recordings WHERE id = ?1";
    connection.query_row(sql, [id.to_string()], |row| row.get(0)).expect("a count")
}

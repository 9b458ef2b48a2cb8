//! What an object of durablefetch 0.2 has stored is there after an update, and what a dead one has left goes.

mod workerd;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use durablefetch_conformance::Settings;
use durablefetch_conformance::check::Checked;
use durablefetch_conformance::client::Recorder;
use durablefetch_conformance::upstream::{Endpoint, Upstream};
use rusqlite::Connection;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Back to storage version 1: a row's end was its last use, and answers were kept as recordings. Number 7 is one that
/// was being passed through.
const AS_0_2: &str = "
DELETE FROM meta WHERE name = 'version';
ALTER TABLE recordings DROP COLUMN ended_ms;
INSERT INTO recordings (n, id, kind, state, status, reason, headers, fingerprint, len, chunks, started_ms, used_ms)
    SELECT 6, '01J00000000000000000000006', 1, 'complete', 404, CAST('Gone fishing' AS BLOB),
        CAST('content-type: text/plain' || char(13, 10) AS BLOB), fingerprint, 7, 1, started_ms, used_ms FROM recordings;
INSERT INTO recordings (n, id, kind, state, status, reason, headers, fingerprint, started_ms, used_ms)
    SELECT 7, '01J00000000000000000000007', 1, 'streaming', 404, CAST('' AS BLOB), CAST('' AS BLOB), fingerprint,
        started_ms, used_ms FROM recordings WHERE n = 6;
INSERT INTO body (at, chunks, data) VALUES (6 << 36, 1, CAST('no ' AS BLOB)), ((6 << 36) + 3, 1, CAST('such' AS BLOB)),
    (7 << 36, 1, CAST('part' AS BLOB)), (9 << 36, 1, CAST('of nobody' AS BLOB));
CREATE TABLE old (id TEXT PRIMARY KEY, outcome TEXT NOT NULL, at_ms INTEGER NOT NULL, answer INTEGER) WITHOUT ROWID;
INSERT INTO old SELECT * FROM requests;
INSERT INTO old SELECT 'kept', 'answered', at_ms, 6 FROM requests;
INSERT INTO old SELECT 'passing', 'started:01J00000000000000000000007', at_ms, NULL FROM requests;
DROP TABLE requests;
ALTER TABLE old RENAME TO requests;
";

/// Starts the worker on this storage.
async fn start(store: &Path) -> Checked<(Child, Recorder)> {
    let mut command = workerd::serve(&Settings::default(), store);
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("workerd starts");
    let mut lines = BufReader::new(process.stdout.take().expect("its stdout")).lines();
    let base = lines.next_line().await.expect("stdout").expect("a line with its address");
    Ok((process, Recorder::at(&base)?))
}

/// The database of the only object.
fn database(store: &Path) -> PathBuf {
    let folder = std::fs::read_dir(store.join("durablefetch")).expect("the objects' folder");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let is_object = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".sqlite") && name != "metadata.sqlite"
    };
    let found: Vec<_> = files.filter(is_object).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("the object's file")
}

fn count(database: &Connection, table: &str) -> i64 {
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a number")
}

async fn record(recorder: &Recorder, at: &Endpoint) -> Checked<String> {
    let open = recorder.fetch("GET", &at.url()).id("first").open().await?;
    let mut call = at.accept().await?;
    call.head(200, &[]).await?;
    call.send("all of it").await?;
    call.end().await?;
    let mut response = open.response().await?;
    response.ends_with("all of it").await?;
    response.recording()
}

async fn found(recorder: &Recorder, at: &Endpoint, recording: &str) -> Checked {
    for _ in 0..2 {
        let mut kept = recorder.fetch("GET", &at.url()).id("kept").send().await?;
        kept.is(404)?.state("unrecorded")?.has("content-type", "text/plain")?;
        kept.ends_with("no such").await?;
    }
    let mut passing = recorder.fetch("GET", &at.url()).id("passing").send().await?;
    passing.error(502, "interrupted").await?;
    let mut first = recorder.fetch("GET", &at.url()).id("first").send().await?;
    first.is(200)?.state("complete")?.has("durablefetch-recording", recording)?;
    first.ends_with("all of it").await?;
    at.hits(1)
}

async fn run(store: &Path) -> Checked {
    let upstream = Upstream::listen().await?;
    let at = upstream.endpoint();
    let (mut process, recorder) = start(store).await?;
    let recording = record(&recorder, &at).await?;
    process.kill().await.expect("it ends");

    let old = Connection::open(database(store)).expect("the object's database");
    old.execute_batch(AS_0_2).expect("it becomes one of version 1");
    drop(old);

    for _ in 0..2 {
        let (mut process, recorder) = start(store).await?;
        found(&recorder, &at, &recording).await?;
        process.kill().await.expect("it ends");
        let new = Connection::open(database(store)).expect("the object's database");
        let version: i64 = new
            .query_row("SELECT value FROM meta WHERE name = 'version'", [], |row| row.get(0))
            .expect("a version");
        let ended: i64 =
            new.query_row("SELECT ended_ms - used_ms FROM recordings", [], |row| row.get(0)).expect("an end");
        assert!((version, ended) == (2, 0), "version {version}, ended {ended} ms after its last use");
        assert_eq!((count(&new, "recordings"), count(&new, "body"), count(&new, "requests")), (1, 1, 3));
    }

    let newer = Connection::open(database(store)).expect("the object's database");
    newer
        .execute_batch("UPDATE meta SET value = 3 WHERE name = 'version'")
        .expect("it is of a later version");
    drop(newer);
    let (_process, recorder) = start(store).await?;
    let mut refused = recorder.fetch("GET", &at.url()).send().await?;
    refused.error(500, "storage-failed").await?;
    at.hits(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_0_2_keeps_what_it_has() {
    let store = tempfile::tempdir().expect("a directory");
    if let Err(oops) = run(store.path()).await {
        panic!("{oops}");
    }
}

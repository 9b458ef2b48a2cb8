//! What becomes of an object whose storage is of durablefetch 0.2, was left by a dead instance, or refuses.

#[path = "workerd/running.rs"]
mod running;
mod workerd;

use std::path::{Path, PathBuf};
use std::time::Duration;

use durablefetch_conformance::Settings;
use durablefetch_conformance::check::{CaseResult, Checked, same};
use durablefetch_conformance::client::Recorder;
use durablefetch_conformance::upstream::{Endpoint, Reply, Upstream};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use running::running;

/// Back to storage version 1: a row's end was its last use, and answers were kept as recordings. Number 7 is one that
/// was being passed through; the bytes of 9 are of no recording.
const AS_0_2: &str = "
DELETE FROM meta WHERE name = 'version';
ALTER TABLE recordings DROP COLUMN ended_ms;
ALTER TABLE recordings DROP COLUMN restarted;
ALTER TABLE recordings DROP COLUMN volatile;
ALTER TABLE recordings DROP COLUMN age_ms;
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

/// A worker with one object, whose database is looked into while the worker is down.
struct Worker {
    settings: Settings,
    store: TempDir,
    process: Option<Child>,
}

impl Worker {
    fn new(settings: Settings) -> Self {
        Self { settings, store: tempfile::tempdir().expect("a directory"), process: None }
    }

    async fn start(&mut self) -> Checked<Recorder> {
        let (process, base) = running(workerd::serve(&self.settings, self.store.path())).await;
        self.process = Some(process);
        Recorder::at(&base)
    }

    /// Kills it, and returns the object's database.
    async fn kill(&mut self) -> Connection {
        if let Some(mut process) = self.process.take() {
            process.kill().await.expect("it ends");
        }
        Connection::open(database(self.store.path())).expect("the object's database")
    }
}

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

/// The number that a query finds.
fn number(database: &Connection, query: &str) -> i64 {
    database.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
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

async fn status(recorder: &Recorder, at: &Endpoint) -> Checked<Value> {
    let call = recorder.request("POST", "/in-progress").body(json!({ "url": at.url() }).to_string());
    call.send().await?.json().await
}

async fn has_what_0_2_had(recorder: &Recorder, at: &Endpoint, recording: &str) -> Checked {
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

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_0_2_keeps_what_it_has() -> CaseResult {
    let upstream = Upstream::listen().await?;
    let at = upstream.endpoint();
    let mut worker = Worker::new(Settings::default());
    let recording = record(&worker.start().await?, &at).await?;
    worker.kill().await.execute_batch(AS_0_2).expect("it becomes one of version 1");

    for _ in 0..2 {
        has_what_0_2_had(&worker.start().await?, &at, &recording).await?;
        let new = worker.kill().await;
        assert_eq!(number(&new, "SELECT value FROM meta WHERE name = 'version'"), 2);
        assert_eq!(number(&new, "SELECT ended_ms - used_ms FROM recordings"), 0);
        for (table, rows) in [("recordings", 1), ("body", 1), ("requests", 3)] {
            assert_eq!(number(&new, &format!("SELECT count(*) FROM {table}")), rows, "{table}");
        }
    }

    let newer = worker.kill().await;
    newer
        .execute_batch("UPDATE meta SET value = 3 WHERE name = 'version'")
        .expect("it is of a later version");
    drop(newer);
    let mut refused = worker.start().await?.fetch("GET", &at.url()).send().await?;
    refused.error(500, "storage-failed").await?;
    at.hits(1)?;
    Ok(())
}

/// Refuses what these triggers refuse. The platform rolls back nothing by itself.
async fn refusing(worker: &mut Worker, triggers: &str) -> Checked<Recorder> {
    worker.kill().await.execute_batch(triggers).expect("triggers");
    worker.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_refused_leaves_all_as_it_was() -> CaseResult {
    let upstream = Upstream::listen().await?;
    let at = upstream.endpoint();
    let mut worker = Worker::new(Settings::default());
    let recording = record(&worker.start().await?, &at).await?;
    let refuse = "CREATE TRIGGER no BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no'); END;";
    let recorder = refusing(&mut worker, refuse).await?;
    let mut refused = recorder.fetch("GET", &at.url()).mode("restart").id("second").send().await?;
    refused.error(500, "storage-failed").await?;
    let mut joined = recorder.fetch("GET", &at.url()).send().await?;
    joined.is(200)?.state("complete")?.has("durablefetch-recording", &recording)?;
    joined.ends_with("all of it").await?;
    let database = worker.kill().await;
    assert_eq!(number(&database, "SELECT count(*) FROM recordings WHERE retired_ms IS NULL"), 1);
    assert_eq!(number(&database, "SELECT count(*) FROM recordings"), 1);
    at.hits(1)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_refused_is_a_failure_and_after_a_restart_an_interruption() -> CaseResult {
    let refuse_end =
        "CREATE TRIGGER no BEFORE UPDATE ON recordings WHEN NEW.ended_ms IS NOT NULL AND OLD.ended_ms IS NULL
         BEGIN SELECT RAISE(ABORT, 'no'); END;";
    let refuse_bytes = "CREATE TRIGGER no BEFORE INSERT ON body BEGIN SELECT RAISE(ABORT, 'no'); END;";
    for (refuse, stored) in [(refuse_end, 9), (refuse_bytes, 0)] {
        let upstream = Upstream::listen().await?;
        let at = upstream.endpoint();
        let mut worker = Worker::new(Settings::default());
        record(&worker.start().await?, &at).await?;
        let recorder = refusing(&mut worker, refuse).await?;
        let open = recorder.fetch("GET", &at.url()).mode("restart").open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        let mut response = open.response().await?;
        call.send("all of it").await?;
        response.next("all of it").await?;
        // Where the bytes are refused it has ended before the upstream did.
        let _ = call.end().await;
        response.breaks().await?;
        let failed = status(&recorder, &at).await?;
        same("state", &failed["state"], &json!("failed"))?;
        same("bytesStored", &failed["bytesStored"], &json!(stored))?;
        let mut replay = recorder.fetch("GET", &at.url()).mode("replay").send().await?;
        replay.state("failed")?;
        same("bytes", replay.take(stored).await?.len(), stored)?;
        replay.breaks().await?;
        let database = worker.kill().await;
        database.execute_batch("DROP TRIGGER no").expect("it takes everything again");
        drop(database);
        let found = status(&worker.start().await?, &at).await?;
        same("state", &found["state"], &json!("interrupted"))?;
        same("bytesStored", &found["bytesStored"], &json!(stored))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_whose_answer_was_cut_is_told_what_cut_it() -> CaseResult {
    let upstream = Upstream::listen().await?;
    let at = upstream.endpoint();
    let mut worker = Worker::new(Settings::default());
    let recorder = worker.start().await?;
    for (id, crash, code) in [("cut", false, "upstream-failed"), ("crash", true, "interrupted")] {
        let get = |recorder: &Recorder| recorder.fetch("GET", &at.url()).id(id);
        let open = get(&recorder).open().await?;
        let mut call = at.accept().await?;
        call.head(404, &[]).await?;
        call.send("no").await?;
        let mut response = open.response().await?;
        response.is(404)?.state("unrecorded")?;
        response.next("no").await?;
        let recorder = if crash {
            drop(worker.kill().await);
            worker.start().await?
        } else {
            call.reset();
            response.breaks().await?;
            recorder.clone()
        };
        get(&recorder).send().await?.error(502, code).await?;
    }
    let database = worker.kill().await;
    assert_eq!(number(&database, "SELECT count(*) FROM recordings"), 0);
    assert_eq!(number(&database, "SELECT count(*) FROM body"), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_expires_a_ttl_from_now_and_nothing_is_left_of_what_is_not() -> CaseResult {
    let upstream = Upstream::listen().await?;
    let at = upstream.replying(Reply::ok(vec![b'x'; 8 << 20]));
    let ttl = Duration::from_millis(600);
    let mut worker = Worker::new(Settings { ttl: Some(ttl), ..Settings::default() });
    let recorder = worker.start().await?;
    let mut slow = recorder.fetch("GET", &at.url()).send().await?;
    slow.next("x").await?;
    tokio::time::sleep(ttl * 3).await;
    let read = status(&recorder, &at).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis();
    let left = u128::from(read["expiresAt"].as_u64().unwrap_or_default()).saturating_sub(now);
    assert!(read["state"] == "complete" && left > ttl.as_millis() / 2, "{left} ms are left of {read}");
    slow.rest().await?;
    tokio::time::sleep(ttl * 3).await;
    // Not asked for: the alarm alone lets go of it.
    let database = worker.kill().await;
    let tables = "SELECT count(*) FROM sqlite_master WHERE name = 'recordings'";
    assert_eq!(number(&database, tables), 0, "an object without storage is forgotten by the platform");
    Ok(())
}

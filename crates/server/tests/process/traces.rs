//! What was deleted or has expired is found nowhere in the data directory, and what is never stored never was.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;

use crate::from_0_2::Left;
use crate::support::{PATIENCE, Recorder, Upstream, header};

/// How many there are of each: enough for more than a page of every table.
const MANY: usize = 40;

/// Which of these texts some file of the directory has.
fn found<'a>(data: &Path, texts: &[&'a str]) -> Vec<&'a str> {
    let mut bytes = Vec::new();
    let mut directories = vec![data.to_owned()];
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(file) = fs::read(path) {
                // A body may be removed at this moment.
                bytes.extend(file);
            }
        }
    }
    let has = |text: &&&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    texts.iter().filter(has).copied().collect()
}

fn wait_until_found(data: &Path, texts: &[&str], expected: &[&str]) {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = found(data, texts);
        if found == expected {
            return;
        }
        assert!(Instant::now() < until, "{found:?} are there, and not {expected:?}");
    }
}

/// Records answers whose URL, headers and body have a text each.
fn record(recorder: &Recorder, upstream: &Upstream, request: Option<&str>) {
    for number in 0..MANY {
        let url = format!("{}?{}={number}", upstream.url, "key=in-the-query");
        let mut headers = vec![
            ("durablefetch-url", url.as_str()),
            ("x-own", "in-the-request"),
            ("durablefetch-token", "the-token"),
            ("authorization", "Bearer the-key"),
            ("cookie", "sid=the-cookie"),
        ];
        let id = request.map(|request| format!("{request}-{number}"));
        headers.extend(id.as_deref().map(|id| ("durablefetch-request", id)));
        let reply = recorder.send("POST /", &headers, "the-prompt");
        let mut stream = upstream.asked();
        let status = if request.is_some() { "429 Slow Down" } else { "200 OK" };
        let long = "x".repeat(number * 100);
        let head = format!(
            "HTTP/1.1 {status}\r\nx-long: {long}\r\nx-own: in-a-header\r\nset-cookie: sid=the-session\r\n\
                    content-length: 9\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"in-a-body").unwrap();
        let (head, _) = reply.all();
        let state = if request.is_some() { "unrecorded" } else { "complete" };
        assert!(head.contains("x-own: in-a-header"), "{head}");
        assert!([state, "streaming"].contains(&header(&head, "durablefetch-state")), "{head}");
    }
}

fn delete(recorder: &Recorder, upstream: &Upstream) {
    for number in 0..MANY {
        let body = format!("{{\"url\":\"{}?key=in-the-query={number}\"}}", upstream.url);
        assert!(recorder.send("POST /delete", &[], &body).all().1.contains("true"));
    }
}

const STORED: [&str; 3] = ["in-the-query", "in-a-header", "in-a-body"];
const NEVER: [&str; 6] =
    ["in-the-request", "the-prompt", "the-token", "the-key", "the-cookie", "the-session"];

#[test]
fn nothing_is_left_of_what_was_deleted() {
    let data = tempfile::tempdir().unwrap();
    let (upstream, other) = (Upstream::start(), Upstream::start());
    let recorder = Recorder::start(data.path(), &[]);
    record(&recorder, &upstream, None);
    wait_until_found(data.path(), &STORED, &STORED);
    assert_eq!(found(data.path(), &NEVER), [""; 0]);
    delete(&recorder, &upstream);
    wait_until_found(data.path(), &STORED, &[]);

    // Killed before the log could be emptied, the next one does it.
    record(&recorder, &other, None);
    delete(&recorder, &other);
    recorder.kill();
    let _recorder = Recorder::start(data.path(), &[]);
    wait_until_found(data.path(), &STORED, &[]);
}

/// Has all that is stored be this much older.
fn age(data: &Path, ms: i64) {
    let database = Connection::open(data.join("recordings.db")).unwrap();
    database.pragma_update(None, "secure_delete", true).unwrap();
    for change in [
        "UPDATE recordings SET started_ms = started_ms - ?1, used_ms = used_ms - ?1, ended_ms = ended_ms - ?1",
        "UPDATE requests SET at_ms = at_ms - ?1",
    ] {
        assert_eq!(database.execute(change, [ms]).unwrap(), MANY);
    }
}

#[test]
fn nothing_is_left_of_what_has_expired() {
    let data = tempfile::tempdir().unwrap();
    let (upstream, failing) = (Upstream::start(), Upstream::start());
    let recorder = Recorder::start(data.path(), &[]);
    record(&recorder, &upstream, None);
    record(&recorder, &failing, Some("request"));
    delete(&recorder, &failing);
    recorder.kill();
    assert_eq!(found(data.path(), &STORED), STORED);
    age(data.path(), 1000 * 60 * 60 * 7);
    let _recorder = Recorder::start(data.path(), &[]);
    wait_until_found(data.path(), &[&STORED[..], &NEVER[..]].concat(), &[]);
}

#[test]
fn nothing_is_left_of_what_0_2_had_deleted() {
    let left = Left::new();
    for number in 0..MANY {
        left.recording(&format!("in-the-query-{number}"), ("complete", None), 0, None);
    }
    left.database.execute("DELETE FROM recordings", []).unwrap();
    assert_eq!(found(left.data.path(), &["in-the-query"]), ["in-the-query"]);
    let _recorder = Recorder::start(left.data.path(), &[]);
    wait_until_found(left.data.path(), &["in-the-query"], &[]);
}

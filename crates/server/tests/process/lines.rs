//! What the log answers: the line at the end of each request and of each recording, and those of what was refused,
//! stopped, deleted and removed. docs/logs.md lists their fields.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{PATIENCE, Recorder, Upstream, answer, command, header};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const JSON: [&str; 4] = ["--log-format", "json", "--scope-by", "cookie:sid"];

struct Logged {
    recorder: Recorder,
    upstream: Upstream,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Logged {
    fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = command(&folder.path().join("data"), &[&JSON, flags].concat());
        command.env("RUST_LOG", "info").stderr(Stdio::from(File::create(&log).unwrap()));
        let recorder = Recorder::spawn(&mut command);
        Self { recorder, upstream: Upstream::start(), log, _folder: folder }
    }

    fn ask(&self, mode: &str, sid: &str) -> crate::support::Reply {
        let cookie = format!("sid={sid}");
        let headers = [
            ("durablefetch-url", self.upstream.url.as_str()),
            ("durablefetch-mode", mode),
            ("cookie", &cookie),
            ("traceparent", TRACE),
        ];
        self.recorder.send("POST /", &headers, "")
    }

    fn call(&self, call: &str, sid: &str) -> String {
        let body = format!("{{\"url\":\"{}\"}}", self.upstream.url);
        self.recorder.send(&format!("POST /{call}"), &[("cookie", &format!("sid={sid}"))], &body).all().1
    }

    /// The first `count` lines that are meant, once they are written.
    fn lines(&self, count: usize, is_meant: impl Fn(&Value) -> bool) -> Vec<Value> {
        wait_for(&self.log, count, is_meant)
    }

    fn with_message(&self, count: usize, message: &str) -> Vec<Value> {
        self.lines(count, |line| line["message"].as_str().is_some_and(|said| said.starts_with(message)))
    }
}

fn read(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn wait_for(log: &Path, count: usize, is_meant: impl Fn(&Value) -> bool) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found: Vec<_> = read(log).into_iter().filter(|line| is_meant(line)).collect();
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        assert!(Instant::now() < until, "{count} are not there: {}", fs::read_to_string(log).unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_line_at_the_end_of_a_request_and_one_of_a_recording_say_what_became_of_it() {
    let at = Logged::start(&[]);
    let mut reply = at.ask("restart", "alice");
    let mut stream = at.upstream.asked();
    answer(&mut stream);
    let recording = header(&reply.head(), "durablefetch-recording").to_uppercase();
    stream.write_all(b"5\r\nhello\r\n0\r\n\r\n").unwrap();
    assert_eq!(reply.rest().0, "hello");
    // Once more, from what is stored.
    assert_eq!(at.ask("replay", "alice").all().1, "hello");

    let answered = at.with_message(2, "answered");
    let ended = at.with_message(1, "ended").remove(0);
    let started = at.with_message(1, "started").remove(0);
    for (line, state) in answered.iter().zip(["streaming", "complete"]) {
        assert_eq!(line["recording"].as_str().unwrap(), recording);
        assert_eq!((line["status"].as_u64(), line["bytes"].as_u64()), (Some(200), Some(5)), "{line}");
        assert_eq!((line["end"].as_str(), line["state"].as_str()), (Some("whole"), Some(state)), "{line}");
        assert_eq!((line["method"].as_str(), line["traceparent"].as_str()), (Some("POST"), Some(TRACE)));
        assert!(line["head_ms"].as_u64() <= line["ms"].as_u64(), "{line}");
    }
    assert_ne!(answered[0]["request"], answered[1]["request"]);
    assert_eq!(ended["recording"].as_str().unwrap(), recording);
    for name in ["request", "scope", "traceparent", "method", "url"] {
        assert!(ended[name].is_string(), "no {name}: {ended}");
        assert_eq!(ended[name], answered[0][name], "{name}");
        assert_eq!(ended[name], started[name], "{name}");
    }
    assert_eq!(ended["scope"], answered[1]["scope"]);
    assert_eq!((ended["end"].as_str(), ended["upstream_status"].as_u64()), (Some("complete"), Some(200)));
    assert_eq!((ended["bytes"].as_u64(), ended["readers"].as_u64()), (Some(5), Some(1)), "{ended}");
    assert!(ended["first_byte_ms"].as_u64().unwrap() <= ended["ms"].as_u64().unwrap(), "{ended}");
    assert_eq!(ended["level"], "INFO");
}

#[test]
fn an_answer_that_fails_is_a_warning_with_its_cause() {
    let at = Logged::start(&["--header-timeout", "300ms", "--idle-timeout", "300ms"]);
    // The upstream's own error, one that breaks off in the middle, one that falls silent, one without an answer, nobody.
    let passed = at.ask("restart", "alice");
    at.upstream.asked().write_all(b"HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\noh!").unwrap();
    assert!(passed.all().0.contains(" 500 "));
    for is_cut in [true, false] {
        let mut cut = at.ask("restart", "alice");
        let mut stream = at.upstream.asked();
        answer(&mut stream);
        stream.write_all(b"5\r\nhello\r\n").unwrap();
        cut.head();
        if is_cut {
            drop(stream);
        }
        assert_eq!(cut.rest(), ("hello".to_owned(), false));
    }
    let silent = at.ask("restart", "alice");
    let stream = at.upstream.asked();
    assert!(silent.all().0.contains(" 504 "));
    drop(stream);
    let nobody = [("durablefetch-url", "http://127.0.0.1:1/x"), ("cookie", "sid=alice")];
    assert!(at.recorder.send("GET /", &nobody, "").all().0.contains(" 502 "));

    let told: Vec<_> = at
        .with_message(5, "ended")
        .iter()
        .map(|line| {
            assert_eq!(line["level"], "WARN", "{line}");
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            (text("end"), text("cause"), line["upstream_status"].as_u64(), line["bytes"].as_u64().unwrap())
        })
        .collect();
    let row = |end: &str, cause: &str, status, bytes| (end.to_owned(), cause.to_owned(), status, bytes);
    assert_eq!(
        told,
        [
            row("passed-through", "-", Some(500), 3),
            row("failed", "upstream-failed", Some(200), 5),
            row("failed", "upstream-idle", Some(200), 5),
            row("failed", "upstream-timeout", None, 0),
            row("failed", "upstream-unreachable", None, 0),
        ]
    );
    let ends: Vec<_> = at.with_message(5, "answered").iter().map(|line| line["end"].clone()).collect();
    assert_eq!(ends, ["whole", "broken", "broken", "whole", "whole"]);
}

#[test]
fn who_leaves_is_said_to_have_left() {
    let at = Logged::start(&[]);
    let mut early = at.ask("restart", "alice");
    let mut stream = at.upstream.asked();
    drop(early);
    at.with_message(1, "left before it was answered");
    answer(&mut stream);
    early = at.ask("join", "alice");
    early.head();
    stream.write_all(b"5\r\nhello\r\n").unwrap();
    early.take(5);
    drop(early);
    let line = at.with_message(1, "answered").remove(0);
    assert_eq!((line["end"].as_str(), line["bytes"].as_u64()), (Some("left"), Some(5)), "{line}");
    // The recording goes on.
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(at.with_message(1, "ended")[0]["end"], "complete");
}

#[test]
fn stop_delete_and_what_is_removed_are_lines() {
    let at = Logged::start(&["--ttl", "400ms"]);
    let mut reply = at.ask("restart", "alice");
    let mut stream = at.upstream.asked();
    answer(&mut stream);
    let recording = header(&reply.head(), "durablefetch-recording").to_uppercase();
    at.call("stop", "alice");
    let stop = at.with_message(1, "asked to stop").remove(0);
    assert!(stop["span"]["request"].is_string() && stop["scope"].is_string(), "{stop}");
    assert_eq!(at.with_message(1, "ended")[0]["end"], "stopped");
    at.call("delete", "alice");
    let delete = at.with_message(1, "asked to delete").remove(0);
    assert_eq!((&delete["scope"], &delete["url"]), (&stop["scope"], &stop["url"]));
    let removed = at.with_message(1, "removed: it was deleted").remove(0);
    assert_eq!(
        (removed["recording"].as_str(), &removed["scope"]),
        (Some(recording.as_str()), &stop["scope"])
    );
    // Somebody else's, which nobody uses.
    let other = at.ask("restart", "bob");
    at.upstream.asked().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
    other.all();
    let expired = at.with_message(1, "removed: nobody used it").remove(0);
    assert!(expired["scope"].is_string() && expired["scope"] != stop["scope"], "{expired}");
}

#[test]
fn a_refusal_names_the_flag_once_and_counts_the_rest() {
    let at = Logged::start(&[]);
    for _ in 0..5 {
        let headers = [("durablefetch-url", at.upstream.url.as_str()), ("origin", "https://app.example")];
        assert!(at.recorder.send("GET /", &headers, "").all().0.contains(" 403 "));
    }
    assert!(at.ask("nonsense", "alice").all().0.contains(" 400 "));
    at.with_message(6, "answered");
    let refused = at.with_message(1, "refused").remove(0);
    assert_eq!(refused["error"], "forbidden-origin");
    assert!(refused["message"].as_str().unwrap().contains("--origin https://app.example"), "{refused}");
}

/// The fields are a promise: none is there that docs/logs.md does not name.
#[test]
fn every_field_is_documented() {
    let at = Logged::start(&["--ttl", "300ms"]);
    let reply = at.ask("restart", "alice");
    at.upstream.asked().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
    reply.all();
    at.call("stop", "alice");
    at.ask("nonsense", "alice").all();
    at.recorder.send("GET /", &[("origin", "https://app.example")], "").all();
    at.with_message(1, "removed");
    let fields: BTreeSet<String> = read(&at.log)
        .iter()
        .filter(|line| line["target"].as_str().unwrap().starts_with("durablefetch::"))
        .flat_map(|line| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    assert!(fields.len() > 15, "{fields:?}");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/logs.md")).unwrap();
    for field in fields {
        assert!(page.contains(&format!("| `{field}`")), "docs/logs.md has no row for {field}");
    }
}

#[test]
fn the_journal_is_told_the_priority_of_each_line() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for is_journal in [true, false] {
        let file = File::create(&path).unwrap();
        let metadata = file.metadata().unwrap();
        let inode = if is_journal { metadata.ino() } else { metadata.ino() + 1 };
        let mut command = command(&folder.path().join("data"), &[]);
        command.env("RUST_LOG", "debug").env("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev()));
        let recorder = Recorder::spawn(command.stderr(Stdio::from(file)));
        let nobody = [("durablefetch-url", "http://127.0.0.1:1/x")];
        assert!(recorder.send("GET /", &nobody, "").all().0.contains(" 502 "));
        recorder.terminate();
        recorder.ended();
        let log = fs::read_to_string(&path).unwrap();
        let line = |text: &str| log.lines().find(|line| line.contains(text)).unwrap().to_owned();
        let [failed, started] = ["ended", "started"].map(line);
        assert_eq!(
            (failed.starts_with("<4> WARN"), started.starts_with("<6> INFO")),
            (is_journal, is_journal),
            "{log}"
        );
        assert!(log.lines().all(|line| line.starts_with('<') == is_journal), "{log}");
    }
}

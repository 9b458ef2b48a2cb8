//! `durablefetch ls`, `show`, `du`, `rm` and `backup`, which ask a recorder that runs.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::slice;

use std::time::Instant;

use serde_json::Value;

use crate::support::{PATIENCE, Recorder, Reply, Upstream, answer, header, send};

const BY_COOKIE: [&str; 2] = ["--scope-by", "cookie:sid"];

fn command(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_durablefetch"));
    command.args(words).arg("--data").arg(data);
    command
}

fn operate(data: &Path, words: &[&str]) -> Output {
    command(data, words).output().unwrap()
}

pub(crate) fn text(data: &Path, words: &[&str]) -> String {
    let output = operate(data, words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json(data: &Path, words: &[&str]) -> Value {
    serde_json::from_str(&text(data, &[words, &["--json"]].concat())).unwrap()
}

pub(crate) fn refused(data: &Path, words: &[&str]) -> String {
    let output = operate(data, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The ids that `ls` lists with these words.
fn listed(data: &Path, words: &[&str]) -> Vec<String> {
    let value = json(data, &[&["ls"], words].concat());
    let recordings = value["recordings"].as_array().unwrap();
    recordings.iter().map(|recording| recording["recording"].as_str().unwrap().to_owned()).collect()
}

/// Starts a recording of somebody's: its id, its reader, and the upstream's side, which has sent the head.
fn begin(recorder: &Recorder, upstream: &Upstream, sid: &str, query: &str) -> (String, Reply, TcpStream) {
    let url = format!("{}{query}", upstream.url);
    let cookie = format!("sid={sid}");
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &url), ("cookie", &cookie)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    let id = header(&reply.head(), "durablefetch-recording").to_uppercase();
    (id, reply, stream)
}

/// A recording that is complete.
fn whole(recorder: &Recorder, upstream: &Upstream, sid: &str, body: &str) -> String {
    let (id, mut reply, mut stream) = begin(recorder, upstream, sid, &format!("?of={sid}&{body}"));
    send(&mut stream, body);
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(reply.rest(), (body.to_owned(), true));
    id
}

#[test]
fn what_is_stored_is_listed_with_live_numbers() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &BY_COOKIE);
    let upstream = Upstream::start();
    assert_eq!(text(data.path(), &["ls"]), "no recordings\n");

    let done = whole(&recorder, &upstream, "alice", "an answer");
    let (live, mut reply, mut stream) = begin(&recorder, &upstream, "bob", "?secret");
    send(&mut stream, "hello");
    reply.take(5);

    assert_eq!(listed(data.path(), &[]), [live.clone(), done.clone()]);
    assert_eq!(listed(data.path(), &["--state", "live"]), slice::from_ref(&live));
    assert_eq!(listed(data.path(), &["--state", "complete"]), slice::from_ref(&done));
    assert_eq!(listed(data.path(), &["--url", "of=alice"]), slice::from_ref(&done));
    assert_eq!(listed(data.path(), &["--limit", "1"]), slice::from_ref(&live));
    let of_bob = json(data.path(), &["ls", "--state", "live"])["recordings"][0].clone();
    for (name, value) in [("bytes", 5), ("readers", 1), ("upstream_status", 200)] {
        assert_eq!(of_bob[name].as_u64(), Some(value), "{name}: {of_bob}");
    }
    let scope = of_bob["scope"].as_str().unwrap();
    assert_eq!(listed(data.path(), &["--scope", scope]), slice::from_ref(&live));
    // No query in a list, which others may see over a shoulder.
    let list = text(data.path(), &["ls"]);
    assert!(list.contains("/stream?…") && !list.contains("secret") && list.contains("streaming"), "{list}");

    let shown = text(data.path(), &["show", &live]);
    for part in ["?secret", scope, "streaming", "5 B (5 bytes)", "GET", "readers so far"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let used = json(data.path(), &["du"]);
    assert_eq!((used["recordings"].as_u64(), used["live"].as_u64()), (Some(2), Some(1)), "{used}");
    assert_eq!(used["scopes"].as_array().unwrap().len(), 2);
    assert!(text(data.path(), &["du"]).contains("2 recordings, 1 of them live"));

    for (words, said) in [
        (["show", "nonsense"], "is not the id of a recording"),
        (["show", "01HZZZZZZZZZZZZZZZZZZZZZZZ"], "is not stored"),
        (["ls", "--scope=nobody"], "nothing is stored of a scope \"nobody\""),
    ] {
        let error = refused(data.path(), &words);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_list_is_looked_at_again_and_again() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &BY_COOKIE);
    let upstream = Upstream::start();
    let mut watching = command(data.path(), &["ls", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "no recordings");
    let id = whole(&recorder, &upstream, "alice", "an answer");
    assert!(lines.any(|line| line.unwrap().starts_with(&id)), "{id} is not shown");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn only_the_owner_can_ask_and_only_where_a_recorder_runs() {
    let data = tempfile::tempdir().unwrap();
    // Longer than the address of a socket may be.
    let deep = data.path().join("a-directory-with-a-long-name".repeat(5));
    let error = refused(&deep, &["ls"]);
    assert!(error.contains("no recorder serves") && error.contains("durablefetch serve --data"), "{error}");
    let recorder = Recorder::start(&deep, &[]);
    let socket = fs::metadata(deep.join("operator.sock")).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(text(&deep, &["ls"]), "no recordings\n");
    // What a killed one has left is in nobody's way.
    recorder.kill();
    assert!(refused(&deep, &["ls"]).contains("no recorder serves"));
    let _recorder = Recorder::start(&deep, &[]);
    assert_eq!(text(&deep, &["ls"]), "no recordings\n");
}

#[test]
fn a_recording_is_removed_and_so_is_all_of_a_person() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &BY_COOKIE);
    let upstream = Upstream::start();
    let one = whole(&recorder, &upstream, "alice", "one");
    let two = whole(&recorder, &upstream, "alice", "two");
    let of_bob = whole(&recorder, &upstream, "bob", "three");
    let (live, mut reply, mut stream) = begin(&recorder, &upstream, "alice", "?live");
    send(&mut stream, "hello");
    reply.take(5);

    assert_eq!(text(data.path(), &["rm", &one]), "1 recording is removed\n");
    assert_eq!(listed(data.path(), &[]), [live, of_bob.clone(), two.clone()]);
    let scope = json(data.path(), &["show", &two])["scope"].as_str().unwrap().to_owned();
    assert_eq!(text(data.path(), &["rm", "--scope", &scope]), "2 recordings are removed\n");
    assert_eq!(listed(data.path(), &[]), slice::from_ref(&of_bob));
    // A cut never looks like an end.
    assert_eq!(reply.rest(), (String::new(), false));
    assert!(refused(data.path(), &["rm", "--scope", &scope]).contains("nothing is stored of a scope"));
    assert!(refused(data.path(), &["rm", &one]).contains("is not stored"));
    assert_eq!(json(data.path(), &["show", &of_bob])["bytes"].as_u64(), Some(5));
    // Neither of both, and both.
    for words in [vec!["rm"], vec!["rm", &one, "--scope", &scope]] {
        assert_eq!(operate(data.path(), &words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_backup_is_what_there_was_at_one_moment_and_can_be_served() {
    const MANY: usize = 60;
    let data = tempfile::tempdir().unwrap();
    let copy = data.path().join("copy");
    let at = data.path().join("data");
    let recorder = Recorder::start(&at, &BY_COOKIE);
    let upstream = Upstream::start();
    let kept: Vec<String> =
        (0..MANY).map(|n| whole(&recorder, &upstream, "alice", &format!("kept {n}"))).collect();
    let leaving: Vec<String> =
        (0..MANY).map(|n| whole(&recorder, &upstream, "bob", &format!("leaving {n}"))).collect();
    let (live, mut reply, mut stream) = begin(&recorder, &upstream, "carol", "?live");
    send(&mut stream, "hello");
    reply.take(5);

    // While it is copied, others are deleted and new ones come.
    let copying = command(&at, &["backup", copy.to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
    for id in &leaving {
        text(&at, &["rm", id]);
    }
    let said = copying.wait_with_output().unwrap();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("durablefetch serve --data"), "{said}");
    // The files of what was deleted are gone by now.
    let files = |root: &Path| -> usize {
        let shards = fs::read_dir(root.join("bodies")).unwrap();
        shards.map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
    };
    let until = Instant::now() + PATIENCE;
    while files(&at) != MANY + 1 {
        assert!(Instant::now() < until, "{} files are there", files(&at));
    }
    // It goes on as if nothing had been.
    send(&mut stream, " world");
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(reply.rest(), (" world".to_owned(), true));
    recorder.terminate();
    recorder.ended();

    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o700);
    let restored = Recorder::start(&copy, &BY_COOKIE);
    let states = json(&copy, &["ls", "--limit", "1000"]);
    let mut interrupted = Vec::new();
    for recording in states["recordings"].as_array().unwrap() {
        let id = recording["recording"].as_str().unwrap().to_owned();
        if recording["state"] == "interrupted" {
            interrupted.push(id);
        } else {
            assert_eq!(recording["state"], "complete", "{recording}");
        }
    }
    assert_eq!(interrupted, slice::from_ref(&live));
    let read = |id: &str, sid: &str| {
        let cookie = format!("sid={sid}");
        let url = json(&copy, &["show", id])["url"].as_str().unwrap().to_owned();
        let headers = [
            ("durablefetch-url", url.as_str()),
            ("durablefetch-recording", id),
            ("durablefetch-offset", "0"),
            ("cookie", &cookie),
        ];
        restored.send("GET /", &headers, "")
    };
    for (n, id) in kept.iter().enumerate() {
        assert_eq!(read(id, "alice").all().1, format!("kept {n}"));
    }
    for (n, id) in leaving.iter().enumerate() {
        // It was deleted before that moment, or all of it is there.
        if listed(&copy, &["--limit", "1000"]).contains(id) {
            assert_eq!(read(id, "bob").all().1, format!("leaving {n}"));
        }
    }
    let of_carol = String::from_utf8(read(&live, "carol").all_or_cut()).unwrap();
    assert!(of_carol.contains("durablefetch-state: interrupted") && of_carol.contains("hello"), "{of_carol}");
    assert!(!of_carol.contains("world") && !of_carol.ends_with("0\r\n\r\n"), "{of_carol}");

    let error = refused(&copy, &["backup", copy.to_str().unwrap()]);
    assert!(error.contains("is not empty"), "{error}");
}

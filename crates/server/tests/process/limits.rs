//! Limits that only a process shows: connections, readers, open files.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::support::{Kept, PATIENCE, Recorder, Upstream, answer, command, header, send};

fn refused(head: &str, code: &str) {
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(header(head, "durablefetch-error"), code);
}

/// Asks until the answer is no 503: what was taken is given back a moment after its connection has closed.
fn until_admitted(ask: impl Fn() -> String) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let head = ask();
        if !head.starts_with("http/1.1 503") {
            return head;
        }
        assert!(Instant::now() < until, "{head}");
    }
}

#[test]
fn one_reader_too_many() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-readers", "2"]);
    let upstream = Upstream::start();
    let ask = || recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut first = ask();
    let mut stream = upstream.asked();
    answer(&mut stream);
    send(&mut stream, "for two");
    first.head();
    let mut second = ask();
    second.head();
    assert_eq!((first.take(7), second.take(7)), ("for two".into(), "for two".into()));
    refused(&ask().head(), "too-many-readers");
    drop(first);
    assert!(until_admitted(|| ask().head()).starts_with("http/1.1 200"));
    // Who was there all the time has noticed nothing.
    send(&mut stream, " more");
    assert_eq!(second.take(5), " more");
}

#[test]
fn one_connection_too_many() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-connections", "3"]);
    let upstream = Upstream::start();
    let mut kept: Vec<Kept> = (0..3).map(|_| Kept::open(&recorder)).collect();
    for kept in &mut kept {
        assert!(kept.get("/healthz").starts_with("http/1.1 200"));
    }
    let page = [("durablefetch-url", upstream.url.as_str()), ("origin", "http://localhost:3000")];
    let head = recorder.send("POST /", &page, &"x".repeat(100_000)).head();
    refused(&head, "too-many-connections");
    assert_eq!(header(&head, "connection"), "close");
    assert_eq!(header(&head, "access-control-allow-origin"), "http://localhost:3000", "pages can read why");
    refused(&recorder.send("POST /in-progress", &[], "{}").head(), "too-many-connections");
    upstream.assert_not_asked();
    // Who looks after it can still look.
    assert!(recorder.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
    // The three, and the one that asks; those that were refused are gone a moment later.
    let until = Instant::now() + PATIENCE;
    loop {
        let metrics = recorder.send("GET /metrics", &[], "").all().1;
        if metrics.contains("\ndurablefetch_connections 4\n") {
            break;
        }
        assert!(Instant::now() < until, "{metrics}");
    }
    kept.pop();
    let head = until_admitted(|| recorder.send("GET /", &[], "").head());
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

/// `durablefetch serve` that may have this many files open, with what it logs.
pub(crate) fn with_open_files(
    data: &std::path::Path,
    files: u32,
    flags: &[&str],
) -> (Recorder, std::path::PathBuf) {
    let inner = command(data, flags);
    let mut outer = Command::new("sh");
    outer.arg("-c").arg(format!("ulimit -n {files} && exec \"$0\" \"$@\""));
    outer.arg(inner.get_program()).args(inner.get_args());
    let log = data.join("log");
    outer.env("RUST_LOG", "warn").stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    (Recorder::spawn(&mut outer), log)
}

#[test]
fn open_files_are_enough_for_what_is_admitted() {
    let data = tempfile::tempdir().unwrap();
    // 256 of them are reserved: 60 are 20 recordings in flight, and 20 connections.
    let (recorder, log) = with_open_files(data.path(), 316, &[]);
    let said = std::fs::read_to_string(log).unwrap();
    assert!(said.contains("recordings=20 connections=20") && said.contains("LimitNOFILE"), "{said}");

    let mut flood: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut stream = TcpStream::connect(recorder.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let _ = stream.write_all(b"GET /demo/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
            stream
        })
        .collect();
    // Each is answered, refused politely or closed: none is left hanging.
    let (mut served, mut told) = (0, 0);
    for stream in &mut flood {
        let mut start = [0; 12];
        match stream.read_exact(&mut start) {
            Ok(()) if &start == b"HTTP/1.1 200" => served += 1,
            Ok(()) if &start == b"HTTP/1.1 503" => told += 1,
            Ok(()) => panic!("{}", String::from_utf8_lossy(&start)),
            Err(_) => {}
        }
    }
    assert!((1..=20).contains(&served) && told > 0, "{served} were served, {told} were told");
    drop(flood);
    let head = until_admitted(|| {
        let mut stream = TcpStream::connect(recorder.address).unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut head = String::new();
        let _ = stream.read_to_string(&mut head);
        if head.is_empty() { "http/1.1 503".to_owned() } else { head.to_ascii_lowercase() }
    });
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[test]
fn one_recording_too_many_of_a_scope() {
    let data = tempfile::tempdir().unwrap();
    let flags = ["--scope-by", "authorization", "--max-scope-recordings", "1"];
    let recorder = Recorder::start(data.path(), &flags);
    let (one, other) = (Upstream::start(), Upstream::start());
    let ask = |upstream: &Upstream, who: &str| {
        recorder.send("GET /", &[("durablefetch-url", &upstream.url), ("authorization", who)], "")
    };
    let mut mine = ask(&one, "Bearer mine");
    let mut stream = one.asked();
    answer(&mut stream);
    mine.head();
    refused(&ask(&other, "Bearer mine").head(), "too-many-recordings");
    other.assert_not_asked();
    // Others have room of their own, and who is refused may still read what there is.
    let mut theirs = ask(&other, "Bearer theirs");
    answer(&mut other.asked());
    assert!(theirs.head().starts_with("http/1.1 200"));
    assert!(ask(&one, "Bearer mine").head().starts_with("http/1.1 200"));
    one.assert_not_asked();
    send(&mut stream, "");
    assert!(mine.rest().1);
    let next =
        until_admitted(|| recorder.send("GET /demo/next", &[("authorization", "Bearer mine")], "").head());
    assert!(next.starts_with("http/1.1 200"), "{next}");
}

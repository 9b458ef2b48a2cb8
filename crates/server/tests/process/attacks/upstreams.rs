//! Upstreams that mean ill: bombs, endless heads, and what they say in the recorder's name.

use std::io::Write;
use std::net::TcpStream;

use super::memory::resident;
use crate::support::{PATIENCE, Recorder, Upstream, header};

/// What the recorder may hold of any of them, its ring of newest bytes included.
const HELD: u64 = 100 << 20;

/// A gzip of so many zeros, made as it is sent.
fn bomb(stream: TcpStream, bytes: u64) -> std::io::Result<()> {
    let mut coded = flate2::write::GzEncoder::new(stream, flate2::Compression::best());
    let piece = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        coded.write_all(&piece)?;
    }
    coded.finish().map(drop)
}

fn failed(recorder: &Recorder, url: &str) -> String {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let status = recorder.status(url);
        if !status.contains("\"inProgress\":true") {
            return status;
        }
        assert!(std::time::Instant::now() < until, "{status}");
    }
}

#[test]
fn a_megabyte_that_is_a_gigabyte_is_neither_kept_in_memory_nor_stored_beyond_the_limit() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-recording-bytes", "64MiB"]);
    let before = resident(&recorder);
    let upstream = Upstream::start();
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n").unwrap();
    let sending = std::thread::spawn(move || bomb(stream, 1 << 30));
    // Its reader reads nothing at first, and then everything.
    let head = reply.head();
    assert!(head.starts_with("http/1.1 200") && !head.contains("content-encoding"), "{head}");
    let status = failed(&recorder, &upstream.url);
    assert!(status.contains("\"state\":\"failed\""), "{status}");
    let stored = status.split("\"bytesStored\":").nth(1).unwrap().split(',').next().unwrap();
    // A piece that goes beyond the limit is not taken in part.
    assert!((63 << 20..=64 << 20).contains(&stored.parse().unwrap()), "{status}");
    let held = resident(&recorder).saturating_sub(before);
    assert!(held < HELD, "{held} bytes are held");
    let (body, ended) = reply.rest();
    assert!(!ended && body.len() <= 64 << 20 && body.bytes().all(|byte| byte == 0), "{}", body.len());
    assert!(sending.join().unwrap().is_err(), "the upstream is let go before its end");
}

#[test]
fn a_million_headers_are_a_502_and_cost_nothing() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let before = resident(&recorder);
    for (what, line) in
        [("with names of their own", "x-N: y\r\n"), ("of one name", "x: N\r\n"), ("of nothing", "\n")]
    {
        let upstream = Upstream::start();
        let reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        let sending = std::thread::spawn(move || {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for number in (0..1_000_000).step_by(1000) {
                let lines: String =
                    (number..number + 1000).map(|n| line.replace('N', &n.to_string())).collect();
                stream.write_all(lines.as_bytes())?;
            }
            stream.write_all(b"content-length: 0\r\n\r\n")
        });
        let head = reply.all().0;
        // Where an empty line is the end of the head, what follows is a body without an end.
        if line != "\n" {
            assert!(head.starts_with("http/1.1 502"), "{what}: {head:.200}");
            assert_eq!(header(&head, "durablefetch-error"), "upstream-failed", "{what}");
            assert!(sending.join().unwrap().is_err(), "{what}: the upstream is let go before its end");
        }
        let held = resident(&recorder).saturating_sub(before);
        assert!(held < HELD, "{what}: {held} bytes are held");
    }
}

#[test]
fn what_an_upstream_says_in_the_recorders_name_reaches_nobody() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let forged = [
        ("durablefetch-state", "complete"),
        ("durablefetch-recording", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("durablefetch-offset", "7"),
        ("durablefetch-length", "7"),
        ("durablefetch-error", "gone"),
        ("durablefetch-status-text", "Forged"),
        ("durablefetch-challenge", "Basic"),
        ("durablefetch-protocol", "99"),
        ("durablefetch-to-come", "x"),
        ("DurableFetch-State", "stopped"),
    ];
    let lines: String = forged.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    for status in ["200 OK", "204 No Content", "404 Not Found", "503 Service Unavailable"] {
        let upstream = Upstream::start();
        let reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        // As trailers, too.
        let body = if status.starts_with("204") {
            "\r\n".to_owned()
        } else {
            format!(
                "transfer-encoding: chunked\r\ntrailer: durablefetch-state\r\n\r\n2\r\nok\r\n0\r\n{lines}\r\n"
            )
        };
        write!(stream, "HTTP/1.1 {status}\r\n{lines}{body}").unwrap();
        let (head, _) = reply.all();
        assert!(head.starts_with(&format!("http/1.1 {}", status.to_ascii_lowercase())), "{head}");
        for (name, value) in forged {
            let name = name.to_ascii_lowercase();
            let told: Vec<_> =
                head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
            assert!(
                told.len() < 2 && !told.contains(&value.to_ascii_lowercase().as_str()),
                "{status} {name}: {head}"
            );
        }
        assert!(!head.contains("to-come"), "{head}");
    }
}

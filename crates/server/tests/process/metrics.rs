//! What `/metrics` tells of a recorder at work.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use durablefetch_conformance::upstream::Nobody;

use crate::support::{PATIENCE, Recorder, Upstream, answer, header, send};

const MIB: usize = 1 << 20;

/// The value of one line; 0 where there is none yet.
fn value(recorder: &Recorder, name: &str) -> u64 {
    let (head, body) = recorder.send("GET /metrics", &[], "").all();
    assert_eq!(header(&head, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap_or_else(|_| panic!("{name} is {value}")))
}

/// Waits until a line has this value: what follows the last byte is counted after it was sent.
fn until(recorder: &Recorder, name: &str, expected: u64) {
    let patience = Instant::now() + PATIENCE;
    while value(recorder, name) != expected {
        assert!(Instant::now() < patience, "{name} is {}, not {expected}", value(recorder, name));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn follow_a_recording_from_start_to_end() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    let ask = || recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");

    let mut first = ask();
    let mut stream = upstream.asked();
    assert_eq!(value(&recorder, "durablefetch_recordings{state=\"connecting\"}"), 1);
    answer(&mut stream);
    send(&mut stream, &"x".repeat(MIB));
    first.head();
    first.take(MIB);
    assert_eq!(value(&recorder, "durablefetch_recordings{state=\"connecting\"}"), 0);
    assert_eq!(value(&recorder, "durablefetch_recordings{state=\"streaming\"}"), 1);
    assert_eq!(value(&recorder, "durablefetch_recordings_started_total"), 1);
    assert_eq!(value(&recorder, "durablefetch_readers"), 1);
    assert_eq!(value(&recorder, "durablefetch_upstream_bytes_total"), MIB as u64);
    assert_eq!(value(&recorder, "durablefetch_reader_bytes_total"), MIB as u64);
    assert_eq!(value(&recorder, "durablefetch_stored_bytes{of=\"bodies\"}"), MIB as u64);

    // Memory holds the newest bytes only: who comes late is served from storage.
    let before = value(&recorder, "durablefetch_ring_misses_total");
    let mut second = ask();
    second.head();
    second.take(MIB);
    assert!(value(&recorder, "durablefetch_ring_misses_total") > before);
    assert_eq!(value(&recorder, "durablefetch_readers"), 2);

    stream.write_all(b"0\r\n\r\n").unwrap();
    assert!(first.rest().1 && second.rest().1);
    until(&recorder, "durablefetch_readers", 0);
    until(&recorder, "durablefetch_recordings_ended_total{state=\"complete\"}", 1);
    assert_eq!(value(&recorder, "durablefetch_recordings{state=\"streaming\"}"), 0);
    assert_eq!(value(&recorder, "durablefetch_reader_bytes_total"), 2 * MIB as u64);
    assert_eq!(value(&recorder, "durablefetch_upstream_bytes_total"), MIB as u64);
}

#[test]
fn count_errors_of_upstreams_and_responses_by_status() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let nobody = Nobody::bind().unwrap();
    for method in ["GET", "HEAD"] {
        let head = recorder.send(&format!("{method} /"), &[("durablefetch-url", &nobody.url())], "").head();
        assert!(head.starts_with("http/1.1 502"), "{head}");
    }
    until(&recorder, "durablefetch_upstream_errors_total{code=\"upstream-unreachable\"}", 2);
    assert_eq!(value(&recorder, "durablefetch_http_responses_total{status=\"502\"}"), 2);
    assert_eq!(value(&recorder, "durablefetch_http_responses_total{status=\"404\"}"), 0);
    recorder.send("GET /nothing", &[], "").head();
    assert_eq!(value(&recorder, "durablefetch_http_responses_total{status=\"404\"}"), 1);
    let count = value(&recorder, "durablefetch_http_response_seconds_count");
    assert!(count >= 6, "{count}");
    assert!(value(&recorder, "durablefetch_http_response_seconds_bucket{le=\"+Inf\"}") > count);
}

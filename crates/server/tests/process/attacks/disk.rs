//! A disk that others fill.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::{PATIENCE, Recorder, Reply, Upstream, answer, header, send};

const MIB: u64 = 1 << 20;

/// Bytes of all files below a directory.
fn taken(folder: &Path) -> u64 {
    let size = |entry: fs::DirEntry| {
        let path = entry.path();
        // What goes meanwhile has none.
        if path.is_dir() { taken(&path) } else { entry.metadata().map_or(0, |file| file.len()) }
    };
    fs::read_dir(folder).map_or(0, |entries| entries.flatten().map(size).sum())
}

/// Records a body of so many bytes and reads it to its end.
fn record(recorder: &Recorder, bytes: usize) {
    let upstream = Upstream::start();
    let (_, mut reader, mut stream) = recorder.begin(&upstream);
    send(&mut stream, &"x".repeat(bytes));
    send(&mut stream, "");
    assert_eq!(reader.rest(), ("x".repeat(bytes), true));
}

fn status(mut reply: Reply) -> String {
    reply.head().split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn stops_of_unseen_ids_do_not_fill_the_disk() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-disk-bytes", "4MiB"]);
    let stop = |number: usize| {
        let url = format!("http://127.0.0.1:1/{}", "u".repeat(50_000));
        let body = format!("{{\"url\":\"{url}?{number}\",\"request\":\"id-{number}\"}}");
        status(recorder.send("POST /stop", &[], &body))
    };
    let answers: Vec<String> = (0..120).map(stop).collect();
    assert_eq!(answers[0], "200");
    assert_eq!(answers[119], "503", "as many as there may be");
    assert!(taken(data.path()) < 6 * MIB, "{}", taken(data.path()));
    record(&recorder, 1000);
}

#[test]
fn heads_and_kept_answers_do_not_fill_the_disk() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-disk-bytes", "4MiB"]);
    for number in 0..200 {
        let upstream = Upstream::start();
        let id = format!("id-{number}");
        let headers = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", &id)];
        let reply = recorder.send("GET /", &headers, "");
        let mut stream = upstream.asked();
        // An error is kept for its id, a head with its recording.
        let text = if number % 2 == 0 {
            format!("HTTP/1.1 500 Oh\r\ncontent-length: 60000\r\n\r\n{}", "e".repeat(60_000))
        } else {
            format!("HTTP/1.1 204 Nothing\r\nx-long: {}\r\n\r\n", "h".repeat(60_000))
        };
        std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
        assert!(!reply.all_or_cut().is_empty());
    }
    assert!(taken(data.path()) < 6 * MIB, "{}", taken(data.path()));
    record(&recorder, 1000);
}

#[test]
fn nobodys_live_recording_ends_for_somebody_elses() {
    let data = tempfile::tempdir().unwrap();
    let flags = ["--max-disk-bytes", "8MiB", "--scope-by", "authorization"];
    let recorder = Recorder::start(data.path(), &flags);
    let start = |who: &str| {
        let upstream = Upstream::start();
        let headers = [("durablefetch-url", upstream.url.as_str()), ("authorization", who)];
        let mut reader = recorder.send("GET /", &headers, "");
        let mut stream = upstream.asked();
        answer(&mut stream);
        reader.head();
        (upstream, reader, stream)
    };
    let (_honest, mut honest_reader, mut honest_stream) = start("Bearer honest");
    let piece = "h".repeat(300_000);
    send(&mut honest_stream, &piece);
    assert_eq!(honest_reader.take(piece.len()), piece);

    // A person may have an eighth. What is more ends his own.
    let mut greedy: Vec<_> = (0..10).map(|_| start("Bearer greedy")).collect();
    let much = "g".repeat(300_000);
    for (_, _, stream) in &mut greedy {
        send(stream, &much);
    }
    // Ten times 300 kB do not fit into a MiB, and three of them do.
    let failed = "durablefetch_recordings_ended_total{state=\"failed\"} ";
    let until = Instant::now() + PATIENCE;
    loop {
        let metrics = recorder.send("GET /metrics", &[("authorization", "Bearer op")], "").all().1;
        let count = metrics.lines().find_map(|line| line.strip_prefix(failed)).unwrap();
        if count == "7" {
            break;
        }
        assert!(Instant::now() < until, "{count}");
    }

    send(&mut honest_stream, &piece);
    send(&mut honest_stream, "");
    assert_eq!(honest_reader.rest(), (piece.clone(), true));
}

#[test]
fn one_person_does_not_take_all_seats() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--scope-by", "authorization"]);
    let upstream = Upstream::start();
    let ask = |who: &str, number: usize| {
        let url = format!("{}?{number}", upstream.url);
        let headers = [("durablefetch-url", url.as_str()), ("authorization", who)];
        recorder.send("GET /", &headers, "")
    };
    let mut held: Vec<_> = (0..100).map(|number| (ask("Bearer greedy", number), upstream.asked())).collect();
    let refused = ask("Bearer greedy", 100).head();
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert_eq!(header(&refused, "durablefetch-error"), "too-many-recordings");
    held.push((ask("Bearer other", 1), upstream.asked()));
    let (reader, stream) = held.last_mut().unwrap();
    answer(stream);
    assert!(reader.head().starts_with("http/1.1 200"));
}

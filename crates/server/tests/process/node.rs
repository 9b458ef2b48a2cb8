//! Which of several processes has answered: `--node`.

use std::fs::{self, File};
use std::process::Stdio;

use crate::metrics_listener::{free_port, get};
use crate::support::{Recorder, Upstream, answer, command, send};

/// The upstream's whole answer.
fn answers(upstream: &Upstream) {
    let mut stream = upstream.asked();
    answer(&mut stream);
    send(&mut stream, "");
}

#[test]
fn is_told_to_those_who_were_let_in_and_to_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let metrics = format!("127.0.0.1:{}", free_port());
    let flags = [
        "--node",
        "eu-1",
        "--log-format",
        "json",
        "--metrics-listen",
        &metrics,
        "--scope-by",
        "authorization",
    ];
    let mut command = command(&folder.path().join("data"), &flags);
    let recorder =
        Recorder::spawn(command.env("RUST_LOG", "info").stderr(Stdio::from(File::create(&log).unwrap())));
    let upstream = Upstream::start();
    let asks = |line: &str, who: &[(&str, &str)], body: &str| {
        let headers = [&[("durablefetch-url", upstream.url.as_str())], who].concat();
        recorder.send(line, &headers, body)
    };
    let alice = [("authorization", "Bearer alice")];
    let control = format!("{{\"url\": \"{}\"}}", upstream.url);
    let asked = asks("GET /", &alice, "");
    answers(&upstream);
    let fetched = asked.all().0;
    let status = recorder.send("POST /in-progress", &alice, &control).all().0;
    for head in [fetched, status] {
        assert!(head.starts_with("http/1.1 200") && head.contains("durablefetch-node: eu-1\r\n"), "{head}");
    }
    // Neither who says no name, nor another's page, nor who looks whether it is well.
    for head in [
        asks("GET /", &[], "").all().0,
        asks("GET /", &[("authorization", "Bearer alice"), ("origin", "https://evil.example")], "").all().0,
        recorder.send("GET /healthz", &alice, "").all().0,
        recorder.send("GET /", &[], "").all().0,
    ] {
        assert!(head.contains("durablefetch-state: none") && !head.contains("durablefetch-node"), "{head}");
    }
    let port = metrics.rsplit_once(':').unwrap().1.parse().unwrap();
    let told = get(port, "/metrics", &metrics);
    assert!(
        told.lines()
            .any(|line| line.starts_with("durablefetch_build_info") && line.contains("node=\"eu-1\"")),
        "{told}"
    );
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    let lines = fs::read_to_string(&log).unwrap();
    for message in ["started", "ended", "answered"] {
        let line = lines.lines().find(|line| line.contains(&format!("\"message\":\"{message}\""))).unwrap();
        assert!(line.contains("\"node\":\"eu-1\""), "{line}");
    }
}

#[test]
fn is_told_to_nobody_where_it_was_not_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    let asked = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    answers(&upstream);
    let (head, _) = asked.all();
    assert!(head.starts_with("http/1.1 200") && !head.contains("durablefetch-node"), "{head}");
}

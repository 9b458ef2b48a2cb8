//! What the log says of requests, and what it never says.

use std::fs::{self, File};
use std::process::Stdio;

use crate::support::{Recorder, Upstream, command};

const SECRETS: [&str; 10] = [
    "s3cr3t-parameter",
    "s3cr3t-long",
    "s3cr3t-query",
    "s3cr3t-token",
    "s3cr3t-cookie",
    "s3cr3t-bearer",
    "s3cr3t-body",
    "s3cr3t-key",
    "s3cr3t-answer",
    "s3cr3t-set",
];

/// Asks for all kinds of things, and returns all that was logged at the given verbosity.
fn logged(format: &str, verbosity: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let flags = ["--log-format", format, "--header-timeout", "1s", "--max-request-bytes", "1000"];
    let mut command = command(&folder.path().join("data"), &flags);
    command.env("RUST_LOG", verbosity).stderr(Stdio::from(File::create(&path).unwrap()));
    let recorder = Recorder::spawn(&mut command);
    let upstream = Upstream::start();
    let url = format!("{}?k=s3cr3t-query", upstream.url);
    let headers = |url: &str| {
        [
            ("durablefetch-url", url.to_owned()),
            ("durablefetch-token", "s3cr3t-token".to_owned()),
            ("cookie", "sid=s3cr3t-cookie".to_owned()),
            ("authorization", "Bearer s3cr3t-bearer".to_owned()),
            ("x-api-key", "s3cr3t-key".to_owned()),
        ]
    };
    let ask = |line: &str, url: &str, more: &[(&str, &str)], body: &str| {
        let headers = headers(url);
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend_from_slice(more);
        recorder.send(line, &headers, body)
    };
    let reply = |head: &str| {
        use std::io::Write;
        upstream
            .asked()
            .write_all(format!("HTTP/1.1 {head}\r\nset-cookie: s3cr3t-set\r\n\r\ns3cr3t-answer").as_bytes())
            .unwrap();
    };
    // Whole, cut short, not recorded, silent, no HTTP at all.
    for head in
        ["200 OK\r\ncontent-length: 13", "200 OK\r\ncontent-length: 99", "500 No\r\ncontent-length: 13"]
    {
        let asked = ask("POST /?p=s3cr3t-query", &url, &[("durablefetch-mode", "restart")], "s3cr3t-body");
        reply(head);
        let _ = asked.all_or_cut();
    }
    let silent = ask("POST /", &url, &[("durablefetch-mode", "restart")], "s3cr3t-body");
    let stream = upstream.asked();
    let _ = silent.all_or_cut();
    drop(stream);
    let garbage = ask("GET /", &url, &[("durablefetch-mode", "restart")], "");
    std::io::Write::write_all(&mut upstream.asked(), b"s3cr3t-answer\r\n\r\n").unwrap();
    let _ = garbage.all_or_cut();
    // Nobody there, no such host, refused ones, loops, and nonsense.
    let port = recorder.address.port();
    for refused in [
        "http://127.0.0.1:1/?k=s3cr3t-query".to_owned(),
        "http://no-such-host.invalid/?k=s3cr3t-query".to_owned(),
        "http://10.0.0.1/?k=s3cr3t-query".to_owned(),
        format!("http://localhost:{port}/?k=s3cr3t-query"),
        "http://user:s3cr3t-key@a.example/".to_owned(),
        "nonsense?s3cr3t-query".to_owned(),
    ] {
        let _ = ask("GET /", &refused, &[], "").all_or_cut();
    }
    for (name, value) in [
        ("durablefetch-mode", "s3cr3t-key"),
        ("durablefetch-request", "s3cr3t key"),
        ("origin", "https://evil.example"),
    ] {
        let _ = ask("GET /", &url, &[(name, value)], "").all_or_cut();
    }
    let _ = ask("POST /", &url, &[], &"s3cr3t-body".repeat(200)).all_or_cut();
    let _ = recorder.send("POST /in-progress", &[], "{\"s3cr3t-body\"").all_or_cut();
    for call in ["in-progress", "stop", "delete"] {
        let _ = recorder.send(&format!("POST /{call}"), &[], &format!("{{\"url\":\"{url}\"}}")).all_or_cut();
    }
    let _ = recorder.send("GET /127.0.0.1:1/a?k=s3cr3t-query", &[], "").all_or_cut();
    let long = format!("{}-s3cr3t-long", "x".repeat(30_000));
    for path in [
        "a;jsessionid=s3cr3t-parameter",
        "a;v=s3cr3t-parameter/b;w=s3cr3t-parameter?k=s3cr3t-query",
        "a%3Bjsessionid=s3cr3t-parameter",
        &long,
        &format!("a/{long}/b"),
    ] {
        let at = format!("127.0.0.1:1/{path}");
        let _ = recorder.send(&format!("GET /{at}"), &[], "").all_or_cut();
        let _ = ask("GET /", &format!("http://{at}"), &[], "").all_or_cut();
        let asked = ask("GET /", &upstream.url.replace("/stream", &format!("/{path}")), &[], "");
        reply("200 OK\r\ncontent-length: 13");
        let _ = asked.all_or_cut();
    }
    let _ =
        ask("GET /", &format!("http://s3cr3t-long.{}.invalid/", "x".repeat(30_000)), &[], "").all_or_cut();
    let _ = recorder.send(&format!("{long} /"), &[], "").all_or_cut();
    recorder.terminate();
    recorder.ended();
    fs::read_to_string(path).unwrap()
}

fn tells_no_secret(log: &str) {
    for secret in SECRETS {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is logged: {}", line.unwrap_or_default());
    }
    let longest = log.lines().max_by_key(|line| line.len()).unwrap();
    assert!(longest.len() < 1500, "{longest}");
}

#[test]
fn no_line_has_a_query_a_token_a_cookie_or_a_body() {
    for format in ["text", "json"] {
        for verbosity in ["info", "trace"] {
            let log = logged(format, verbosity);
            assert!(log.contains("started") && log.contains("ended") && log.contains("/stream?…"), "{log}");
            tells_no_secret(&log);
        }
    }
}

#[test]
fn json_lines_are_json_and_name_the_request() {
    let log = logged("json", "debug");
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.len() > 10, "{log}");
    let mut ids: Vec<_> = answered.iter().map(|line| line["request"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answered.len(), "a request id stands twice");
    assert!(answered.iter().any(|line| line["status"] == 502 && line["error"] == "upstream-failed"), "{log}");
    assert!(
        answered.iter().any(|line| line["url"].as_str().is_some_and(|url| url.ends_with("/stream?…"))),
        "{log}"
    );
}

#[test]
fn a_start_warns_of_a_secret_on_the_command_line_and_does_not_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let secret = "s3cr3t-of-at-least-thirty-two-bytes!";
    let by_flag = command(&folder.path().join("data"), &["--token-secret", secret]);
    let mut by_variable = command(&folder.path().join("data"), &[]);
    by_variable.env("DURABLEFETCH_TOKEN_SECRET", secret);
    for (mut command, warns) in [(by_flag, true), (by_variable, false)] {
        command.env("RUST_LOG", "warn").stderr(Stdio::from(File::create(&path).unwrap()));
        Recorder::spawn(&mut command).kill();
        let log = fs::read_to_string(&path).unwrap();
        assert_eq!(log.contains("DURABLEFETCH_TOKEN_SECRET or --token-secret @FILE"), warns, "{log}");
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn who_comes_back_as_somebody_else_is_told_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut command = command(&folder.path().join("data"), &["--scope-by", "cookie:sid"]);
    command.env("RUST_LOG", "info").stderr(Stdio::from(File::create(&path).unwrap()));
    let recorder = Recorder::spawn(&mut command);
    let upstream = Upstream::start();
    let ask = |sid: &str, url: &str, mode: &str| {
        let cookie = format!("sid={sid}");
        let headers = [("durablefetch-url", url), ("durablefetch-mode", mode), ("cookie", cookie.as_str())];
        recorder.send("GET /", &headers, "")
    };
    let started = ask("one", &upstream.url, "restart");
    std::io::Write::write_all(&mut upstream.asked(), b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
        .unwrap();
    started.all();
    let said = || fs::read_to_string(&path).unwrap().matches("another scope has").count();
    // The same person, and a URL that nobody has: nothing is lost.
    assert!(ask("one", &upstream.url, "replay").head().contains(" 200 "));
    assert!(ask("two", "http://127.0.0.1:1/other", "resume").head().contains(" 204 "));
    assert_eq!(said(), 0);
    for mode in ["resume", "replay", "resume"] {
        ask("two", &upstream.url, mode).head();
        assert_eq!(said(), 1, "{mode}");
    }
    let log = fs::read_to_string(&path).unwrap();
    assert!(!log.contains("sid=") && log.contains("docs/deploy.md"), "{log}");
}

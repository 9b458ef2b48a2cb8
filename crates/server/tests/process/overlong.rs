//! Upstreams whose bodies are longer than they said, or do not come.

use std::io::Write;

use crate::support::{PATIENCE, Recorder, Upstream, header};

/// What comes after the length that was said is not a part of the body (RFC 9112 §6.3): a later answer to nobody.
#[test]
fn what_is_sent_beyond_the_length_is_not_recorded() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    let reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npart and more").unwrap();
    assert!(reply.all_or_cut().ends_with(b"part\r\n0\r\n\r\n"), "the first reader gets what was said");
    let headers = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-mode", "replay")];
    let (head, body) = recorder.send("GET /", &headers, "").all();
    assert_eq!((header(&head, "durablefetch-state"), body.as_str()), ("complete", "part"));
}

#[test]
fn a_head_and_then_nothing_fails_after_the_idle_timeout() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--idle-timeout", "300ms"]);
    let upstream = Upstream::start();
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").unwrap();
    let head = reply.head();
    assert_eq!(header(&head, "durablefetch-state"), "streaming");
    let id = header(&head, "durablefetch-recording").to_uppercase();
    assert_eq!(reply.rest(), (String::new(), false), "it breaks");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(std::io::Read::read(&mut stream, &mut [0]), Ok(0) | Err(_)), "the upstream is let go");
    let headers = [
        ("durablefetch-url", upstream.url.as_str()),
        ("durablefetch-recording", id.as_str()),
        ("durablefetch-offset", "0"),
    ];
    let (head, _) = recorder.send("GET /", &headers, "").all();
    assert_eq!(
        (header(&head, "durablefetch-state"), header(&head, "durablefetch-error")),
        ("failed", "upstream-idle")
    );
}

/// What it is answered with in the end, or never; whatever it is, the upstream is let go.
#[test]
fn interim_answers_without_an_end_fail_long_before_the_header_timeout() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--header-timeout", "10m"]);
    for interim in
        ["100 Continue\r\n", "102 Processing\r\n", "103 Early Hints\r\nlink: </a.css>\r\n", "199 X\r\n"]
    {
        let upstream = Upstream::start();
        let reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        let sending = std::thread::spawn(move || {
            let many = format!("HTTP/1.1 {interim}\r\n").repeat(1000);
            while stream.write_all(many.as_bytes()).is_ok() {}
        });
        let (head, _) = reply.all();
        assert!(head.starts_with("http/1.1 502"), "{interim}: {head}");
        assert_eq!(header(&head, "durablefetch-error"), "upstream-failed", "{interim}");
        sending.join().unwrap();
    }
}

#[test]
fn a_thousand_interim_answers_and_then_one_are_an_answer() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    let reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    stream.write_all("HTTP/1.1 102 Processing\r\n\r\n".repeat(1000).as_bytes()).unwrap();
    // The body is longer than what may come before the head.
    let body = "x".repeat(6 << 20);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let sending = std::thread::spawn(move || stream.write_all(answer.as_bytes()).unwrap());
    let whole = reply.all_or_cut();
    assert!(whole.len() > 6 << 20 && whole.ends_with(b"0\r\n\r\n"), "{} bytes", whole.len());
    sending.join().unwrap();
}

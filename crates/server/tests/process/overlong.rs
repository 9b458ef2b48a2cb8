//! Upstreams whose bodies are longer than they said, or do not come.

use std::io::Write;

use crate::support::{PATIENCE, Recorder, Upstream, header};

/// What comes after the length that was said is no part of the body (RFC 9112 §6.3): a later answer to nobody.
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

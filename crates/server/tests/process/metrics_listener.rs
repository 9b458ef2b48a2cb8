//! Metrics on a listener of their own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::limits::with_open_files;
use crate::support::{PATIENCE, Recorder};

pub(crate) fn get(port: u16, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn are_told_there_and_not_to_the_public() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let metrics = format!("127.0.0.1:{port}");
    let flags = [
        "--public-origin",
        "https://app.example",
        "--allow-any",
        "--unguessable-urls",
        "--metrics-listen",
        &metrics,
    ];
    let recorder = Recorder::start(data.path(), &flags);
    let told = get(port, "/metrics", &metrics);
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("durablefetch_unwritten_bytes 0"), "{told}");
    assert!(get(port, "/healthz", "localhost").contains("\"ok\":true"));
    assert!(get(port, "/in-progress", "localhost").starts_with("HTTP/1.1 404"));
    // A page that has bound its name to loopback.
    assert!(get(port, "/metrics", "evil.example").starts_with("HTTP/1.1 403"));
    let public = get(recorder.address.port(), "/metrics", "app.example");
    assert!(public.starts_with("HTTP/1.1 404") && public.contains("--metrics-listen"), "{public}");
    assert!(get(recorder.address.port(), "/healthz", "app.example").starts_with("HTTP/1.1 200"));
}

/// A port that is free now: the recorder tells that of its main listener only.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// More of them than the recorder may have files open.
#[test]
fn idle_connections_there_take_nothing_from_the_main_port() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let metrics = format!("127.0.0.1:{port}");
    let (recorder, _log) = with_open_files(data.path(), 316, &["--metrics-listen", &metrics]);
    let main = recorder.address;
    for begun in ["", "GET /metrics HTTP/1.1\r\nhost: ", "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let mut idle = Vec::new();
        for number in 0..400 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            // One that is closed for a newer one may be so at once.
            let _ = stream.write_all(begun.as_bytes());
            idle.push(stream);
            if number % 100 == 99 {
                assert!(get(main.port(), "/", "localhost").starts_with("HTTP/1.1 200"), "after {number}");
                assert!(get(port, "/metrics", "localhost").starts_with("HTTP/1.1 200"), "after {number}");
            }
        }
    }
}

#[test]
fn what_is_idle_there_is_closed() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let flags = ["--metrics-listen", &format!("127.0.0.1:{port}"), "--request-timeout", "300ms"];
    let _recorder = Recorder::start(data.path(), &flags);
    for begun in ["", "GET /metrics HTTP/1.1\r\nhost: ", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), begun.contains("healthz"), "{begun}");
    }
}

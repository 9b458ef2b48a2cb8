//! Requests that are meant to be read as something else than they are, and clients that keep a connection for
//! nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Recorder, Upstream, answer, send};

/// Everything that the recorder answers to these bytes, until it closes.
fn raw(recorder: &Recorder, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(recorder.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may close before all of it was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

#[test]
fn a_head_that_two_programs_could_read_differently_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--request-timeout", "1s"]);
    let upstream = Upstream::start();
    let path = upstream.url.strip_prefix("http:/").unwrap();
    let line = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n");
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (what, request) in [
        ("two lengths", format!("{line}content-length: 1\r\ncontent-length: 2\r\n\r\nab")),
        ("two lengths in one", format!("{line}content-length: 1, 2\r\n\r\nab")),
        ("a signed length", format!("{line}content-length: +1\r\n\r\na")),
        ("a negative length", format!("{line}content-length: -1\r\n\r\na")),
        ("a length in hex", format!("{line}content-length: 0x1\r\n\r\na")),
        ("a length beyond all bounds", format!("{line}content-length: 99999999999999999999\r\n\r\na")),
        ("another coding", format!("{line}transfer-encoding: xchunked\r\n\r\n{smuggled}")),
        ("a coding after chunked", format!("{line}transfer-encoding: chunked, identity\r\n\r\n{smuggled}")),
        ("a blank before the colon", format!("{line}transfer-encoding : chunked\r\n\r\n{smuggled}")),
        (
            "chunked over HTTP/1.0",
            format!("{}transfer-encoding: chunked\r\n\r\n{smuggled}", line.replace("1.1", "1.0")),
        ),
        ("a folded header", format!("{line}x-a: b\r\n c: d\r\n\r\n")),
        ("a header without a colon", format!("{line}x-a\r\n\r\n")),
        ("NUL in a value", format!("{line}x-a: a\0b\r\n\r\n")),
        ("CR in a value", format!("{line}x-a: a\rb: c\r\n\r\n")),
        ("NUL in a name", format!("{line}x\0a: b\r\n\r\n")),
        ("a blank in a name", format!("{line}x a: b\r\n\r\n")),
        ("NUL in the path", format!("GET {path}\0 HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("CR in the path", format!("GET {path}\rx HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("a blank in the path", format!("GET {path} x HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("two Hosts", format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n")),
        ("a method that is none", format!("GE(T {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("another protocol", format!("GET {path} HTTP/7.1\r\nhost: localhost\r\n\r\n")),
    ] {
        let answer = raw(&recorder, request.as_bytes());
        let heads = answer.matches("HTTP/1.").count();
        assert!(heads <= 1 && matches!(status(&answer), "400" | "505" | "closed"), "{what}: {answer}");
        upstream.assert_not_asked();
    }
    assert_eq!(
        status(&raw(&recorder, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")),
        "200"
    );
}

#[test]
fn where_a_length_and_chunks_are_said_the_chunks_count_and_the_upstream_gets_one_length() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let (address, upstream) = listening("abc", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: http://{address}/\r\ncontent-length: 40\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    );
    let answer = raw(&recorder, request.as_bytes());
    let seen = upstream.join().unwrap().to_lowercase();
    assert_eq!(seen.matches("content-length: ").count(), 1, "{seen}");
    assert!(seen.contains("content-length: 3\r\n") && !seen.contains("transfer-encoding"), "{seen}");
    assert!(status(&answer) == "200" && answer.contains("\r\nok\r\n"), "{answer}");
}

/// An upstream for one request: it reads until these bytes end what it has read, answers, and returns what came.
fn listening(until: &'static str, answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(until.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(seen).unwrap()
    });
    (address, upstream)
}

#[test]
fn targets_of_other_forms_name_nothing_but_this_recorder() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    for (line, host, expected) in [
        ("GET http://localhost/healthz", "localhost", "200"),
        // What the target names counts as much as what Host says.
        ("GET http://evil.example/healthz", "localhost", "421"),
        ("GET http://localhost/healthz", "evil.example", "421"),
        ("GET http://localhost@evil.example/healthz", "localhost", "421"),
        ("OPTIONS *", "localhost", "404"),
        ("GET *", "localhost", "404"),
        ("CONNECT localhost:80", "localhost:80", "405"),
        ("CONNECT evil.example:80", "evil.example:80", "421"),
        ("TRACE /a.example/", "localhost", "405"),
        ("GET healthz", "localhost", "421"),
        ("GET //evil.example/%2e%2e", "localhost", "404"),
    ] {
        let answer = raw(
            &recorder,
            format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        assert_eq!(status(&answer), expected, "{line}: {answer}");
    }
    upstream.assert_not_asked();
}

#[test]
fn control_characters_that_are_coded_stay_coded() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let (address, upstream) = listening("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let path = format!("/{address}/a%0d%0ax-evil:%201%00?q=%0d%0a");
    let answer = raw(
        &recorder,
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes(),
    );
    assert_eq!(status(&answer), "200", "{answer}");
    let head = upstream.join().unwrap();
    assert!(head.starts_with("GET /a%0d%0ax-evil:%201%00?q=%0d%0a HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("\r\nx-evil"), "{head}");
}

#[test]
fn heads_beyond_measure_are_refused_and_cost_nothing() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--request-timeout", "1s"]);
    let line = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let many: String = (0..20_000).map(|n| format!("x-{n}: {n:040}\r\n")).collect();
    for (what, head) in [
        ("one of 1 MB", format!("{line}x-a: {}\r\n\r\n", "x".repeat(1 << 20))),
        ("1 MB of many", format!("{line}{many}\r\n")),
        ("a path of 1 MB", format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(1 << 20))),
        ("a head without an end", format!("{line}{}", "x-a: b\r\n".repeat(200_000))),
    ] {
        let answer = raw(&recorder, head.as_bytes());
        assert!(matches!(status(&answer), "431" | "414" | "400" | "closed"), "{what}: {answer:.200}");
    }
    assert_eq!(status(&raw(&recorder, format!("{line}connection: close\r\n\r\n").as_bytes())), "200");
}

#[test]
fn an_upgrade_is_refused_with_a_word() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let upstream = Upstream::start();
    let request = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: {}\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        upstream.url
    );
    let answer = raw(&recorder, request.as_bytes());
    assert!(status(&answer) == "400" && answer.contains("WebSocket"), "{answer}");
    upstream.assert_not_asked();
}

/// How long until the recorder closes a connection on which these bytes are sent, one after the other with pauses.
fn closed_after(recorder: &Recorder, bytes: &[u8], pause: Duration) -> (Duration, String) {
    let mut stream = TcpStream::connect(recorder.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let since = Instant::now();
    let mut sending = stream.try_clone().unwrap();
    let bytes = bytes.to_owned();
    let sender = std::thread::spawn(move || {
        for byte in bytes {
            if sending.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(pause);
        }
    });
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it does not close");
    }
    let took = since.elapsed();
    drop(stream);
    sender.join().unwrap();
    (took, String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_client_that_is_slow_on_purpose_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--request-timeout", "400ms"]);
    let upstream = Upstream::start();
    let timeout = Duration::from_millis(400);
    let drip = Duration::from_millis(20);
    let endless = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n".to_owned() + &"x-a: b\r\n".repeat(1000);
    for (what, bytes) in
        [("nothing at all", &b""[..]), ("half a line", b"GET /heal"), ("an endless head", endless.as_bytes())]
    {
        let (took, answer) = closed_after(&recorder, bytes, drip);
        assert!(took >= timeout / 2 && status(&answer) != "200", "{what}: {took:?} {answer}");
    }
    // A connection that was of use and is not any more.
    let mut kept = TcpStream::connect(recorder.address).unwrap();
    kept.set_read_timeout(Some(PATIENCE)).unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), "200");
    // HTTP/2: the preface, an empty SETTINGS, and then nothing.
    let mut idle = TcpStream::connect(recorder.address).unwrap();
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frames = Vec::new();
    if let Err(error) = idle.read_to_end(&mut frames) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it does not close");
    }
    // A body that stops coming starts nothing.
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: {}\r\ncontent-length: 10\r\n\r\nhalf",
        upstream.url
    );
    let (_, answer) = closed_after(&recorder, request.as_bytes(), Duration::ZERO);
    assert!(status(&answer) == "400" && answer.contains("request-incomplete"), "{answer}");
    upstream.assert_not_asked();
}

#[test]
fn a_reader_of_a_silent_recording_is_not_idle() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--request-timeout", "200ms"]);
    let upstream = Upstream::start();
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    reply.head();
    // Silence is what is tested, so that a time has to pass.
    std::thread::sleep(Duration::from_millis(1000));
    send(&mut stream, "still here");
    assert_eq!(reply.take(10), "still here");
}

#[test]
fn a_head_of_an_upstream_is_taken_as_browsers_take_it() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    for (what, line) in [
        ("a blank before the colon", "x-bad : v"),
        ("a folded header", "x-folded: one\r\n two"),
        ("a line of PHP", "PHP Warning: something on line 3"),
        ("a line without a colon", "what is this"),
        ("a name with a slash", "x/y: z"),
    ] {
        let upstream = Upstream::start();
        let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        let head = format!("HTTP/1.1 200 OK\r\n{line}\r\ncontent-length: 2\r\nx-last: l\r\n\r\nok");
        stream.write_all(head.as_bytes()).unwrap();
        let head = reply.head();
        assert!(head.starts_with("http/1.1 200") && head.contains("x-last: l"), "{what}: {head}");
        assert_eq!(reply.rest(), ("ok".to_owned(), true), "{what}");
    }
}

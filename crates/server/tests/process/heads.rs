//! Request heads: one number for every version of HTTP and every listener.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::support::{PATIENCE, Recorder};

const MAX: usize = 64 * 1024;

/// What is long about a head.
#[derive(Debug, Clone, Copy)]
enum Long {
    Path,
    Header,
    Headers,
}

/// A head of exactly this many bytes.
fn head(long: Long, bytes: usize) -> String {
    let (start, end) = match long {
        Long::Path => ("GET /healthz?", " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        Long::Header => {
            ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-long: ", "\r\n\r\n")
        }
        Long::Headers => ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", "\r\n"),
    };
    let room = bytes - start.len() - end.len();
    let filling = match long {
        Long::Path | Long::Header => "x".repeat(room),
        Long::Headers => {
            let line = format!("x-long: {}\r\n", "x".repeat(1990));
            let mut filling = line.repeat(room / line.len() - 1);
            filling.push_str(&format!("x-long: {}\r\n", "x".repeat(room - filling.len() - 10)));
            filling
        }
    };
    format!("{start}{filling}{end}")
}

/// The first line of the answer to a head that is sent in pieces of this length.
fn answer(address: SocketAddr, head: &str, piece: usize) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in head.as_bytes().chunks(piece) {
        // Its answer may come before it is sent.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    // Bytes that nobody read turn the close into a reset.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn one_that_is_too_long_is_told_so_on_every_listener() {
    let data = tempfile::tempdir().unwrap();
    // A port that is free now: the recorder tells that of its main listener only.
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let recorder = Recorder::start(data.path(), &["--metrics-listen", &metrics.to_string()]);
    for address in [recorder.address, metrics] {
        for long in [Long::Path, Long::Header, Long::Headers] {
            for piece in [usize::MAX, 10_000] {
                for fits in [MAX - 1, MAX] {
                    let line = answer(address, &head(long, fits), piece);
                    assert!(line.starts_with("HTTP/1.1 200"), "{long:?} of {fits}: {line}");
                }
                for too_long in [MAX + 1, 80_000, 100_000, 200_000] {
                    let line = answer(address, &head(long, too_long), piece);
                    assert!(line.starts_with("HTTP/1.1 431"), "{long:?} of {too_long}: {line}");
                }
            }
        }
    }
}

/// The status, or `None` where the connection came to its end instead.
async fn over_http2(recorder: &Recorder, bytes: usize) -> Option<u16> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::Client::builder().no_proxy().http2_prior_knowledge().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}/healthz", recorder.address);
    // Its lines and the request's own, as RFC 9113 §6.5.2 counts them, are some 300 bytes.
    let request = client.get(url).header("x-long", "x".repeat(bytes - 300));
    request.send().await.ok().map(|response| response.status().as_u16())
}

#[tokio::test]
async fn over_http2_as_well() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    for (bytes, status) in [
        (1000, Some(200)),
        (MAX, Some(200)),
        (MAX + 1000, Some(431)),
        (100_000, Some(431)),
        (1_000_000, None),
    ] {
        assert_eq!(over_http2(&recorder, bytes).await, status, "{bytes}");
    }
    assert_eq!(over_http2(&recorder, 1000).await, Some(200));
}

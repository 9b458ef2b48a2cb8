//! Memory, connections and seats that others hold.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::support::{PATIENCE, Recorder, Upstream, answer, header, send};

fn ask(recorder: &Recorder, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(recorder.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may be closed before all of it was sent.
    let _ = stream.write_all(request.as_bytes());
    stream
}

/// What the process has in memory, in bytes.
pub(super) fn resident(recorder: &Recorder) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", recorder.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn readers_that_take_nothing_do_not_keep_others_out() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-connections", "20", "--request-timeout", "1s"]);
    let upstream = Upstream::start();
    let (_, mut reader, mut stream) = recorder.begin(&upstream);
    const SIZE: usize = 20 << 20;
    let piece = "x".repeat(1 << 20);
    for _ in 0..SIZE >> 20 {
        send(&mut stream, &piece);
        reader.take(1 << 20);
    }
    send(&mut stream, "");
    assert!(reader.rest().1);
    drop(reader);
    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: {}\r\n\r\n", upstream.url);
    let held: Vec<TcpStream> = (0..20).map(|_| ask(&recorder, &request)).collect();
    // Until somebody else is served.
    let until = Instant::now() + PATIENCE;
    loop {
        let head = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "").head();
        if head.starts_with("http/1.1 200") {
            break;
        }
        assert!(Instant::now() < until, "{head}");
    }
    // For its place one that took nothing was cut, and gets less than all.
    let is_cut = |mut stream: TcpStream| {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).is_err() && got.len() < SIZE
    };
    assert!(held.into_iter().any(is_cut));
}

#[test]
fn request_bodies_do_not_fill_the_memory() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-upload-bytes", "40MiB"]);
    let upstream = Upstream::start();
    let before = resident(&recorder);
    let size = 31 << 20;
    let head = |number: usize| {
        let url = format!("{}?{number}", upstream.url);
        format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: {url}\r\ncontent-length: {size}\r\n\r\n"
        )
    };
    let body = "b".repeat(size);
    let send_body = |number| {
        let mut stream = ask(&recorder, &head(number));
        stream.write_all(body.as_bytes()).unwrap();
        stream
    };
    // The first counts until its upstream has answered.
    let _first = send_body(0);
    let mut asked = upstream.asked();
    for mut refused in (1..4).map(send_body).collect::<Vec<_>>() {
        let mut start = [0; 12];
        refused.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 503");
    }
    assert!(resident(&recorder) < before + (100 << 20), "{}", resident(&recorder) - before);
    answer(&mut asked);
    send(&mut asked, "");
    let _again = send_body(4);
    upstream.asked();
}

#[test]
fn pending_heads_do_not_take_all_descriptors() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--max-recordings", "5"]);
    let upstream = Upstream::start();
    let head = |number: usize| {
        let request = format!(
            "HEAD / HTTP/1.1\r\nhost: localhost\r\ndurablefetch-url: {}?{number}\r\n\r\n",
            upstream.url
        );
        ask(&recorder, &request)
    };
    let held: Vec<_> = (0..5).map(|number| (head(number), upstream.asked())).collect();
    let refused = recorder.send("HEAD /", &[("durablefetch-url", &upstream.url)], "").head();
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert_eq!(header(&refused, "durablefetch-error"), "too-many-recordings");
    let health = recorder.send("GET /healthz", &[], "").head();
    assert!(health.starts_with("http/1.1 200"));
    drop(held);
}

#[test]
fn demo_streams_do_not_take_all_seats() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let demos: Vec<_> = (0..101)
        .map(|number| {
            let mut reply = recorder.send(&format!("GET /demo/silent-3600-{number}"), &[], "");
            (reply.head(), reply)
        })
        .collect();
    assert!(demos[..100].iter().all(|(head, _)| head.starts_with("http/1.1 200")));
    assert!(demos[100].0.starts_with("http/1.1 503"), "{}", demos[100].0);
    let upstream = Upstream::start();
    recorder.begin(&upstream);
}

#[tokio::test]
async fn an_http2_stream_that_takes_nothing_does_not_hold_its_recording() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--request-timeout", "1s"]);
    let upstream = Upstream::start();
    let (_, mut reader, mut stream) = recorder.begin(&upstream);
    const SIZE: usize = 8 << 20;
    for _ in 0..SIZE >> 20 {
        send(&mut stream, &"x".repeat(1 << 20));
        reader.take(1 << 20);
    }
    send(&mut stream, "");
    assert!(reader.rest().1);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .http2_initial_stream_window_size(100_000)
        .tls_certs_only([])
        .build()
        .unwrap();
    let ask = || {
        let url = format!("http://{}/", recorder.address);
        client.get(url).header("durablefetch-url", &upstream.url).send()
    };
    let (stalled, taken) = (ask().await.unwrap(), ask().await.unwrap());
    // The same connection goes on.
    assert_eq!(taken.bytes().await.unwrap().len(), SIZE);
    let until = Instant::now() + PATIENCE;
    while !recorder.status(&upstream.url).contains("\"activeConnections\":0") {
        assert!(Instant::now() < until, "{}", recorder.status(&upstream.url));
    }
    let (mut stalled, mut got) = (stalled, 0);
    let end = loop {
        match stalled.chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            end => break end,
        }
    };
    assert!(end.is_err() && got < SIZE, "{got}");
}

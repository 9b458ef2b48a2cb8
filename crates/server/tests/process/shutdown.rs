//! SIGTERM: nothing new, what is live may finish for a while, the rest is interrupted.

use crate::support::{Recorder, Upstream, answer, header, send};

#[test]
fn what_is_live_may_finish() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "20s"]);
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    reply.head();
    send(&mut stream, "a");
    assert_eq!(reply.take(1), "a");
    recorder.terminate();
    send(&mut stream, "b");
    assert_eq!(reply.take(1), "b");
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));

    let recorder = Recorder::start(data.path(), &[]);
    assert!(recorder.status(&upstream.url).contains("\"state\":\"complete\""));
}

#[test]
fn what_does_not_finish_in_time_is_interrupted_and_its_readers_are_broken() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "100ms"]);
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    reply.head();
    send(&mut stream, "half");
    assert_eq!(reply.take(4), "half");
    recorder.terminate();
    assert_eq!(reply.rest(), (String::new(), false));
    assert_eq!(recorder.ended(), Some(0));

    let recorder = Recorder::start(data.path(), &[]);
    let url = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-mode", "replay")];
    let mut replay = recorder.send("GET /", &url, "");
    assert_eq!(header(&replay.head(), "durablefetch-state"), "interrupted");
    assert_eq!(replay.rest(), ("half".into(), false));
}

#[test]
fn a_second_signal_does_not_wait() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "1h"]);
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    reply.head();
    recorder.terminate();
    // The listener closes once the first signal is seen.
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while std::net::TcpStream::connect(recorder.address).is_ok() {
        assert!(std::time::Instant::now() < until, "the recorder still accepts");
        std::thread::yield_now();
    }
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(130));
    assert!(!reply.rest().1);
}

#[test]
fn nothing_starts_while_it_drains() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "20s"]);
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    reply.head();
    // A connection from before, which may still be used.
    let mut kept = crate::support::Kept::open(&recorder);
    assert!(kept.get("/healthz").starts_with("http/1.1 200"));
    recorder.terminate();
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while std::net::TcpStream::connect(recorder.address).is_ok() {
        assert!(std::time::Instant::now() < until, "the recorder still accepts");
        std::thread::yield_now();
    }
    let refused = kept.get("/http:/127.0.0.1:1/new");
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert_eq!(header(&refused, "durablefetch-error"), "shutting-down");
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));
}

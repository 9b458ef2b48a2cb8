//! SIGTERM: nothing new, what is live may finish for a while, the rest is interrupted.

use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use crate::support::{Kept, PATIENCE, Recorder, Upstream, command, header, send};

/// The listener closes once a signal is seen.
fn until_it_accepts_no_more(recorder: &Recorder) {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(recorder.address).is_ok() {
        assert!(Instant::now() < until, "the recorder still accepts");
        thread::yield_now();
    }
}

#[test]
fn what_is_live_may_finish() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "20s"]);
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
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
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
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
    let (_, mut reply, _stream) = recorder.begin(&upstream);
    recorder.terminate();
    until_it_accepts_no_more(&recorder);
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(130));
    assert!(!reply.rest().1);
}

#[test]
fn nothing_starts_while_it_drains() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "20s"]);
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    // A connection from before, which may still be used.
    let mut kept = Kept::open(&recorder);
    assert!(kept.get("/healthz").starts_with("http/1.1 200"));
    recorder.terminate();
    until_it_accepts_no_more(&recorder);
    let refused = kept.get("/http:/127.0.0.1:1/new");
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert_eq!(header(&refused, "durablefetch-error"), "shutting-down");
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));
}

#[test]
fn a_connection_that_never_said_anything_is_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    // As browsers open them ahead of time.
    let _silent = std::net::TcpStream::connect(recorder.address).unwrap();
    // Connections are accepted in turn.
    assert!(crate::support::Kept::open(&recorder).get("/healthz").starts_with("http/1.1 200"));
    let since = std::time::Instant::now();
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    // Readers that do not take their last bytes are waited for as long as this.
    assert!(since.elapsed() < std::time::Duration::from_secs(5), "{:?}", since.elapsed());
}

/// A program that starts a recorder may be killed: its end of the pipe closes all the same.
#[test]
fn the_end_of_stdin_asks_for_an_end_where_that_is_wanted() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let flags = ["--until-stdin-closes", "--drain", "20s"];
    let mut recorder = Recorder::spawn(command(data.path(), &flags).stdin(Stdio::piped()));
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "a");
    assert_eq!(reply.take(1), "a");
    drop(recorder.child.stdin.take());
    until_it_accepts_no_more(&recorder);
    send(&mut stream, "b");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("b".into(), true));
    assert_eq!(recorder.ended(), Some(0));
}

/// As under a service manager, where stdin is closed from the beginning.
#[test]
fn the_end_of_stdin_means_nothing_otherwise() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::spawn(command(data.path(), &[]).stdin(Stdio::null()));
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "a");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("a".into(), true));
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
}

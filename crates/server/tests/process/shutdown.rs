//! SIGTERM: nothing new, what is live may finish for a while, the rest is interrupted.

use std::process::Stdio;
use std::thread;
use std::time::Instant;

use crate::support::{Kept, PATIENCE, Recorder, Upstream, command, header, send};

/// It says so once it has seen the signal.
fn until_it_drains(recorder: &Recorder) {
    let until = Instant::now() + PATIENCE;
    while !recorder.send("GET /readyz", &[], "").all().1.contains("draining") {
        assert!(Instant::now() < until, "the recorder does not drain");
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
    until_it_drains(&recorder);
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(130));
    assert!(!reply.rest().1);
}

/// As 0.1.0's client and curl ask, and as others do, over connections from before and new ones.
#[test]
fn nothing_starts_while_it_drains() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &["--drain", "20s"]);
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    let mut kept = Kept::open(&recorder);
    assert!(kept.get("/healthz").starts_with("http/1.1 200"));
    recorder.terminate();
    until_it_drains(&recorder);
    let new = "http:/127.0.0.1:1/new";
    let (id, restart) = (("durablefetch-request", "one"), ("durablefetch-mode", "restart"));
    for refused in [
        kept.get(&format!("/{new}")),
        recorder.send(&format!("GET /{new}"), &[], "").head(),
        recorder.send(&format!("HEAD /{new}"), &[], "").head(),
        recorder.send(&format!("POST /{new}"), &[id, restart], "question").head(),
        recorder.send("GET /demo/new", &[], "").head(),
    ] {
        assert!(refused.starts_with("http/1.1 503"), "{refused}");
        assert_eq!(header(&refused, "durablefetch-error"), "shutting-down");
        assert_eq!(header(&refused, "retry-after"), "1");
    }
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));
}

#[test]
fn all_but_starts_is_answered_while_it_drains() {
    let data = tempfile::tempdir().unwrap();
    let [done, live, stopped] = [(); 3].map(|()| Upstream::start());
    let recorder = Recorder::start(data.path(), &["--drain", "1h"]);
    let (_, mut reply, mut stream) = recorder.begin(&done);
    send(&mut stream, "done");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("done".into(), true));
    let (id, reply, mut stream) = recorder.begin(&live);
    let (_, mut stopping, _stopped_stream) = recorder.begin(&stopped);
    send(&mut stream, "abc");
    // Cut: it comes back for the rest.
    drop(reply);
    recorder.terminate();
    until_it_drains(&recorder);

    let url = ("durablefetch-url", live.url.as_str());
    let at = [url, ("durablefetch-recording", id.as_str()), ("durablefetch-offset", "1")];
    let mut rest = recorder.send("GET /", &at, "");
    assert_eq!(header(&rest.head(), "durablefetch-state"), "streaming");
    assert_eq!(rest.take(2), "bc");
    let mut resumed = recorder.send("GET /", &[url, ("durablefetch-mode", "resume")], "");
    assert_eq!(header(&resumed.head(), "durablefetch-state"), "streaming");
    let mut joined = recorder.send("GET /", &[url], "");
    assert_eq!(header(&joined.head(), "durablefetch-recording"), id.to_lowercase());
    assert!(recorder.status(&live.url).contains("\"inProgress\":true"));
    let replay = [("durablefetch-url", done.url.as_str()), ("durablefetch-mode", "replay")];
    let (head, body) = recorder.send("GET /", &replay, "").all();
    assert_eq!((header(&head, "durablefetch-state"), body.as_str()), ("complete", "done"));
    let nothing = [("durablefetch-url", "http://127.0.0.1:1/none"), ("durablefetch-mode", "resume")];
    assert!(recorder.send("GET /", &nothing, "").head().starts_with("http/1.1 204"));
    let control = |call: &str, url: &str| {
        recorder.send(&format!("POST /{call}"), &[], &format!("{{\"url\":\"{url}\"}}")).all().1
    };
    assert!(control("stop", &stopped.url).contains("stopped successfully"));
    assert_eq!(stopping.rest(), (String::new(), true));
    assert!(control("delete", &done.url).contains("\"success\":true"));
    assert!(recorder.status(&done.url).contains("\"state\":\"none\""));

    send(&mut stream, "d");
    send(&mut stream, "");
    assert_eq!(rest.rest(), ("d".into(), true));
    for mut whole in [resumed, joined] {
        assert_eq!(whole.rest(), ("abcd".into(), true));
    }
    // As a client asks that has read a live body to its end.
    let last = [at[0], at[1], ("durablefetch-offset", "4")];
    let how = recorder.send("GET /", &last, "").head();
    assert_eq!((header(&how, "durablefetch-state"), header(&how, "durablefetch-length")), ("complete", "4"));
    assert_eq!(recorder.ended(), Some(0), "nothing is live any more");
}

#[test]
fn an_idle_recorder_ends_at_once_even_where_connections_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--drain", "1h"]);
    let mut kept = Kept::open(&recorder);
    assert!(kept.get("/healthz").starts_with("http/1.1 200"));
    let since = Instant::now();
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    // Readers that do not take their last bytes are waited for as long as this.
    assert!(since.elapsed() < std::time::Duration::from_secs(5), "{:?}", since.elapsed());
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
    until_it_drains(&recorder);
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

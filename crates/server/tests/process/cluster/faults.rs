//! Processes that are killed, paused and told to end, and a database that is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::timeout;

use super::server::Server;
use super::{Cluster, ask, replay, resume, starts, until};
use crate::support::{Kept, PATIENCE, Recorder, Upstream, answer, header, send};

#[test]
fn what_was_live_in_one_that_is_killed_is_interrupted_with_a_true_prefix() {
    // As long as it is for everybody.
    let cluster = Cluster { lease: None, ..Cluster::new() };
    let [a, b, c] = cluster.nodes();
    let upstream = Upstream::start();
    let request = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", "one")];
    let mut at_a = a.send("POST /", &request, "hello");
    let mut stream = upstream.asked();
    answer(&mut stream);
    let id = header(&at_a.head(), "durablefetch-recording").to_uppercase();
    send(&mut stream, "first ");
    assert_eq!(at_a.take(6), "first ");
    let (_, mut at_b) = resume(&b, &upstream.url);
    assert_eq!(at_b.take(6), "first ");
    until("its bytes are in the store", || cluster.stored(&id) == 6);
    send(&mut stream, "second");
    assert_eq!(at_a.take(6), "second");
    let killed = Instant::now();
    a.recorder.kill();
    assert!(!at_b.rest().1, "a crash is not an end");
    until("it is interrupted", || c.status(&upstream.url).contains("\"state\":\"interrupted\""));
    assert!(killed.elapsed() < Duration::from_secs(12), "{:?}", killed.elapsed());
    for node in [&b, &c] {
        let (head, body, clean) = replay(node, &upstream.url);
        assert!("first second".starts_with(&body) && body.len() >= 6 && !clean, "{body:?} {head}");
        // The same intent does not start again.
        let (head, _) = ask(node, "POST /", &request, "hello");
        assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
    }
    upstream.assert_not_asked();
    let another = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", "two")];
    assert_eq!(starts(&b, &upstream, &another).rest(), ("more".to_owned(), true));
}

#[test]
fn what_was_live_in_one_that_is_killed_and_starts_again_is_there_for_who_only_reads() {
    // Nobody takes over by its end.
    let cluster = Cluster { lease: None, ..Cluster::new() };
    let flags = cluster.flags();
    let (a, b) = (cluster.node_with(&flags), cluster.node());
    let (upstream, silent) = (Upstream::start(), Upstream::start());
    let (id, mut at_a, mut stream) = a.begin(&upstream);
    send(&mut stream, "first ");
    assert_eq!(at_a.take(6), "first ");
    until("its bytes are in the store", || cluster.stored(&id) == 6);
    // This one has no head yet.
    let request = [("durablefetch-url", silent.url.as_str()), ("durablefetch-request", "one")];
    let _waits = a.send("POST /", &request, "hello");
    let _unanswered = silent.asked();
    a.recorder.kill();
    let again = cluster.node_with(&flags);
    for node in [&b, &again] {
        let (head, body, clean) = replay(node, &upstream.url);
        assert_eq!((body.as_str(), clean), ("first ", false), "{head}");
        let status = node.status(&upstream.url);
        assert!(status.contains("\"state\":\"interrupted\"") && status.contains(&id), "{status}");
    }
    let (head, _) = resume(&b, &silent.url);
    assert!(head.starts_with("http/1.1 204"), "{head}");
    let (head, _) = ask(&b, "POST /", &request, "hello");
    assert!(head.contains("durablefetch-error: interrupted"), "{head}");
    silent.assert_not_asked();
}

#[test]
fn what_was_live_in_one_that_is_killed_is_brought_in_order_though_nobody_asks() {
    let cluster = Cluster::new();
    // Sweeps come every 250 ms.
    let ttl = ["--ttl".to_owned(), "1s".to_owned()];
    let [a, _b] = [(); 2].map(|()| cluster.node_with(&[&cluster.flags()[..], &ttl].concat()));
    let upstream = Upstream::start();
    let (id, _at_a, mut stream) = a.begin(&upstream);
    send(&mut stream, "first ");
    until("its bytes are in the store", || cluster.stored(&id) == 6);
    a.recorder.kill();
    until("nothing of it is left", || cluster.psql("select count(*) from df.recordings") == "0");
}

#[test]
fn one_that_stands_still_for_longer_than_its_lease_ends_nothing_cleanly() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut at_a, mut stream) = a.begin(&upstream);
    send(&mut stream, "first ");
    assert_eq!(at_a.take(6), "first ");
    until("its bytes are in the store", || cluster.stored(&id) == 6);
    // From now on it has a connection to the first one, which does not end.
    assert!(b.status(&upstream.url).contains("\"state\":\"streaming\""));
    a.signal("-STOP");
    until("it is taken over", || b.status(&upstream.url).contains("\"state\":\"interrupted\""));
    send(&mut stream, "second");
    send(&mut stream, "");
    a.signal("-CONT");
    let (rest, clean) = at_a.rest();
    assert!(!clean, "{rest:?} came to an end that nobody has stored");
    for node in [&b, &a] {
        let (head, body, clean) = replay(node, &upstream.url);
        assert_eq!((body.as_str(), clean), ("first ", false), "{head}");
    }
}

#[test]
fn one_that_is_told_to_end_cuts_nothing_and_leaves_what_is_idle_to_the_others() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let (upstream, other) = (Upstream::start(), Upstream::start());
    // Idle, and still the first one's.
    let (_, mut reply, mut stream) = a.begin(&other);
    send(&mut stream, "whole");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("whole".to_owned(), true));
    let (_, mut at_a, mut stream) = a.begin(&upstream);
    send(&mut stream, "first ");
    assert_eq!(at_a.take(6), "first ");
    let (_, mut at_b) = resume(&b, &upstream.url);
    assert_eq!(at_b.take(6), "first ");
    a.terminate();
    until("it says so", || a.send("GET /readyz", &[], "").head().starts_with("http/1.1 503"));
    // What it had and nobody uses is the other's.
    let request = [("durablefetch-url", other.url.as_str())];
    assert_eq!(starts(&b, &other, &request).rest(), ("more".to_owned(), true));
    // What is live in it is reached through both.
    let (_, mut later) = resume(&b, &upstream.url);
    assert_eq!(later.take(6), "first ");
    send(&mut stream, "second");
    send(&mut stream, "");
    for reply in [&mut at_a, &mut at_b, &mut later] {
        assert_eq!(reply.rest(), ("second".to_owned(), true));
    }
    assert_eq!(a.recorder.ended(), Some(0));
    let (_, body, clean) = replay(&b, &upstream.url);
    assert_eq!((body.as_str(), clean), ("first second", true));
    assert_eq!(cluster.psql("select count(*) from df.nodes"), "1");
}

/// Nothing is cut: HTTP/1.1 answers say that the connection ends with them, and HTTP/2 connections are told to (GOAWAY).
#[tokio::test(flavor = "multi_thread")]
async fn one_that_drains_sends_those_who_come_to_the_others() {
    let cluster = Cluster::new();
    let [a, _b] = cluster.nodes();
    let upstream = Upstream::start();
    let (_, mut at_a, mut stream) = a.begin(&upstream);
    let connect = async || {
        let stream = tokio::net::TcpStream::connect(a.address).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    };
    let request = |path: &str| {
        let request = http::Request::get(format!("http://{}{path}", a.address));
        request.header("durablefetch-url", &upstream.url).body(Empty::<Bytes>::new()).unwrap()
    };
    let (mut idle, idle_ends) = connect().await;
    assert_eq!(idle.send_request(request("/healthz")).await.unwrap().status(), 200);
    let (mut busy, busy_ends) = connect().await;
    let mut reader = busy.send_request(request("/")).await.unwrap();
    let mut kept = Kept::open(&a);
    assert!(!kept.get("/healthz").contains("connection: close"));

    a.terminate();
    timeout(PATIENCE, idle_ends).await.expect("it is told to end").unwrap().unwrap();
    let head = kept.get("/healthz");
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close"), "{head}");
    // What is under way goes on to its end, and its connection ends with it.
    send(&mut stream, "whole");
    send(&mut stream, "");
    assert_eq!(at_a.rest(), ("whole".to_owned(), true));
    let body = reader.body_mut().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"whole");
    timeout(PATIENCE, busy_ends).await.expect("it ends with its last answer").unwrap().unwrap();
}

#[test]
fn what_ends_while_the_database_takes_nothing_is_interrupted_for_all_once_it_does() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut at_a, mut stream) = a.begin(&upstream);
    let (_, mut at_b) = resume(&b, &upstream.url);
    send(&mut stream, "first ");
    assert_eq!((at_a.take(6), at_b.take(6)), ("first ".to_owned(), "first ".to_owned()));
    until("its bytes are in the store", || cluster.stored(&id) == 6);
    let locked = cluster.lock("df.keys");
    send(&mut stream, "second");
    send(&mut stream, "");
    assert!(!at_a.rest().1 && !at_b.rest().1, "an end that nobody has stored");
    drop(locked);
    for node in [&a, &b] {
        let (head, body, clean) = replay(node, &upstream.url);
        assert!(head.contains("durablefetch-state: interrupted"), "{head}");
        assert!("first second".starts_with(&body) && body.len() >= 6 && !clean, "{body:?}");
    }
    assert_eq!(cluster.psql("select state from df.recordings"), "interrupted");
}

#[test]
fn without_the_database_what_is_live_goes_on_and_nothing_is_started() {
    let server = Arc::new(Server::start());
    let cluster = Cluster::on(Arc::clone(&server));
    let [a, b] = cluster.nodes();
    let (upstream, other) = (Upstream::start(), Upstream::start());
    let (_, mut at_a, mut stream) = a.begin(&upstream);
    let (_, mut at_b) = resume(&b, &upstream.url);
    send(&mut stream, "first ");
    assert_eq!((at_a.take(6), at_b.take(6)), ("first ".to_owned(), "first ".to_owned()));
    drop((cluster, server));
    send(&mut stream, "second");
    assert_eq!((at_a.take(6), at_b.take(6)), ("second".to_owned(), "second".to_owned()));
    for node in [&a, &b] {
        let mut refused = node.send("POST /", &[("durablefetch-url", &other.url)], "");
        let head = refused.head();
        assert!(head.starts_with("http/1.1 503") && head.contains("retry-after: "), "{head}");
        until("it says so", || {
            let (head, body) = node.send("GET /readyz", &[], "").all();
            head.starts_with("http/1.1 503") && body.contains("\"reason\":\"store\"")
        });
    }
    other.assert_not_asked();
    // An end that cannot be committed is none.
    send(&mut stream, "");
    assert!(!at_a.rest().1 && !at_b.rest().1, "an end that nobody has stored");
}

/// A service manager starts one again that was killed, sooner than its lease runs out, at the same address.
#[test]
fn what_one_has_left_live_that_comes_again_at_once_is_brought_in_order() {
    let cluster = Cluster { lease: None, flags: &["--ttl", "12s"], ..Cluster::new() };
    let flags = cluster.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(cluster.flags.iter().copied()).collect();
    let data = tempfile::tempdir().unwrap();
    let node = Recorder::start(data.path(), &flags);
    let upstreams = [Upstream::start(), Upstream::start()];
    let begun = upstreams.each_ref().map(|upstream| {
        let (id, mut reply, mut stream) = node.begin(upstream);
        send(&mut stream, "first ");
        assert_eq!(reply.take(6), "first ");
        until("its bytes are in the store", || cluster.stored(&id) == 6);
        (id, reply, stream)
    });
    node.kill();
    let node = Recorder::start(data.path(), &flags);
    let (head, body, clean) = replay(&node, &upstreams[0].url);
    assert_eq!((body.as_str(), clean), ("first ", false), "{head}");
    let state =
        |id: &str| cluster.psql(&format!("select state || ' ' || len from df.recordings where id = '{id}'"));
    assert_eq!(state(&begun[0].0), "interrupted 6");
    // Nobody asks for the other one.
    until("it is brought in order", || state(&begun[1].0) == "interrupted 6");
    until("nobody has them", || cluster.psql("select count(*) from df.keys where owner is not null") == "0");
    for upstream in &upstreams {
        let url = [("durablefetch-url", upstream.url.as_str())];
        let with_id =
            [&url[..], &[("durablefetch-mode", "replay"), ("durablefetch-request", "of-who-reads")]].concat();
        for _ in 0..2 {
            let (head, mut reply) = ask(&node, "GET /", &with_id, "");
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert_eq!(reply.rest(), ("first ".to_owned(), false));
        }
        upstream.assert_not_asked();
    }
}

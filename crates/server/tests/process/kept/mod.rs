//! Connections to upstreams that are kept: whatever becomes of one, no request is made twice, and none fails that a new
//! connection would have answered.

mod upstream;

use std::path::Path;
use std::{fs, process::Stdio};

use crate::support::{Recorder, command};
use upstream::{Act, Frames, Seen};

/// A recorder that trusts the certificate in this folder, and requests to it.
struct Asking {
    recorder: Recorder,
    client: reqwest::Client,
    url: String,
}

impl Asking {
    fn start(folder: &Path, url: &str, flags: &[&str]) -> Self {
        let mut command = command(&folder.join("data"), flags);
        command.env("SSL_CERT_FILE", folder.join("ca.pem")).env_remove("SSL_CERT_DIR");
        let recorder = Recorder::spawn(command.stderr(Stdio::inherit()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { recorder, client, url: url.to_owned() }
    }

    /// The status of a POST of this body, once all of the answer is here.
    async fn post(&self, body: &str) -> u16 {
        let response = self.head(body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(text == "over HTTP/2" || status != 200, "{text}");
        status
    }

    async fn head(&self, body: &str) -> reqwest::Response {
        let request = self.client.post(format!("http://{}/", self.recorder.address));
        let request = request.header("durablefetch-url", &self.url).header("durablefetch-mode", "match");
        let request = request.body(body.to_owned());
        request.send().await.unwrap()
    }
}

async fn begin(acts: &[Act], flags: &[&str]) -> (tempfile::TempDir, Frames, Asking) {
    let folder = tempfile::tempdir().unwrap();
    let acts = acts.to_vec();
    let upstream = Frames::start(&folder.path().join("ca.pem"), acts.into_iter(), true).await;
    let asking = Asking::start(folder.path(), &upstream.url, flags);
    (folder, upstream, asking)
}

fn request(connection: usize, act: Act, body: &str) -> Seen {
    Seen::Request(connection, act, body.to_owned())
}

#[tokio::test]
async fn one_takes_one_request_after_the_other() {
    let (_folder, mut upstream, asking) = begin(&[], &[]).await;
    for body in ["one", "two", "three"] {
        assert_eq!(asking.post(body).await, 200);
        assert_eq!(upstream.saw().await, request(0, Act::Answer, body));
    }
}

#[tokio::test]
async fn one_is_not_shared_by_two_at_a_time() {
    let (_folder, mut upstream, asking) = begin(&[Act::Silence, Act::Answer], &[]).await;
    let mut unanswered = Box::pin(asking.post("unanswered"));
    let first = tokio::select! {
        _ = &mut unanswered => panic!("nobody answers it"),
        seen = upstream.saw() => seen,
    };
    assert_eq!(first, request(0, Act::Silence, "unanswered"));
    assert_eq!(asking.post("answered").await, 200);
    assert_eq!(upstream.saw().await, request(1, Act::Answer, "answered"));
}

#[tokio::test]
async fn one_that_its_upstream_has_left_is_asked_no_more() {
    for act in [Act::AnswerAndLeave, Act::AnswerAndEnd] {
        let (_folder, mut upstream, asking) = begin(&[act], &[]).await;
        assert_eq!(asking.post("one").await, 200);
        assert_eq!(upstream.saw().await, request(0, act, "one"));
        assert_eq!(upstream.saw().await, Seen::Closed(0));
        assert_eq!(asking.post("two").await, 200);
        assert_eq!(upstream.saw().await, request(1, Act::Answer, "two"));
    }
}

#[tokio::test]
async fn what_was_provably_not_processed_is_sent_again_and_once() {
    for act in [Act::Refuse, Act::LeaveBefore] {
        let (_folder, mut upstream, asking) = begin(&[Act::Answer, act], &[]).await;
        for body in ["one", "two", "three"] {
            assert_eq!(asking.post(body).await, 200, "{act:?}");
        }
        let expected =
            [(0, Act::Answer, "one"), (0, act, "two"), (1, Act::Answer, "two"), (1, Act::Answer, "three")];
        let expected = expected.map(|(at, act, body)| request(at, act, body));
        assert_eq!(upstream.requests(), expected);
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_not_sent_again() {
    for act in [Act::Break, Act::LeaveAfter] {
        let (_folder, mut upstream, asking) = begin(&[Act::Answer, act], &[]).await;
        assert_eq!(asking.post("one").await, 200);
        assert_eq!(asking.post("two").await, 502, "{act:?}");
        assert_eq!(asking.post("three").await, 200, "{act:?}");
        let expected = [(0, Act::Answer, "one"), (0, act, "two"), (1, Act::Answer, "three")];
        assert_eq!(upstream.requests(), expected.map(|(at, act, body)| request(at, act, body)));
    }
}

#[tokio::test]
async fn one_whose_answer_was_cut_is_not_kept_and_the_cut_is_no_end() {
    let (_folder, mut upstream, asking) = begin(&[Act::Answer, Act::Cut], &[]).await;
    assert_eq!(asking.post("one").await, 200);
    let cut = asking.head("two").await;
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err(), "it has not ended as a body ends");
    assert_eq!(asking.post("three").await, 200);
    let expected = [(0, Act::Answer, "one"), (0, Act::Cut, "two"), (1, Act::Answer, "three")];
    assert_eq!(upstream.requests(), expected.map(|(at, act, body)| request(at, act, body)));
}

#[tokio::test]
async fn one_that_is_dead_does_not_take_the_time_that_an_answer_may_take() {
    let (_folder, mut upstream, asking) =
        begin(&[Act::Answer, Act::Silence], &["--connect-timeout", "1s"]).await;
    assert_eq!(asking.post("one").await, 200);
    // Far within the five minutes for a head, which this test would wait for in vain.
    assert_eq!(asking.post("two").await, 502);
    for expected in [request(0, Act::Answer, "one"), request(0, Act::Silence, "two"), Seen::Closed(0)] {
        assert_eq!(upstream.saw().await, expected);
    }
}

#[tokio::test]
async fn one_that_answers_no_pings_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Frames::start(&folder.path().join("ca.pem"), std::iter::empty(), false).await;
    let asking = Asking::start(folder.path(), &upstream.url, &[]);
    for (number, body) in ["one", "two"].into_iter().enumerate() {
        assert_eq!(asking.post(body).await, 200);
        assert_eq!(upstream.saw().await, request(number, Act::Answer, body));
        assert_eq!(upstream.saw().await, Seen::Closed(number));
    }
}

#[tokio::test]
async fn none_outlives_the_rules_that_its_address_was_checked_by() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Frames::start(&folder.path().join("ca.pem"), std::iter::empty(), true).await;
    let file = folder.path().join("durablefetch.toml");
    let allow = |origin: &str| fs::write(&file, format!("allow = [\"{origin}/\"]\n")).unwrap();
    let origin = upstream.url.trim_end_matches("/stream").to_owned();
    allow(&origin);
    let asking = Asking::start(folder.path(), &upstream.url, &["--config", file.to_str().unwrap()]);
    assert_eq!(asking.post("one").await, 200);
    assert_eq!(upstream.saw().await, request(0, Act::Answer, "one"));
    let hang_up = || asking.recorder.signal("-HUP");
    hang_up();
    assert_eq!(upstream.saw().await, Seen::Closed(0));
    assert_eq!(asking.post("two").await, 200, "it is allowed as before");
    assert_eq!(upstream.saw().await, request(1, Act::Answer, "two"));
    allow("https://elsewhere.example");
    hang_up();
    assert_eq!(upstream.saw().await, Seen::Closed(1));
    assert_eq!(asking.post("three").await, 403);
    assert_eq!(upstream.has_seen(), None);
}

/// What becomes of so many starts, by one seed: how many of them fail, and on how many connections they were made.
async fn starts(many: usize, seed: u64, kept: bool) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    let acts = std::iter::repeat_with(move || match random.u32(..100) {
        0..4 => Act::Refuse,
        4..8 => Act::LeaveBefore,
        8..10 => Act::LeaveAfter,
        10..12 => Act::Break,
        12..18 => Act::AnswerAndLeave,
        18..22 => Act::AnswerAndEnd,
        _ => Act::Answer,
    });
    // Connections to one that answers no pings are not kept.
    let mut upstream = Frames::start(&folder.path().join("ca.pem"), acts, kept).await;
    let asking = Asking::start(folder.path(), &upstream.url, &[]);
    let (mut failed, mut connections) = (0, 0);
    for number in 0..many {
        let body = number.to_string();
        let status = asking.post(&body).await;
        assert!(matches!(status, 200 | 502), "{status}");
        failed += usize::from(status != 200);
        let (mut processed, mut leaves) = (0, None);
        while let Some(seen) = upstream.has_seen() {
            let Seen::Request(connection, act, of) = seen else {
                leaves = None;
                continue;
            };
            assert_eq!(of, body);
            connections = connections.max(connection + 1);
            processed += usize::from(act.processes());
            leaves = matches!(act, Act::AnswerAndLeave | Act::AnswerAndEnd).then_some(connection);
        }
        assert!(processed <= 1, "start {number} was processed {processed} times, seed {seed}");
        assert!(processed == 1 || status == 502);
        // What the recorder cannot know yet is another matter than what it does about it.
        while leaves.is_some_and(|_| kept) && upstream.saw().await != Seen::Closed(leaves.unwrap()) {}
    }
    (failed, connections)
}

#[tokio::test]
async fn no_start_is_made_twice_and_no_more_of_them_fail_than_on_new_connections() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (many, seed) = (number("STARTS", 300) as usize, number("SEED", 1));
    let ((failed_new, connections_new), (failed, connections)) =
        tokio::join!(starts(many, seed, false), starts(many, seed, true));
    eprintln!("seed {seed}: of {many} starts {failed} failed on {connections} kept connections,");
    eprintln!("{failed_new} on {connections_new} new ones");
    assert!(failed <= failed_new, "{failed} of {many} failed, {failed_new} on new connections, seed {seed}");
    assert!(connections * 2 < connections_new, "{connections} of {connections_new}: few were kept");
}

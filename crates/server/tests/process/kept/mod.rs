//! Connections to upstreams that are kept: whatever becomes of one, no request is made twice, and none fails that a new
//! connection would have answered.

mod upstream;

use std::path::Path;
use std::process::Command;
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
        let request = self.client.post(format!("http://{}/", self.recorder.address));
        let request = request.header("durablefetch-url", &self.url).header("durablefetch-mode", "match");
        let request = request.body(body.to_owned());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(text == "over HTTP/2" || status != 200, "{text}");
        status
    }
}

async fn begin(acts: &[Act], flags: &[&str]) -> (tempfile::TempDir, Frames, Asking) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Frames::start(&folder.path().join("ca.pem"), acts, true).await;
    let asking = Asking::start(folder.path(), &upstream.url, flags);
    (folder, upstream, asking)
}

#[tokio::test]
async fn one_takes_one_request_after_the_other() {
    let (_folder, mut upstream, asking) = begin(&[], &[]).await;
    for body in ["one", "two", "three"] {
        assert_eq!(asking.post(body).await, 200);
        assert_eq!(upstream.saw().await, Seen::Request(0, Act::Answer));
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
    assert_eq!(first, Seen::Request(0, Act::Silence));
    assert_eq!(asking.post("answered").await, 200);
    assert_eq!(upstream.saw().await, Seen::Request(1, Act::Answer));
}

#[tokio::test]
async fn one_that_its_upstream_has_left_is_asked_no_more() {
    let (_folder, mut upstream, asking) = begin(&[Act::AnswerAndLeave], &[]).await;
    assert_eq!(asking.post("one").await, 200);
    assert_eq!(upstream.saw().await, Seen::Request(0, Act::AnswerAndLeave));
    assert_eq!(upstream.saw().await, Seen::Closed(0));
    assert_eq!(asking.post("two").await, 200);
    assert_eq!(upstream.saw().await, Seen::Request(1, Act::Answer));
}

#[tokio::test]
async fn what_was_provably_not_processed_is_sent_again_and_once() {
    for act in [Act::Refuse, Act::LeaveBefore] {
        let (_folder, mut upstream, asking) = begin(&[Act::Answer, act], &[]).await;
        assert_eq!(asking.post("one").await, 200);
        assert_eq!(asking.post("two").await, 200, "{act:?}");
        assert_eq!(upstream.saw().await, Seen::Request(0, Act::Answer));
        assert_eq!(upstream.saw().await, Seen::Request(0, act));
        while let seen @ (Seen::Closed(0) | Seen::Request(1, Act::Answer)) = upstream.saw().await {
            if seen != Seen::Closed(0) {
                break;
            }
        }
        assert_eq!(asking.post("three").await, 200);
        while let Seen::Closed(closed) = upstream.saw().await {
            assert_eq!(closed, 0);
        }
        assert!(upstream.is_all(), "{act:?}: each was sent as often as it is told");
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_not_sent_again() {
    for act in [Act::Break, Act::LeaveAfter] {
        let (_folder, mut upstream, asking) = begin(&[Act::Answer, act], &[]).await;
        assert_eq!(asking.post("one").await, 200);
        assert_eq!(asking.post("two").await, 502, "{act:?}");
        assert_eq!(asking.post("three").await, 200, "{act:?}");
        for expected in [(0, Act::Answer), (0, act), (1, Act::Answer)] {
            assert_eq!(upstream.saw().await, Seen::Request(expected.0, expected.1), "{act:?}");
        }
        assert!(upstream.is_all(), "{act:?}");
    }
}

#[tokio::test]
async fn one_that_is_dead_does_not_take_the_time_that_an_answer_may_take() {
    let (_folder, mut upstream, asking) =
        begin(&[Act::Answer, Act::Silence], &["--connect-timeout", "1s"]).await;
    assert_eq!(asking.post("one").await, 200);
    // Far within the five minutes for a head, which this test would wait for in vain.
    assert_eq!(asking.post("two").await, 502);
    for expected in [Seen::Request(0, Act::Answer), Seen::Request(0, Act::Silence), Seen::Closed(0)] {
        assert_eq!(upstream.saw().await, expected);
    }
}

#[tokio::test]
async fn one_that_answers_no_pings_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Frames::start(&folder.path().join("ca.pem"), &[], false).await;
    let asking = Asking::start(folder.path(), &upstream.url, &[]);
    for number in 0..2 {
        assert_eq!(asking.post(&number.to_string()).await, 200);
        assert_eq!(upstream.saw().await, Seen::Request(number, Act::Answer));
        assert_eq!(upstream.saw().await, Seen::Closed(number));
    }
}

#[tokio::test]
async fn none_outlives_the_rules_that_its_address_was_checked_by() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Frames::start(&folder.path().join("ca.pem"), &[], true).await;
    let file = folder.path().join("durablefetch.toml");
    let allow = |origin: &str| fs::write(&file, format!("allow = [\"{origin}/\"]\n")).unwrap();
    let origin = upstream.url.trim_end_matches("/stream").to_owned();
    allow(&origin);
    let asking = Asking::start(folder.path(), &upstream.url, &["--config", file.to_str().unwrap()]);
    assert_eq!(asking.post("one").await, 200);
    assert_eq!(upstream.saw().await, Seen::Request(0, Act::Answer));
    let hang_up = || {
        let id = asking.recorder.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    };
    hang_up();
    assert_eq!(upstream.saw().await, Seen::Closed(0));
    assert_eq!(asking.post("two").await, 200, "it is allowed as before");
    assert_eq!(upstream.saw().await, Seen::Request(1, Act::Answer));
    allow("https://elsewhere.example");
    hang_up();
    assert_eq!(upstream.saw().await, Seen::Closed(1));
    assert_eq!(asking.post("three").await, 403);
    assert!(upstream.is_all());
}

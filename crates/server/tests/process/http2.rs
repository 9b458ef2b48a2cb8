//! HTTP/2 without TLS on the same port: readers follow, and a cut is a reset of their stream alone.

use std::thread;

use crate::support::{Recorder, Upstream, answer, send};

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().http2_prior_knowledge().tls_certs_only([]).build().unwrap()
}

/// Everything of a body, and whether it ended as a body ends.
async fn rest(mut response: reqwest::Response) -> (String, bool) {
    let mut out = String::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => out.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(None) => return (out, true),
            Err(_) => return (out, false),
        }
    }
}

#[tokio::test]
async fn readers_follow_and_a_cut_breaks_one_stream_alone() {
    let data = tempfile::tempdir().unwrap();
    let (whole, cut) = (Upstream::start(), Upstream::start());
    let recorder = Recorder::start(data.path(), &[]);
    let client = client();
    let ask = |url: &str| {
        let request = client.get(format!("http://{}/", recorder.address)).header("durablefetch-url", url);
        tokio::spawn(request.send())
    };
    let urls = (whole.url.clone(), cut.url.clone());
    let asking = (ask(&urls.0), ask(&urls.1));
    // The upstreams wait for their requests, each in a thread of its own.
    let whole = thread::spawn(move || {
        let mut stream = whole.asked();
        answer(&mut stream);
        send(&mut stream, "all of it");
        stream
    });
    let cut = thread::spawn(move || {
        let mut stream = cut.asked();
        answer(&mut stream);
        send(&mut stream, "half of");
    });
    let (first, second) = (asking.0.await.unwrap().unwrap(), asking.1.await.unwrap().unwrap());
    assert_eq!(
        (first.version(), first.headers()["durablefetch-state"].as_bytes()),
        (http::Version::HTTP_2, &b"streaming"[..])
    );
    cut.join().unwrap();
    assert_eq!(rest(second).await, ("half of".into(), false));
    let again = ask(&urls.0).await.unwrap().unwrap();
    let mut stream = whole.join().unwrap();
    send(&mut stream, "");
    assert_eq!(rest(first).await, ("all of it".into(), true), "the same connection goes on");
    assert_eq!(rest(again).await, ("all of it".into(), true));
}

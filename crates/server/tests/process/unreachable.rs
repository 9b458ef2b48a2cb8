//! An upstream that is not there.

use std::io::Read as _;
use std::net::TcpListener;

use durablefetch_conformance::upstream::Nobody;

use crate::support::Recorder;

#[test]
fn is_named_with_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let nobody = Nobody::bind().unwrap();
    let (_, body) = recorder.send("GET /", &[("durablefetch-url", &nobody.url())], "").all();
    let url = nobody.url();
    let host = url.split('/').nth(2).unwrap();
    assert!(body.contains(host) && body.contains("refused"), "{body}");
}

/// It takes connections, and never answers what TLS begins with.
#[test]
fn does_not_have_the_time_of_a_head_for_tls() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &["--connect-timeout", "300ms"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let (_, body) = recorder.send("GET /", &[("durablefetch-url", &url)], "").all();
    assert!(body.contains("upstream-unreachable") && body.contains("no connection within 300ms"), "{body}");
    let (mut taken, _) = listener.accept().unwrap();
    let mut hello = Vec::new();
    // It was asked, and the connection is closed.
    taken.read_to_end(&mut hello).unwrap();
    assert_eq!(hello.first(), Some(&22), "a handshake record of TLS");
}

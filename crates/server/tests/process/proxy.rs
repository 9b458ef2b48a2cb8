//! A proxy of the environment would resolve names and connect in the recorder's stead, unchecked.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Stdio;

use durablefetch_conformance::upstream::Nobody;

use crate::support::{Recorder, Upstream, answer, command, send};

#[test]
fn is_not_used() {
    let data = tempfile::tempdir().unwrap();
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", canary.local_addr().unwrap());
    let mut command = command(data.path(), &[]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &proxy).env(name.to_lowercase(), &proxy);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let recorder = Recorder::spawn(command.stderr(Stdio::inherit()));

    let upstream = Upstream::start();
    let mut reply = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    send(&mut stream, "straight");
    reply.head();
    assert_eq!(reply.take(8), "straight");
    // One that cannot be connected to is not handed to a proxy either.
    let nobody = Nobody::bind().unwrap();
    for url in [nobody.url(), nobody.url().replace("http:", "https:")] {
        let head = recorder.send("GET /", &[("durablefetch-url", &url)], "").head();
        assert!(head.contains("durablefetch-error: upstream-unreachable"), "{head}");
    }
    assert_eq!(canary.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

//! Upstreams over TLS: HTTP/2 where they offer it, their certificate checked.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::support::{Recorder, command};

/// An upstream that offers these versions, and tells in which it was asked. Its certificate is written to `file`.
async fn serve(file: &Path, alpn: &[&str]) -> (String, mpsc::UnboundedReceiver<Version>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|version| version.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/stream", listener.local_addr().unwrap().port());
    let (asked, versions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // One that does not trust it hangs up here.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let asked = asked.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                asked.send(request.version()).unwrap();
                async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"over TLS")))) }
            });
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (url, versions)
}

async fn get(recorder: &Recorder, url: &str) -> (u16, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client.get(format!("http://{}/", recorder.address)).header("durablefetch-url", url);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn are_asked_in_the_best_version_that_they_offer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("upstream.pem");
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let (url, mut versions) = serve(&file, alpn).await;
        let mut command = command(&folder.path().join("data"), &[]);
        command.env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
        let recorder = Recorder::spawn(command.stderr(Stdio::inherit()));
        assert_eq!(get(&recorder, &url).await, (200, "over TLS".to_owned()), "{alpn:?}");
        assert_eq!(versions.recv().await, Some(version));
        recorder.kill();
    }
}

#[tokio::test]
async fn are_not_asked_where_their_certificate_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let (url, mut versions) = serve(&folder.path().join("upstream.pem"), &["h2"]).await;
    let other = folder.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&other, made.cert.pem()).unwrap();
    let mut command = command(&folder.path().join("data"), &[]);
    command.env("SSL_CERT_FILE", &other).env_remove("SSL_CERT_DIR");
    let recorder = Recorder::spawn(command.stderr(Stdio::inherit()));
    let (status, body) = get(&recorder, &url).await;
    assert!(status == 502 && body.contains("upstream-unreachable"), "{body}");
    assert!(versions.try_recv().is_err());
}

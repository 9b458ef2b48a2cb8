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

/// A listener's URL, and what makes TLS of its connections, in these versions. The certificate is written to `file`.
pub(crate) async fn listen(file: &Path, alpn: &[&str]) -> (String, TcpListener, TlsAcceptor) {
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/stream", listener.local_addr().unwrap().port());
    (url, listener, TlsAcceptor::from(Arc::new(config)))
}

/// An upstream that offers these versions, and tells in which it was asked. Its certificate is written to `file`.
async fn serve(file: &Path, alpn: &[&str]) -> (String, mpsc::UnboundedReceiver<Version>) {
    let (url, listener, acceptor) = listen(file, alpn).await;
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

/// One that sends so many interim answers over HTTP/2, and then, if it comes to that, an answer of this length.
async fn interim(file: &Path, many: usize, body: usize) -> String {
    let (url, listener, acceptor) = listen(file, &["h2"]).await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(acceptor.accept(stream).await.unwrap()).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        let driver = tokio::spawn(async move { while connection.accept().await.is_some() {} });
        for number in 0..many {
            let hint = Response::builder().status(103).header("link", format!("</{number}.css>"));
            if respond.send_informational(hint.body(()).unwrap()).is_err() {
                return;
            }
            if number % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let mut sending = respond.send_response(Response::new(()), false).unwrap();
        sending.send_data(vec![b'x'; body].into(), true).unwrap();
        driver.await.unwrap();
    });
    url
}

#[tokio::test]
async fn interim_answers_have_an_end_over_http2_as_well() {
    let folder = tempfile::tempdir().unwrap();
    for (many, body, status) in [(1000, 6 << 20, 200), (usize::MAX, 0, 502)] {
        let file = folder.path().join("ca.pem");
        let url = interim(&file, many, body).await;
        let data = folder.path().join(many.to_string());
        let mut command = command(&data, &["--allow", &url, "--header-timeout", "10m"]);
        command.env("SSL_CERT_FILE", &file).stderr(Stdio::inherit());
        let recorder = Recorder::spawn(&mut command);
        let (told, text) = get(&recorder, &url).await;
        assert_eq!(told, status, "{text}");
        assert!(text.len() == body || text.contains("upstream-failed"), "{text}");
    }
}

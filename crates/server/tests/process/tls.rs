//! TLS: HTTP/1.1 and HTTP/2 by ALPN, cuts, and a certificate that is renewed while it runs.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::support::{Recorder, Upstream, answer, command, send};

/// Writes a certificate for `localhost` and its key, and returns the certificate.
pub(crate) fn certify(folder: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

pub(crate) fn client(trusted: &reqwest::Certificate) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()])
}

pub(crate) fn start(folder: &Path, flags: &[&str]) -> Recorder {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    Recorder::start(&folder.join("data"), &[&tls, flags].concat())
}

#[tokio::test]
async fn readers_follow_over_both_versions_and_a_cut_is_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certify(folder.path());
    let recorder = start(folder.path(), &[]);
    let url = format!("https://localhost:{}/", recorder.address.port());
    for (client, version) in [
        (client(&trusted).build().unwrap(), http::Version::HTTP_2),
        (client(&trusted).http1_only().build().unwrap(), http::Version::HTTP_11),
    ] {
        let upstream = Upstream::start();
        let asking = tokio::spawn(client.get(&url).header("durablefetch-url", &upstream.url).send());
        let mut stream = tokio::task::spawn_blocking(move || upstream.asked()).await.unwrap();
        answer(&mut stream);
        send(&mut stream, "half of");
        let mut response = asking.await.unwrap().unwrap();
        assert_eq!(response.version(), version);
        assert_eq!(response.headers()["durablefetch-state"], "streaming");
        assert_eq!(response.chunk().await.unwrap().unwrap(), "half of");
        drop(stream);
        assert!(response.chunk().await.is_err(), "a cut looks like an end over {version:?}");
    }
}

/// As nginx does, where it has a recorder with a certificate behind it.
#[test]
fn who_asks_for_no_version_is_answered_in_http_1() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let recorder = start(folder.path(), &[]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(recorder.address).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(begin.as_slice(), b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_after_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let old = certify(folder.path());
    let recorder = start(folder.path(), &[]);
    let url = format!("https://localhost:{}/healthz", recorder.address.port());
    let works = |trusted: &reqwest::Certificate| client(trusted).build().unwrap().get(&url).send();
    works(&old).await.unwrap();

    let hang_up = || recorder.signal("-HUP");
    let new = certify(folder.path());
    hang_up();
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while works(&new).await.is_err() {
        assert!(std::time::Instant::now() < until, "the new certificate is not shown");
        tokio::task::yield_now().await;
    }
    assert!(works(&old).await.is_err(), "the old certificate is still shown");
    // What cannot be used changes nothing.
    fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    hang_up();
    for _ in 0..20 {
        works(&new).await.unwrap();
    }
}

#[test]
fn a_certificate_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let refused = |cert: &Path, key: &Path| {
        let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let output = command(&folder.path().join("data"), &flags).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let nowhere = folder.path().join("nowhere.pem");
    for (message, named) in [
        (refused(&nowhere, &key), "nowhere.pem"),
        (refused(&cert, &nowhere), "nowhere.pem"),
        (refused(&key, &key), "no certificate"),
        (refused(&cert, &cert), "cert.pem"),
    ] {
        assert!(message.contains(named), "{message}");
    }
    let other = tempfile::tempdir().unwrap();
    certify(other.path());
    let message = refused(&cert, &other.path().join("key.pem"));
    assert!(message.contains("do not go together"), "{message}");
    let output =
        command(&folder.path().join("data"), &["--tls-cert", cert.to_str().unwrap()]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("--tls-key"));
}

//! An upstream over TLS, and the way to it, which takes its time.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;

/// One that answers at once in these versions of HTTP, at the end of a way of this round trip: its URL. Its certificate is
/// written to `file`.
pub(super) async fn start(file: &Path, versions: &[&str], round_trip: Duration) -> Result<String> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    std::fs::write(file, made.cert.pem()).with_context(|| file.display().to_string())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = versions.iter().map(|version| version.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/answer", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            // A client that leaves is not an error.
            tokio::spawn(
                async move { serve(distant(stream, round_trip)?, acceptor).await.ok().context("left") },
            );
        }
    });
    Ok(url)
}

async fn serve(stream: tokio::io::DuplexStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let stream = acceptor.accept(stream).await?;
    let service =
        service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"answer")))));
    let server = auto::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
}

/// The end of a way at whose beginning this is. Loopback makes a connection at once: what comes first waits for the round
/// trip that this takes elsewhere.
fn distant(stream: TcpStream, round_trip: Duration) -> Result<tokio::io::DuplexStream> {
    stream.set_nodelay(true)?;
    let (here, there) = tokio::io::duplex(1 << 20);
    let (from_client, to_client) = stream.into_split();
    let (from_server, to_server) = tokio::io::split(here);
    tokio::spawn(carry(from_client, to_server, round_trip / 2, Instant::now() + round_trip));
    tokio::spawn(carry(from_server, to_client, round_trip / 2, Instant::now()));
    Ok(there)
}

/// Carries bytes, each of which is so long on its way, and none of which arrives before half a round trip after `open`.
async fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    delay: Duration,
    open: Instant,
) -> io::Result<()> {
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((arrives, bytes)) = under_way.recv().await {
            sleep_until(arrives).await;
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    });
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let arrives = Instant::now().max(open) + delay;
        if read == 0 || sender.send((arrives, buffer[..read].to_vec())).is_err() {
            return Ok(());
        }
    }
}

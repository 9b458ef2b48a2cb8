//! Time to the first byte of an upstream that is far away and speaks TLS: through the recorder, and directly, on a
//! connection that is kept and on a new one.

mod upstream;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Certificate, Client, RequestBuilder};

use crate::native::servers::{Server, fresh};

/// To the upstream and back.
const ROUND_TRIP: Duration = Duration::from_millis(40);
/// What the recorder may add.
const ADDED: Duration = Duration::from_millis(3);

/// One way to the upstream, and how long the first byte of a POST took there, in milliseconds.
#[derive(Debug)]
pub struct Row {
    /// The version of HTTP and the way.
    pub name: String,
    /// In the median.
    pub median: f64,
    /// Of ten requests, nine took at most so long.
    pub most: f64,
}

/// Measures all ways, request by request in turn, and says what misses its target.
///
/// # Errors
/// Where something does not start, or an answer is not the upstream's.
pub async fn run(program: &Path, rounds: usize) -> Result<(Vec<Row>, Vec<String>)> {
    // An earlier run may have made it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut rows, mut missed) = (Vec::new(), Vec::new());
    for (version, alpn) in [("HTTP/2", &["h2"][..]), ("HTTP/1.1", &["http/1.1"])] {
        let [recorder, kept, new] = measure(program, alpn, rounds).await?;
        let beside = if version == "HTTP/2" { kept } else { new };
        let name = |way: &str| format!("{version}, {way}");
        rows.extend([
            Row { name: name("directly, on a connection that is kept"), ..row(kept) },
            Row { name: name("directly, on a new connection"), ..row(new) },
            Row { name: name("through the recorder"), ..row(recorder) },
        ]);
        if recorder.0 > beside.0 + ADDED.as_secs_f64() * 1e3 {
            missed.push(format!("{version}: {:.1} ms, directly {:.1} ms", recorder.0, beside.0));
        }
    }
    Ok((rows, missed))
}

fn row((median, most): (f64, f64)) -> Row {
    Row { name: String::new(), median, most }
}

/// Through the recorder, on a kept and on a new connection.
async fn measure(program: &Path, alpn: &[&str], rounds: usize) -> Result<[(f64, f64); 3]> {
    let folder = fresh("distant")?;
    let file = folder.join("upstream.pem");
    let url = upstream::start(&file, alpn, ROUND_TRIP).await?;
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
    command.env("RUST_LOG", "warn").env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
    let server = Server::announced(command, ([127, 0, 0, 1], 0).into(), "", Some(folder))?;
    let base = format!("http://{}/", server.target.address);
    let certificate = Certificate::from_pem(&std::fs::read(&file)?)?;
    let direct = || Client::builder().no_proxy().tls_certs_only([certificate.clone()]).build();
    let (kept, near) = (direct()?, Client::builder().no_proxy().tls_certs_only([]).build()?);
    let mut took = [const { Vec::new() }; 3];
    // One round more: the first makes the connections that are kept.
    for round in 0..=rounds {
        let body = format!("question {round}");
        let asking = near.post(&base).header("durablefetch-url", &url);
        let asking = [
            asking.header("durablefetch-mode", "match").body(body.clone()),
            kept.post(&url).body(body.clone()),
            direct()?.post(&url).body(body),
        ];
        for (took, request) in took.iter_mut().zip(asking) {
            let first = first_byte(request).await?;
            if round > 0 {
                took.push(first.as_secs_f64() * 1e3);
            }
        }
    }
    Ok(took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        (took[took.len() / 2], took[took.len() * 9 / 10])
    }))
}

async fn first_byte(request: RequestBuilder) -> Result<Duration> {
    let since = Instant::now();
    let mut response = request.send().await?.error_for_status()?;
    let first = response.chunk().await?.context("no byte came")?;
    let took = since.elapsed();
    let rest = response.bytes().await?;
    ensure!([first, rest].concat() == b"answer", "it is not the upstream's answer");
    Ok(took)
}

//! The measurements.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use durablefetch_protocol::control_json::CONTROL_BODY_MAX;
use durablefetch_protocol::name;
use http::header::{self, HeaderMap};
use http::{HeaderName, HeaderValue, Version};
use reqwest::{Client, Response};
use url::Url;

use super::{Finding, advice};
use crate::upstream::connect::causes;

/// Events that are waited for, one a second.
const EVENTS: usize = 4;
/// More than nginx takes by default, and no more than the recorder reads to its end before it refuses: a client that is
/// refused earlier might not read why.
const UPLOAD: usize = (1 << 20) + (1 << 16);
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to a recorder.
#[derive(Debug)]
pub(crate) struct Way {
    base: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    client: Client,
}

impl Way {
    pub(crate) fn new(
        base: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        insecure: bool,
    ) -> Result<Self, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(insecure)
            .build()
            .map_err(|error| format!("no HTTP client: {}", causes(&error)))?;
        Ok(Self { base, headers, client })
    }

    fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self.client.request(method, url).header("accept-encoding", "gzip, br, zstd");
        for (name, value) in &self.headers {
            request = request.header(name, value.clone());
        }
        request
    }

    /// Ends what was measured with.
    async fn forget(&self, demo: &str) {
        let url = format!("{}{demo}", self.base.as_str().trim_end_matches('/'));
        let body = serde_json::json!({ "url": url }).to_string();
        let deleting = self.request(http::Method::POST, "/delete").body(body).timeout(PATIENCE).send();
        if let Err(error) = deleting.await {
            tracing::debug!("the demo stream stays: {}", causes(&error));
        }
    }
}

fn nonce() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", since.as_nanos())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a recorder answers, and over which version of HTTP.
pub(crate) async fn recorder(way: &Way) -> Vec<Finding> {
    let since = Instant::now();
    // An address that wants to know who asks, unlike /healthz.
    let body = serde_json::json!({ "url": "https://durablefetch.invalid/" }).to_string();
    let response =
        match way.request(http::Method::POST, "/in-progress").body(body).timeout(PATIENCE).send().await {
            Ok(response) => response,
            Err(error) => {
                let remedy = "is the address right, is it reachable from here, and is its certificate valid?";
                return vec![Finding::bad(format!("nothing answers: {}", causes(&error)), remedy)];
            }
        };
    let took = since.elapsed();
    let (status, version) = (response.status().as_u16(), response.version());
    let headers = response.headers().clone();
    if !headers.contains_key(name::STATE) {
        let server = text(&headers, "server");
        return vec![advice::not_a_recorder(
            status,
            if server.is_empty() { "another server" } else { server },
        )];
    }
    let error = text(&headers, name::ERROR).to_owned();
    let body: serde_json::Value =
        response.text().await.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if !error.is_empty() {
        return vec![advice::recorder_error(&error, body["error"]["message"].as_str().unwrap_or_default())];
    }
    let mut findings = vec![Finding::good(format!("a recorder answers ({} ms)", took.as_millis()))];
    findings.push(match (version, way.base.scheme()) {
        (Version::HTTP_2 | Version::HTTP_3, _) => Finding::good(format!("{version:?} is spoken")),
        (_, "https") => Finding::fair(format!("{version:?} is spoken"), advice::HTTP1),
        _ => Finding::fair(format!("{version:?} is spoken, without TLS"), advice::PLAIN),
    });
    findings
}

/// Whether bytes arrive as they are sent.
pub(crate) async fn streaming(way: &Way) -> Vec<Finding> {
    let mut found = stream(way).await;
    if found.as_ref().is_ok_and(|(_, came)| is_doubtful(came)) {
        found = stream(way).await;
    }
    match found {
        Ok((headers, came)) => judge(&headers, &came),
        Err(error) => vec![Finding::bad(format!("a stream cannot be read: {error}"), advice::BUFFERED)],
    }
}

async fn stream(way: &Way) -> Result<(HeaderMap, Vec<Duration>), String> {
    let demo = format!("/demo/check-{}", nonce());
    let found = match way.request(http::Method::GET, &demo).send().await {
        Ok(response) => arrivals(response).await,
        Err(error) => Err(causes(&error)),
    };
    way.forget(&demo).await;
    found
}

/// When each event came, since the first.
async fn arrivals(mut response: Response) -> Result<(HeaderMap, Vec<Duration>), String> {
    let headers = response.headers().clone();
    let since = Instant::now();
    let (mut seen, mut came) = (Vec::new(), Vec::new());
    while came.len() < EVENTS {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await;
        let chunk = chunk.map_err(|_| format!("nothing came for {PATIENCE:?}"))?;
        let Some(chunk) = chunk.map_err(|error| causes(&error))? else { break };
        seen.extend_from_slice(&chunk);
        let events = seen.windows(2).filter(|pair| pair == b"\n\n").count();
        came.resize(events.min(EVENTS).max(came.len()), since.elapsed());
    }
    if came.len() < EVENTS {
        return Err("it ended before its fourth event".to_owned());
    }
    Ok((headers, came))
}

/// From the first event to the last.
fn spread(came: &[Duration]) -> Duration {
    let (first, last) = (came.first().copied(), came.last().copied());
    last.unwrap_or_default().saturating_sub(first.unwrap_or_default())
}

/// The events are sent one a second, and these came in fewer pieces.
fn is_buffered(came: &[Duration]) -> bool {
    let together = |pair: &[Duration]| pair[1].saturating_sub(pair[0]) < Duration::from_millis(250);
    came.windows(2).any(together) || spread(came) < Duration::from_secs(EVENTS as u64 - 2)
}

/// Some came together and others did not: that is a small buffer, or a hiccup of the network or of this machine.
fn is_doubtful(came: &[Duration]) -> bool {
    is_buffered(came) && spread(came) >= Duration::from_secs(1)
}

fn judge(headers: &HeaderMap, came: &[Duration]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let spread = spread(came);
    findings.push(if is_buffered(came) {
        Finding::bad(
            format!(
                "streaming is buffered: {EVENTS} events sent one a second came within {} ms",
                spread.as_millis()
            ),
            advice::BUFFERED,
        )
    } else {
        Finding::good(format!("streaming is live: {EVENTS} events, one a second, each by itself"))
    });
    let coding = text(headers, header::CONTENT_ENCODING.as_str());
    if !coding.is_empty() && coding != "identity" {
        findings.push(Finding::bad(format!("answers are compressed ({coding})"), advice::COMPRESSED));
    }
    findings
}

/// Whether an answer that is silent for a while is cut.
pub(crate) async fn silence(way: &Way, silence: Duration) -> Vec<Finding> {
    let demo = format!("/demo/silent-{}-{}", silence.as_secs() + 30, nonce());
    let mut response = match way.request(http::Method::GET, &demo).send().await {
        Ok(response) => response,
        Err(error) => return vec![Finding::bad(causes(&error), "see above")],
    };
    let (mut since, mut seen) = (Instant::now(), 0);
    let found = loop {
        let left = silence.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, response.chunk()).await {
            Err(_) => break Finding::good(format!("a silent answer is not cut within {silence:?}")),
            Ok(Ok(Some(chunk))) => {
                seen += chunk.len();
                since = Instant::now();
            }
            Ok(Ok(None) | Err(_)) if seen > 0 => {
                break Finding::fair(
                    format!("a silent answer is cut after {:.0?}", since.elapsed()),
                    "the client continues where it was, so that this costs one request; to spare it, raise the idle \
                     timeout (nginx: proxy_read_timeout 1h)",
                );
            }
            Ok(Ok(None) | Err(_)) => {
                break Finding::bad("a silent answer is cut before its first byte", advice::BUFFERED);
            }
        }
    };
    drop(response);
    way.forget(&demo).await;
    vec![found]
}

/// Whether a request body gets through that is larger than many proxies take by default.
pub(crate) async fn upload(way: &Way) -> Vec<Finding> {
    const { assert!(UPLOAD > CONTROL_BODY_MAX) };
    // The recorder refuses it, since a control call is small: by that it is known to have come so far.
    let request = way.request(http::Method::POST, "/in-progress").body(vec![b' '; UPLOAD]).timeout(PATIENCE);
    let size = "1.1 MB";
    vec![match request.send().await {
        Ok(response) if response.headers().contains_key(name::STATE) => {
            Finding::good(format!("a request body of {size} gets through"))
        }
        Ok(response) => Finding::bad(
            format!(
                "a request body of {size} is refused on the way, with status {}",
                response.status().as_u16()
            ),
            advice::UPLOAD,
        ),
        Err(error) => {
            Finding::fair(format!("a request body of {size} is cut: {}", causes(&error)), advice::UPLOAD)
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    fn verdict(millis: [u64; EVENTS]) -> Verdict {
        judge(&HeaderMap::new(), &millis.map(Duration::from_millis))[0].verdict
    }

    #[test]
    fn what_comes_together_was_buffered() {
        assert_eq!(verdict([0, 1000, 2000, 3000]), Verdict::Good);
        assert_eq!(verdict([0, 1400, 2010, 3300]), Verdict::Good);
        for buffered in [[3000, 3000, 3000, 3000], [0, 3000, 3000, 3000], [0, 1000, 1001, 3000], [0, 1, 2, 3]]
        {
            assert_eq!(verdict(buffered), Verdict::Bad, "{buffered:?}");
        }
        let doubtful = |millis: [u64; EVENTS]| is_doubtful(&millis.map(Duration::from_millis));
        assert!(doubtful([0, 1000, 1001, 3000]) && doubtful([0, 3000, 3000, 3000]));
        assert!(!doubtful([0, 1000, 2000, 3000]) && !doubtful([3000, 3000, 3000, 3000]));
    }

    #[test]
    fn compression_is_named() {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        let findings = judge(&headers, &[0, 1000, 2000, 3000].map(Duration::from_millis));
        assert!(findings[1].what.contains("gzip") && findings[1].verdict == Verdict::Bad);
    }
}

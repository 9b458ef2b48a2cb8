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
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

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

    /// The address of a path of the recorder.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    pub(super) fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        self.taking("identity", method, path)
    }

    /// A request of somebody who takes these codings.
    fn taking(&self, codings: &str, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.client.request(method, self.address(path)).header("accept-encoding", codings);
        for (name, value) in &self.headers {
            request = request.header(name, value.clone());
        }
        request
    }

    /// Ends what was measured with.
    pub(super) async fn forget(&self, demo: &str) {
        let body = serde_json::json!({ "url": self.address(demo) }).to_string();
        let deleting = self.request(http::Method::POST, "/delete").body(body).timeout(PATIENCE).send();
        if let Err(error) = deleting.await {
            tracing::debug!("the demo stream stays: {}", causes(&error));
        }
    }
}

/// What went wrong, with its causes.
#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
pub(super) fn causes_of(error: reqwest::Error) -> String {
    causes(&error)
}

/// Differs from one call to the next.
pub(super) fn nonce() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", since.as_nanos())
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
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

/// Whether bytes arrive as they are sent: those of an event stream, and of plain text, which more is done to on the way.
pub(crate) async fn streaming(way: &Way) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (kind, what) in [("check", "streaming"), ("plain-20", "streaming of plain text")] {
        let mut found = stream(way, kind).await;
        if found.as_ref().is_ok_and(|came| is_doubtful(came)) {
            found = stream(way, kind).await;
        }
        findings.push(match found {
            Ok(came) => judge(what, &came),
            Err(error) => Finding::bad(format!("{what} cannot be read: {error}"), advice::BUFFERED),
        });
    }
    findings.extend(compression(way).await);
    findings
}

/// Whether something on the way compresses for those who take it, as browsers do.
async fn compression(way: &Way) -> Option<Finding> {
    for kind in ["check", "plain-20"] {
        let demo = format!("/demo/{kind}-{}", nonce());
        let answered = way.taking("gzip, br, zstd", http::Method::GET, &demo).timeout(PATIENCE).send().await;
        let coding = answered
            .map(|response| text(response.headers(), header::CONTENT_ENCODING.as_str()).to_owned())
            .unwrap_or_default();
        way.forget(&demo).await;
        if !coding.is_empty() && coding != "identity" {
            return Some(Finding::bad(format!("answers are compressed ({coding})"), advice::COMPRESSED));
        }
    }
    None
}

async fn stream(way: &Way, kind: &str) -> Result<Vec<Duration>, String> {
    let demo = format!("/demo/{kind}-{}", nonce());
    let found = match way.request(http::Method::GET, &demo).send().await {
        Ok(response) => arrivals(response).await,
        Err(error) => Err(causes(&error)),
    };
    way.forget(&demo).await;
    found
}

/// When each event came, since the first.
async fn arrivals(mut response: Response) -> Result<Vec<Duration>, String> {
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
    Ok(came)
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

fn judge(what: &str, came: &[Duration]) -> Finding {
    if is_buffered(came) {
        Finding::bad(
            format!(
                "{what} is buffered: {EVENTS} events sent one a second came within {} ms",
                spread(came).as_millis()
            ),
            advice::BUFFERED,
        )
    } else {
        Finding::good(format!("{what} is live: {EVENTS} events, one a second, each by itself"))
    }
}

/// How an answer came to its end before it was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Before there was a byte.
    Unheard,
    /// All of it came at the end: it was held back, and then cut.
    Held { after: Duration },
    /// After so long, the last part of it without a byte.
    After { whole: Duration, silent: Duration },
}

/// Listens for so long to a stream of this kind, silent or talking. `None`: it was not cut.
async fn listen(way: &Way, kind: &str, patience: Duration) -> Result<Option<Cut>, String> {
    let demo = format!("/demo/{kind}-{}-{}", patience.as_secs() + 30, nonce());
    let asked = Instant::now();
    let mut response = way.request(http::Method::GET, &demo).send().await.map_err(causes_of)?;
    let (mut first, mut last) = (None, None);
    let cut = loop {
        // Silence is measured from the last byte, talk from the first.
        let since: Instant = if kind == "silent" { last } else { first }.unwrap_or(asked);
        let left = patience.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, response.chunk()).await {
            Err(_) => break None,
            Ok(Ok(Some(_))) => {
                first.get_or_insert_with(Instant::now);
                last = Some(Instant::now());
            }
            Ok(Ok(None) | Err(_)) => break Some(cut(asked, first, last, Instant::now())),
        }
    };
    drop(response);
    way.forget(&demo).await;
    Ok(cut)
}

fn cut(asked: Instant, first: Option<Instant>, last: Option<Instant>, now: Instant) -> Cut {
    let (Some(first), Some(last)) = (first, last) else { return Cut::Unheard };
    let whole = now - asked;
    // What is sent each second, or a minute ago, does not come with the end.
    if now - first < Duration::from_millis(500) && whole > Duration::from_secs(1) {
        return Cut::Held { after: whole };
    }
    Cut::After { whole, silent: now - last }
}

/// Whether an answer is cut that is silent for a while, or that takes its time.
pub(crate) async fn patience(way: &Way, patience: Duration) -> Vec<Finding> {
    let (silent, talking) = tokio::join!(listen(way, "silent", patience), listen(way, "talking", patience));
    match (silent, talking) {
        (Ok(silent), Ok(talking)) => judge_cuts(silent, talking, patience),
        (Err(error), _) | (_, Err(error)) => vec![Finding::bad(error, "see above")],
    }
}

/// What is cut although it talks is limited in all; what is cut in silence alone is so for the silence.
fn judge_cuts(silent: Option<Cut>, talking: Option<Cut>, patience: Duration) -> Vec<Finding> {
    let held = |after: Duration| {
        Finding::bad(format!("an answer is held back, and cut after {after:.0?}"), advice::BUFFERED)
    };
    let mut findings = Vec::new();
    match talking {
        None => findings.push(Finding::good(format!("an answer that takes {patience:?} is not cut"))),
        Some(Cut::Unheard) => {
            findings.push(Finding::bad("an answer is cut before its first byte", advice::BUFFERED));
        }
        Some(Cut::Held { after }) => findings.push(held(after)),
        Some(Cut::After { whole, .. }) => findings.push(Finding::fair(
            format!("an answer is cut after {whole:.0?}, although it talks"),
            advice::LIFETIME,
        )),
    }
    // A limit for all answers cuts the silent one at the same time, and has been told of.
    let in_all = |silent: Cut| match (silent, talking) {
        (Cut::After { whole: one, .. }, Some(Cut::After { whole: other, .. })) => {
            one.abs_diff(other) < TOGETHER
        }
        (Cut::Held { .. }, Some(Cut::Held { .. })) | (Cut::Unheard, Some(Cut::Unheard)) => true,
        _ => false,
    };
    match silent {
        None => findings.push(Finding::good(format!("a silent answer is not cut within {patience:?}"))),
        Some(silent) if in_all(silent) => {}
        Some(Cut::Unheard) => {
            findings.push(Finding::bad("a silent answer is cut before its first byte", advice::BUFFERED));
        }
        Some(Cut::Held { after }) => findings.push(held(after)),
        Some(Cut::After { silent, .. }) => findings
            .push(Finding::fair(format!("a silent answer is cut after {silent:.0?}"), advice::SILENCE)),
    }
    findings
}

/// Two that are cut by the same limit are cut within this.
const TOGETHER: Duration = Duration::from_secs(2);

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
        judge("streaming", &millis.map(Duration::from_millis)).verdict
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
    fn limits_are_told_apart() {
        let s = Duration::from_secs;
        let after = |whole, silent| Some(Cut::After { whole: s(whole), silent: s(silent) });
        let held = Some(Cut::Held { after: s(60) });
        for (silent, talking, said) in [
            (
                None,
                None,
                vec!["an answer that takes 70s is not cut", "a silent answer is not cut within 70s"],
            ),
            (after(60, 60), None, vec!["takes 70s is not cut", "a silent answer is cut after 60s"]),
            (after(60, 60), after(61, 0), vec!["an answer is cut after 61s, although it talks"]),
            (
                after(10, 10),
                after(60, 0),
                vec!["cut after 60s, although it talks", "silent answer is cut after 10s"],
            ),
            (held, held, vec!["an answer is held back, and cut after 60s"]),
            (held, None, vec!["is not cut", "an answer is held back, and cut after 60s"]),
            (Some(Cut::Unheard), Some(Cut::Unheard), vec!["an answer is cut before its first byte"]),
        ] {
            let findings = judge_cuts(silent, talking, s(70));
            assert_eq!(findings.len(), said.len(), "{findings:?}");
            for (finding, said) in findings.iter().zip(said) {
                assert!(finding.what.contains(said), "{said}: {findings:?}");
            }
        }
    }

    #[test]
    fn what_comes_with_the_end_was_held_back() {
        let asked = Instant::now();
        let at = |ms: u64| asked + Duration::from_millis(ms);
        let found = |first: u64, last: u64, now: u64| cut(asked, Some(at(first)), Some(at(last)), at(now));
        assert_eq!(cut(asked, None, None, at(60_000)), Cut::Unheard);
        assert_eq!(found(60_000, 60_000, 60_001), Cut::Held { after: Duration::from_millis(60_001) });
        let (whole, silent) = (Duration::from_millis(60_000), Duration::from_millis(59_990));
        assert_eq!(found(10, 10, 60_000), Cut::After { whole, silent });
    }
}

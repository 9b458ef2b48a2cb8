//! Whether the protocol's headers get through, both ways.

use std::time::Duration;

use durablefetch_protocol::{ErrorCode, name};
use http::Method;

use super::Finding;
use super::probe::{PATIENCE, Way, causes_of, nonce, text};

/// Headers of requests, with a value that no client sends: a recorder that is given it refuses the request.
const SENT: [(&str, &str); 4] = [
    (name::MODE, "no-such-mode"),
    (name::REQUEST, "not an id"),
    (name::RECORDING, "not-an-id"),
    (name::OFFSET, "not-a-number"),
];

/// Headers that every answer of a recording has.
const GIVEN: [&str; 3] = [name::RECORDING, name::STATE, name::PROTOCOL];

/// What a proxy that lets headers through lets through.
const REMEDY: &str = "have what stands in front of the recorder pass all headers that begin with `durablefetch-`, both ways \
     (a gateway or firewall with a list of headers: add them)";

/// Sends each header, and looks which have come.
pub(super) async fn both_ways(way: &Way) -> Vec<Finding> {
    match lost(way).await {
        Err(error) => vec![Finding::bad(format!("headers cannot be looked at: {error}"), "see above")],
        Ok((sent, given)) if sent.is_empty() && given.is_empty() => {
            vec![Finding::good("the protocol's headers get through, both ways")]
        }
        Ok((sent, given)) => {
            let mut findings = Vec::new();
            if !sent.is_empty() {
                let what = format!("these headers do not reach the recorder: {}", sent.join(", "));
                findings.push(Finding::bad(what, REMEDY));
            }
            if !given.is_empty() {
                let what = format!("these headers of the recorder do not come back: {}", given.join(", "));
                findings.push(Finding::bad(what, REMEDY));
            }
            findings
        }
    }
}

/// Which headers were lost on the way to the recorder, and which on the way back.
async fn lost(way: &Way) -> Result<(Vec<&'static str>, Vec<&'static str>), String> {
    let mut sent = Vec::new();
    for (name, value) in SENT {
        let demo = format!("/demo/plain-1-{}", nonce());
        let request = way.request(Method::GET, &demo).header(name, value).timeout(PATIENCE);
        let response = request.send().await.map_err(causes_of)?;
        if text(response.headers(), name::ERROR) != ErrorCode::BadRequest.as_str() {
            sent.push(name);
            drop(response);
            way.forget(&demo).await;
        }
    }
    // The URL of another recording in the header than in the address: the recorder answers for that of the header.
    let demo = format!("/demo/plain-1-{}", nonce());
    let url = way.address(&demo);
    let request = way.request(Method::GET, "/").header(name::URL, &url).timeout(PATIENCE);
    let response = request.send().await.map_err(causes_of)?;
    let given: Vec<_> = if text(response.headers(), name::RECORDING).is_empty()
        && text(response.headers(), name::STATE) == "none"
    {
        // That was the page for people.
        sent.push(name::URL);
        let response = way.request(Method::GET, &demo).timeout(PATIENCE).send().await.map_err(causes_of)?;
        missing(response.headers())
    } else {
        missing(response.headers())
    };
    way.forget(&demo).await;
    if !attaches(way).await? {
        sent.push(name::ATTACH);
    }
    // The control calls name their URL in a header, too, and refuse another one than that of the body.
    let body = serde_json::json!({ "url": "https://durablefetch.invalid/" }).to_string();
    let request = way.request(Method::POST, "/in-progress").header(name::FOR, "https://other.invalid/");
    let response = request.body(body).timeout(PATIENCE).send().await.map_err(causes_of)?;
    if text(response.headers(), name::ERROR) != ErrorCode::BadRequest.as_str() {
        sent.push(name::FOR);
    }
    Ok((sent, given))
}

/// Whether a request joins the recording that it names, although it asks for something else.
async fn attaches(way: &Way) -> Result<bool, String> {
    let demo = format!("/demo/check-{}", nonce());
    let first = way.request(Method::GET, &demo).timeout(PATIENCE).send().await.map_err(causes_of)?;
    let recording = text(first.headers(), name::RECORDING).to_owned();
    let other = way.request(Method::POST, &demo).header(name::ATTACH, &recording).timeout(PATIENCE);
    // With an id of its own it does not join what is live anyway.
    let other = other.header(name::REQUEST, format!("check-{}", nonce())).send().await.map_err(causes_of)?;
    let is_same = text(other.headers(), name::RECORDING) == recording;
    drop((first, other));
    way.forget(&demo).await;
    Ok(is_same)
}

fn missing(headers: &http::HeaderMap) -> Vec<&'static str> {
    GIVEN.into_iter().filter(|name| !headers.contains_key(*name)).collect()
}

/// Whether an answer with a large head gets through: frameworks and clouds set many headers.
pub(super) async fn large_head(way: &Way) -> Vec<Finding> {
    const SIZES: [usize; 3] = [2000, 6000, 14_000];
    let mut passed = 0;
    for size in SIZES {
        let demo = format!("/demo/head-{size}-{}", nonce());
        let answered = way.request(Method::GET, &demo).timeout(PATIENCE).send().await;
        let is_whole = answered.as_ref().is_ok_and(|response| {
            text(response.headers(), durablefetch_protocol::demo::PADDING).len() == size
        });
        drop(answered);
        way.forget(&demo).await;
        if !is_whole {
            let remedy = "raise the buffer for response heads in front of the recorder (nginx: proxy_buffer_size 16k; \
                          proxy_busy_buffers_size 32k)";
            let what = format!("an answer whose head has {size} bytes does not get through; {passed} do");
            return vec![if size > 10_000 {
                Finding::fair(what, remedy)
            } else {
                Finding::bad(what, remedy)
            }];
        }
        passed = size;
    }
    vec![Finding::good(format!("a head of {passed} bytes gets through"))]
}

/// Whether a head that takes its time gets through: a model thinks before it answers.
pub(super) async fn held_head(way: &Way, held: Duration) -> Vec<Finding> {
    let demo = format!("/demo/held-{}-{}", held.as_secs().max(1), nonce());
    let since = std::time::Instant::now();
    let answered = way.request(Method::GET, &demo).timeout(held + PATIENCE).send().await;
    let took = since.elapsed();
    let found = match answered {
        Ok(response) if response.status().is_success() => {
            Finding::good(format!("an answer may begin after {held:?}"))
        }
        Ok(response) => Finding::fair(
            format!(
                "an answer that begins after {held:?} is refused after {took:.0?}, with status {}",
                response.status().as_u16()
            ),
            LATE,
        ),
        Err(error) => Finding::fair(
            format!("an answer that begins after {held:?} is cut after {took:.0?}: {}", causes_of(error)),
            LATE,
        ),
    };
    way.forget(&demo).await;
    vec![found]
}

const LATE: &str = "the client asks again and joins what has begun, so that this costs requests; to spare them, raise the limit \
     for the first byte of an answer (nginx: proxy_read_timeout 1h)";

//! Those who read beside the app: each takes a cut for a cut and an end for an end, and comes back to the next recorder.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::http::{Answer, Ask, ask};
use super::plan::NODES;
use crate::clients::Got;
use crate::verdict::hex;

/// Silence for so long is a cut. Upstreams send more often.
const SILENCE: Duration = Duration::from_millis(2_500);
/// What cannot be answered now is asked for again after this.
const AGAIN: Duration = Duration::from_millis(100);

/// What a reader has to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Read {
    /// `None` where nothing was there for it to read.
    pub(crate) got: Option<Got>,
    /// The recordings that it was given: never more than one.
    pub(crate) recordings: BTreeSet<String>,
    /// When something came, and when it ended.
    pub(crate) times: Vec<Instant>,
}

/// Reads what is recorded of this URL from its first byte to its end, at the recorder of this number first, and starts nothing.
/// `over`: what is not there by then will not be.
pub(crate) async fn follow(
    ports: [u16; NODES],
    first: usize,
    url: &str,
    mut over: watch::Receiver<bool>,
) -> Read {
    let (mut read, mut held, mut at, mut reconnects) = (Read::default(), Vec::new(), first, 0);
    let (how, status, error) = loop {
        let offset = held.len().to_string();
        let replay = [("durablefetch-url", url), ("durablefetch-mode", "replay")];
        let recording = read.recordings.first().cloned();
        let rest = [
            ("durablefetch-url", url),
            ("durablefetch-recording", recording.as_deref().unwrap_or_default()),
            ("durablefetch-offset", offset.as_str()),
        ];
        let headers: &[_] = if recording.is_some() { &rest } else { &replay };
        let asked = Ask { method: "GET", path: "/", headers, body: "" };
        let answer = timeout(SILENCE, ask(ports[at % NODES], asked)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                at += 1;
                sleep(AGAIN).await;
                continue;
            }
        };
        match answer.status {
            200 => {
                read.recordings.extend(answer.header("durablefetch-recording").map(str::to_owned));
                read.times.push(Instant::now());
                if let Some(end) = body(answer, &mut held, &mut read.times).await {
                    break end;
                }
                reconnects += 1;
                at += 1;
            }
            404 if recording.is_none() => {
                if *over.borrow_and_update() {
                    return read;
                }
                sleep(AGAIN).await;
            }
            503 => {
                at += 1;
                sleep(AGAIN).await;
            }
            // Bytes that were sent and not stored: its recorder is dead (K8).
            416 => break ("error", 416, Some("interrupted".to_owned())),
            status => {
                let code = answer.header("durablefetch-error").map(str::to_owned);
                break ("error", status, code);
            }
        }
    };
    read.times.push(Instant::now());
    let sha256 = hex(&Sha256::digest(&held));
    read.got = Some(Got {
        how: how.into(),
        status: Some(status),
        bytes: held.len(),
        sha256,
        error,
        reconnects,
        uncaught: Vec::new(),
    });
    read
}

/// Reads a body. Returns how it ended, or nothing if it was cut.
async fn body(
    mut answer: Answer,
    held: &mut Vec<u8>,
    times: &mut Vec<Instant>,
) -> Option<(&'static str, u16, Option<String>)> {
    let state = answer.header("durablefetch-state").unwrap_or_default().to_owned();
    loop {
        match timeout(SILENCE, answer.next()).await {
            Ok(Ok(Some(bytes))) => {
                held.extend(bytes);
                times.push(Instant::now());
            }
            Ok(Ok(None)) => {
                // The rest of what broke comes to a clean end and says what it is the rest of.
                let is_whole = !matches!(state.as_str(), "failed" | "interrupted" | "superseded" | "deleted");
                return Some(if is_whole { ("end", 200, None) } else { ("error", 200, Some(state)) });
            }
            Ok(Err(_)) | Err(_) => return None,
        }
    }
}

/// What a recorder gives of this URL once all is over: its state, its bytes, and whether they end cleanly. Tries until it
/// answers.
pub(crate) async fn replay(port: u16, url: &str, within: Duration) -> Option<Got> {
    let replay = async {
        loop {
            let headers = [("durablefetch-url", url), ("durablefetch-mode", "replay")];
            let asked = ask(port, Ask { method: "GET", path: "/", headers: &headers, body: "" }).await;
            let Ok(mut answer) = asked else {
                sleep(AGAIN).await;
                continue;
            };
            if answer.status == 503 {
                sleep(AGAIN).await;
                continue;
            }
            let (status, mut held) = (answer.status, Vec::new());
            let error = answer.header("durablefetch-error").map(str::to_owned);
            if status != 200 {
                return (status, held, false, error);
            }
            loop {
                match answer.next().await {
                    Ok(Some(bytes)) => held.extend(bytes),
                    end => return (status, held, end.is_ok(), error),
                }
            }
        }
    };
    let (status, held, is_clean, error) = timeout(within, replay).await.ok()?;
    Some(Got {
        how: if is_clean { "end" } else { "error" }.into(),
        status: Some(status),
        bytes: held.len(),
        sha256: hex(&Sha256::digest(&held)),
        error,
        reconnects: 0,
        uncaught: Vec::new(),
    })
}

/// Makes the same request, with the same request id, at one recorder after the other, and reads no more of the answers than
/// their heads. Returns the recordings that it was answered with: never more than one.
pub(crate) async fn repeat(
    ports: [u16; NODES],
    request: Ask<'_>,
    mut over: watch::Receiver<bool>,
) -> BTreeSet<String> {
    let mut recordings = BTreeSet::new();
    for at in 0.. {
        // Once more at each of them when all is over.
        let last = *over.borrow_and_update();
        let ports = if last { &ports[..] } else { &ports[at % NODES..][..1] };
        for port in ports {
            if let Ok(Ok(answer)) = timeout(SILENCE, ask(*port, request)).await {
                recordings.extend(answer.header("durablefetch-recording").map(str::to_owned));
            }
        }
        if last {
            break;
        }
        // Until it is over, or for a moment.
        let _ = timeout(2 * AGAIN, over.changed()).await;
    }
    recordings
}

//! One body as fast as it comes: replay, ingest, continuation.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use crate::process::Processes;
use crate::reading::Reading;
use crate::record::Records;
use crate::target::Target;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What came of a request.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Bytes of the body.
    pub bytes: u64,
    /// From the request, connecting included, to the end of the body, in milliseconds.
    pub ms: f64,
    /// From the request, connecting included, to the first byte of the body, in milliseconds.
    pub first_ms: f64,
    /// Megabytes (10⁶) a second, from the request to the end.
    pub mb_s: f64,
    /// CPU of what is measured, in milliseconds.
    pub cpu_ms: f64,
    /// What `durablefetch-recording` says.
    pub recording: Option<String>,
}

/// Asks for `path` and reads the body to its end. With `record`, the size of a record, the body is checked.
///
/// # Errors
/// Where the answer is none of 200, the body is cut, or it is not what the upstream sends.
pub async fn fetch(
    target: &Target,
    path: &str,
    headers: &str,
    record: Option<usize>,
    processes: &Processes,
) -> Result<Outcome> {
    let cpu = processes.cpu()?;
    let from = Instant::now();
    let (mut bytes, mut first) = (0, None);
    let mut records = record.map(Records::new);
    let reading = async {
        let mut reading = Reading::open(target, path, headers, true).await?;
        let mut sink = |part: &[u8]| {
            first.get_or_insert_with(|| from.elapsed());
            bytes += part.len() as u64;
            records.as_mut().map_or(Ok(()), |records| records.take(part, |_| ()))
        };
        while reading.next(&mut sink).await? {}
        anyhow::Ok(reading.header("durablefetch-recording").map(str::to_owned))
    };
    let recording = timeout(PATIENCE, reading).await.context("the body does not come to its end")?;
    let recording = recording.with_context(|| format!("GET {path} at {}", target.address))?;
    let took = from.elapsed();
    ensure!(records.is_none_or(|records| !records.is_inside()), "the body ended inside a chunk");
    Ok(Outcome {
        bytes,
        ms: took.as_secs_f64() * 1e3,
        first_ms: first.unwrap_or(took).as_secs_f64() * 1e3,
        mb_s: bytes as f64 / 1e6 / took.as_secs_f64(),
        cpu_ms: processes.cpu()?.saturating_sub(cpu).as_secs_f64() * 1e3,
        recording,
    })
}

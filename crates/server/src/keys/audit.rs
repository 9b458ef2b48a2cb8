//! Compares what is counted with what is there.

use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::ProtocolError;

use crate::error::StoreError;
use crate::recorder::Recorder;

/// How often.
pub(super) const EVERY: Duration = Duration::from_mins(10);
/// A difference of up to so many bytes is one of moments: files grow and go while they are looked at.
const SLACK: u64 = 1 << 20;

/// Looks at every body file, and has what is counted be what is there, where they differ by more than what has changed
/// meanwhile.
pub(super) async fn run(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    if recorder.bodies.is_held() {
        // What is gone and still there would be counted once more.
        return Ok(());
    }
    let before = recorder.usage.bodies();
    let bodies = recorder.bodies.clone();
    let looked = tokio::task::spawn_blocking(move || bodies.bytes()).await.map_err(std::io::Error::other);
    let there = looked.and_then(|bytes| bytes).map_err(StoreError::from)?;
    let counted = recorder.usage.bodies();
    let moved = before.abs_diff(counted) + recorder.unwritten_bytes();
    let difference = i64::try_from(counted).unwrap_or(i64::MAX) - i64::try_from(there).unwrap_or(i64::MAX);
    recorder.metrics.set_difference(difference);
    if difference.unsigned_abs() > moved + SLACK {
        tracing::warn!(counted, there, "the bytes of stored bodies were counted wrong, and are put right");
        recorder.usage.correct_bodies(-difference);
    }
    Ok(())
}

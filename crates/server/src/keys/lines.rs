//! The lines of a recording's life: docs/logs.md lists their fields.

use durablefetch_protocol::access::scope_name;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, RecordingId};

use crate::clock::now_ms;
use crate::observe::redact;
use crate::observe::removal::Removal;
use crate::recorder::Recorder;
use crate::recording::{Recording, Start};

/// What the line calls the end of an answer that was passed through and not recorded, as those with a status outside 2xx are.
const PASSED_THROUGH: &str = "passed-through";

/// A line about a recording: what names it, and what this line has besides.
macro_rules! line {
    ($level:ident, $recorder:expr, $recording:expr, $($more:tt)+) => {{
        let (recording, asker): (&Recording, _) = ($recording, $recording.asker());
        tracing::$level!(
            target: "durablefetch::recording",
            recording = %recording.id,
            request = asker.map(|asker| asker.to_string()),
            node = asker.and_then(|asker| asker.node()),
            method = asker.map(|asker| asker.method()),
            url = redact::key(&recording.key),
            scope = scope_name(&$recorder.secret, recording.key.scope()),
            traceparent = asker.and_then(|asker| asker.traceparent()),
            $($more)+
        )
    }};
}

/// A recording has begun.
pub(crate) fn started(recorder: &Recorder, recording: &Recording) {
    line!(info, recorder, recording, "started");
}

/// A recording has ended: counts it and says how.
pub(crate) fn ended(recorder: &Recorder, recording: &Recording) {
    let seen = recording.progress();
    recorder.metrics.ended(seen.state());
    if let Some(cause) = seen.cause() {
        recorder.metrics.failed(cause);
    }
    if let Some(End::Fail(code)) = seen.decided() {
        recorder.metrics.upstream_error(code);
    }
    let upstream_status = recording.head().map(|head| head.status);
    if let Some(status) = upstream_status {
        recorder.metrics.upstream_answered(status);
    }
    let was_passed = seen.state().ends_clean() && recording.start() == Start::Unrecorded;
    let end = if was_passed { PASSED_THROUGH } else { seen.state().as_str() };
    let is_trouble =
        seen.cause().is_some() || was_passed && upstream_status.is_some_and(|status| status >= 500);
    let since = |at_ms: u64| at_ms.saturating_sub(recording.started_ms);
    macro_rules! say {
        ($level:ident) => {
            line!(
                $level,
                recorder,
                recording,
                end,
                cause = seen.cause().map(ErrorCode::as_str),
                upstream_status,
                first_byte_ms = recording.first_byte_ms().map(since),
                ms = since(now_ms()),
                bytes = seen.len(),
                chunks = seen.chunks(),
                readers = recording.entered(),
                "ended"
            )
        };
    }
    if is_trouble { say!(warn) } else { say!(info) }
}

/// A recording is stored no more.
pub(crate) fn removed(recorder: &Recorder, key: &Key, id: RecordingId, why: Removal) {
    recorder.metrics.removed(why);
    tracing::info!(
        target: "durablefetch::audit",
        recording = %id,
        url = redact::key(key),
        scope = scope_name(&recorder.secret, key.scope()),
        "removed: {}",
        why.why()
    );
}

//! What is refused, a line a minute for each reason: an operator who forgot a flag finds it there, and nobody can fill the
//! log by asking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use durablefetch_protocol::{ErrorCode, ProtocolError};

use super::redact;

/// The least time between two lines of one reason.
const EVERY_MS: u64 = 60_000;

/// The reasons that an operator can do something about.
const TOLD: [ErrorCode; 13] = [
    ErrorCode::MisdirectedHost,
    ErrorCode::ForbiddenOrigin,
    ErrorCode::ForwardedRequest,
    ErrorCode::UpstreamNotAllowed,
    ErrorCode::Unauthorized,
    ErrorCode::LoopDetected,
    ErrorCode::RequestTooLarge,
    ErrorCode::TooManyRecordings,
    ErrorCode::TooManyReaders,
    ErrorCode::TooManyUploads,
    ErrorCode::TooManyConnections,
    ErrorCode::StorageFull,
    ErrorCode::ShuttingDown,
];

/// What was refused lately.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    by_code: Mutex<HashMap<&'static str, Lately>>,
}

#[derive(Debug, Clone, Copy)]
struct Lately {
    said_ms: u64,
    /// How many were not told since.
    more: u64,
}

impl Refusals {
    /// A request was refused with this. The message says what to do.
    pub(crate) fn refused(&self, error: &ProtocolError, now_ms: u64) {
        if !TOLD.contains(&error.code) {
            return;
        }
        let Some(more) = self.is_due(error.code, now_ms) else { return };
        tracing::warn!(
            target: "durablefetch::audit",
            error = %error.code,
            more = (more > 0).then_some(more),
            "refused: {}",
            redact::text(&error.message)
        );
    }

    /// How many of this reason were not told since the last line, where one is due now.
    fn is_due(&self, code: ErrorCode, now_ms: u64) -> Option<u64> {
        let mut by_code = self.by_code.lock().unwrap_or_else(PoisonError::into_inner);
        match by_code.get_mut(code.as_str()) {
            Some(lately) if now_ms.saturating_sub(lately.said_ms) < EVERY_MS => {
                lately.more += 1;
                None
            }
            Some(lately) => {
                let more = lately.more;
                *lately = Lately { said_ms: now_ms, more: 0 };
                Some(more)
            }
            None => {
                by_code.insert(code.as_str(), Lately { said_ms: now_ms, more: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_line_a_minute_that_says_how_many_there_were() {
        let refusals = Refusals::default();
        let (host, origin) = (ErrorCode::MisdirectedHost, ErrorCode::ForbiddenOrigin);
        for (code, now_ms, due) in [
            (host, 0, Some(0)),
            (host, 1, None),
            (origin, 2, Some(0)),
            (host, 59_999, None),
            (host, 60_000, Some(2)),
            (host, 60_001, None),
            (origin, 100_000, Some(0)),
            (host, 200_000, Some(1)),
        ] {
            assert_eq!(refusals.is_due(code, now_ms), due, "{code} at {now_ms}");
        }
    }
}

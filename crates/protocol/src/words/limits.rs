//! The protocol's numbers: what a recorder keeps, for how long, and its default limits.

use core::time::Duration;

/// The most request ids that a key remembers. One more is refused until one of them is forgotten.
pub const REQUEST_IDS_MAX: usize = 4096;
/// The most URLs that one `in-progress` may ask about.
pub const STATUS_URLS_MAX: usize = 100;
/// The most retired recordings that a key keeps.
pub const RETIRED_MAX: usize = 64;
/// The most bytes that the retired recordings of a key may have together.
pub const RETIRED_BYTES_MAX: u64 = 64 << 20;
/// How long a request id, and a finished recording that was superseded, is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// The largest answer that was passed through unrecorded and is kept for its request id, in bytes.
pub const KEPT_ANSWER_MAX: usize = 64 * 1024;
/// The most bytes of a recording that stay in memory; older ones are read from storage.
pub const RING_MAX: usize = 256 * 1024;
/// Default time to live of a recording since its last use.
pub const TTL: Duration = Duration::from_secs(6 * 60 * 60);
/// Default time for which a recording is kept after its end, however often it is used.
pub const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Default limit of a request body, in bytes.
pub const REQUEST_BODY_MAX: usize = 32 * 1024 * 1024;
/// Default time for a connection to an upstream: to find its addresses, to connect to one, and for TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after its address was checked an idle connection to an upstream may take another request.
pub const UPSTREAM_KEPT: Duration = Duration::from_secs(60);
/// Default time for an upstream to send its response headers: as long as Node.js waits for them.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Default time for an upstream to be silent in the middle of a body.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// The most redirects that a recorder follows.
pub const REDIRECTS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out: a product that was mistyped is not told by the same product.
    #[test]
    fn the_numbers_are_those_of_the_document() {
        assert_eq!((RETIRED_BYTES_MAX, REQUEST_IDS_MAX, STATUS_URLS_MAX), (67_108_864, 4096, 100));
        assert_eq!((RETIRED_MAX, REMEMBERED.as_secs(), KEPT_ANSWER_MAX), (64, 600, 65_536));
        assert_eq!((RING_MAX, REQUEST_BODY_MAX, REDIRECTS_MAX), (262_144, 33_554_432, 5));
        assert_eq!(MAX_AGE.as_secs(), 604_800);
        assert_eq!((TTL.as_secs(), CONNECT_TIMEOUT.as_secs()), (21_600, 10));
        assert_eq!(UPSTREAM_KEPT.as_secs(), 60);
        assert_eq!((HEADER_TIMEOUT.as_secs(), IDLE_TIMEOUT.as_secs()), (300, 600));
    }
}

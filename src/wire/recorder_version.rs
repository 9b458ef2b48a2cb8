//! Which recorder this is: one of this protocol, or one of durablefetch 0.1.0.
//!
//! 0.1.0 knows no headers of the protocol: it would start a request that was only to be resumed, and hand the
//! token on to the upstream. Its status says no `state`, which is how it is told apart.

/// What is known of the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecorderVersion {
    /// Nothing yet. Requests are spelled so that both understand them.
    Unknown,
    /// durablefetch 0.1.0.
    Seed,
    /// This protocol.
    Current,
}

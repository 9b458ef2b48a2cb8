//! Which recorder this is: one of this protocol, one of 0.2, or one of durablefetch 0.1.0.
//!
//! 0.1.0 knows no headers of the protocol: it would start a request that was only to be resumed, and hand the
//! token on to the upstream. Its status says no `state`, which is how it is told apart.
//! 0.2 refuses modes that it does not know, and starts a request that was only to be attached.

/// What is known of the recorder.
/// In the order of what they can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RecorderVersion {
    /// Nothing yet. Requests are spelled so that both understand them.
    Unknown,
    /// durablefetch 0.1.0.
    Seed,
    /// Not 0.1.0; it has not said yet what it is.
    Unheard,
    /// 0.2.
    Second,
    /// Of protocol 3 or later.
    Third,
}

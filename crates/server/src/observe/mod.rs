//! What an operator sees: metrics and log lines.

pub(crate) mod elsewhere;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod redact;

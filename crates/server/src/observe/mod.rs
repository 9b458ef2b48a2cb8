//! What an operator sees: metrics and log lines.

mod described;
pub(crate) mod elsewhere;

pub mod journal;
pub(crate) mod log;
pub(crate) mod metrics;
mod process;
pub(crate) mod redact;
pub(crate) mod refusals;
pub(crate) mod removal;

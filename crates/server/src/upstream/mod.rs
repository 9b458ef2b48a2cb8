//! Where the bytes of a recording come from.

mod budget;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod exchange;
pub(crate) mod http;
mod kept;
mod line;
pub(crate) mod opened;
pub(crate) mod source;
pub(crate) mod ways;

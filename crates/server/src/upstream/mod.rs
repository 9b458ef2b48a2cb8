//! Where the bytes of a recording come from.

pub(crate) mod checked_client;
pub(crate) mod demo;
pub(crate) mod http;
pub(crate) mod opened;
pub(crate) mod source;

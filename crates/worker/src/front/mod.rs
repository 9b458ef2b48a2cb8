//! The Worker in front, and what it shares with the Durable Object: reading a request and writing a response.

pub(crate) mod body;
pub(crate) mod control;
mod page;
pub(crate) mod request;
pub(crate) mod respond;
mod router;

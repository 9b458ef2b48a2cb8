//! One request of a client, and its answer.

pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod control;
pub(crate) mod forward;
pub(crate) mod metrics_listener;
pub(crate) mod over;
pub(crate) mod page;
mod passed;
pub(crate) mod respond;
pub(crate) mod route;

//! One request of a client, and its answer.

pub(crate) mod body;
pub(crate) mod control;
pub(crate) mod metrics_listener;
pub(crate) mod page;
pub(crate) mod respond;
pub(crate) mod route;

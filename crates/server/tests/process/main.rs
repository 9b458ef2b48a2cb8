//! The recorder as users run it: a process that is started, killed, told to end and started again.

#![allow(clippy::unwrap_used, reason = "what a test needs and cannot have has failed it")]

mod attacks;
mod cluster;
mod crash;
mod from_0_2;
mod full;
mod heads;
mod healthcheck;
mod hostile;
mod http2;
mod kept;
mod kills;
mod limits;
mod lines;
mod log;
mod many;
mod metrics;
mod metrics_listener;
mod node;
mod operator;
mod overlong;
mod private;
mod proxy;
mod ready;
mod reload;
mod service_manager;
mod shutdown;
mod start;
mod successor;
mod support;
mod tls;
mod traces;
mod unreachable;
mod upstream_tls;

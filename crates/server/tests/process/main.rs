//! The recorder as users run it: a process that is started, killed, told to end and started again.

mod crash;
mod shutdown;
mod start;
mod support;

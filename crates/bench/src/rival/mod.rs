//! The Rust server of durable-streams as its users would have it: an application's process reads the upstream and
//! appends to the server ([`app`]), and readers ask the server itself, for events ([`events`]) or by long polls.
//!
//! The server has no part that asks an upstream, so that the application's process belongs to what is measured. It is
//! written here, and not with their client for Node, because it is to cost as little as it can.

pub mod app;
pub mod events;

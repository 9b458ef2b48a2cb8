//! The store against a real PostgreSQL, which each test has a database of.

#![allow(clippy::unwrap_used, reason = "what a test needs and cannot have has failed it")]

mod claims;
mod commits;
mod lost_answers;
mod pieces;
mod proxy;
mod recovery;
mod renewal;
mod schema;
mod server;
mod takeovers;
mod tls;
mod world;

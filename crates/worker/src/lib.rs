//! The durablefetch recorder on Cloudflare Workers.
//!
//! A Worker in front and one Durable Object per key, with SQLite storage. The protocol's rules are in
//! `durablefetch-protocol`; this crate gives them workerd's sockets, storage and clock.
//!
//! | concept | where |
//! |---|---|
//! | the Worker in front | `front::router`, `front::page`, `config`, `access` (who may ask, for what) |
//! | one request | `front::{request, body, respond, control}` |
//! | the object of one key | `object` (requests and alarms come in), `core` (what its tasks share: ends, alarm), `key_state` (what is known), `admit`, `start` |
//! | one recording | `recording` (what pump and readers share), its `pump`, `reader`, `owner` (what these need of the object), `buffers` (bytes on their way), `memory` (memory, time for writing) |
//! | where bytes come from | `upstream`, its `decode` and `zstd` |
//! | where bytes go | `store` (SQLite) |
//! | workerd's JavaScript | `js::sys`, `js::headers`, `flow.js` |

#![cfg(target_arch = "wasm32")]

mod access;
mod admit;
mod config;
mod core;
mod front;
mod js;
mod key_state;
mod object;
mod recording;
mod start;
mod store;
mod upstream;

pub use object::RecordingObject;

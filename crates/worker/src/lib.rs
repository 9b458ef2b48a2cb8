//! The durablefetch recorder on Cloudflare Workers.
//!
//! A Worker in front and one Durable Object per key, with SQLite storage. The protocol's rules are in
//! `durablefetch-protocol`; this crate gives them workerd's sockets, storage and clock.
//!
//! | concept | where |
//! |---|---|
//! | the Worker in front | `front::router`, `front::page`, `config`, `access` (who may ask, for what) |
//! | one request | `front::{request, body, respond, control}` |
//! | the object of one key | `object` (requests and alarms come in), `core` (carries out what the protocol's `life` decides; the alarm), `admit` (answers with that) |
//! | one recording | `recording` (what pump and readers share), its `pump`, `reader`, `owner` (what these need of the object), `buffers` (bytes on their way), `memory` (memory, time for writing) |
//! | where bytes come from | `upstream`, its `decode` and `zstd` |
//! | where changes and bytes go | `store` (SQLite), its `body` and `version` |
//! | workerd's JavaScript | `js::sys`, `js::headers`, `flow.js` |

#![cfg(target_arch = "wasm32")]

mod access;
mod admit;
mod config;
mod core;
mod front;
mod js;
mod object;
mod recording;
mod store;
mod upstream;

pub use object::RecordingObject;

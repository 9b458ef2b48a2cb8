//! The durablefetch recorder on Cloudflare Workers.
//!
//! A Worker in front and one Durable Object per key, with SQLite storage. The protocol's rules are in
//! `durablefetch-protocol`; this crate gives them workerd's sockets, storage and clock.
//!
//! | concept | file |
//! |---|---|
//! | the Worker in front | `router`, `page`, `config`, `access` (who may ask, for what) |
//! | one request | `exchange`, `request_body`, `respond`, `control` |
//! | the object of one key | `object` (ends, alarm), `keyed` (what is known), `admit`, `start` |
//! | one recording | `shared` (what pump and readers share), `pump`, `reader`, `piece` (bytes on their way) |
//! | where bytes come from | `source`, `upstream`, `decode`, `zstd` |
//! | where bytes go | `store` (SQLite), `budget` (memory, time for writing) |
//! | workerd's JavaScript | `sys`, `js_headers`, `flow.js` |

#![cfg(target_arch = "wasm32")]

mod access;
mod admit;
mod budget;
mod config;
mod control;
mod decode;
mod exchange;
mod js_headers;
mod keyed;
mod object;
mod page;
mod piece;
mod pump;
mod reader;
mod request_body;
mod respond;
mod router;
mod shared;
mod source;
mod start;
mod store;
mod sys;
mod upstream;
mod zstd;

pub use object::RecordingObject;

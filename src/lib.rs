//! The client of durablefetch: a `fetch` whose responses survive the connection.
//!
//! ```text
//!  pkg-template/client.js ── Client (client.rs)
//!                               │ fetch                         control.rs  isInProgress, delete, stop
//!                               ▼                               chat/       the AI SDK's transport
//!   order.rs  what the app asked ──▶ fetch.rs ──▶ session.rs    last/       last messages
//!                                                   │  drives durablefetch_protocol::reader::Reader
//!                                     bell.rs  ─────┤  clock, wake-ups, the app's abort signal
//!                                     ask.rs   ─────┤  one request: address, headers, token
//!                                     body.rs  ◀────┘  the app's ReadableStream
//! ```
//!
//! In scope: following one recording for one response, and asking a recorder about recordings. Policy (when to
//! reconnect, wait, give up, believe an end) is the protocol crate's; this crate only drives it. Chunks pass as
//! JavaScript handles and never enter wasm memory. Raw JavaScript is in `sys` and where a value passes through.

#[cfg(target_arch = "wasm32")]
mod alloc;
mod ask;
mod attach;
mod base;
mod bell;
mod body;
mod bypass;
mod chat;
mod client;
mod clock;
mod control;
mod error;
mod fetch;
mod generation;
mod head;
mod id;
mod last;
mod options;
mod order;
mod plain;
mod session;
mod sys;
mod task;
mod text;
mod token;

pub use client::Client;

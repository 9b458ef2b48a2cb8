//! The client of durablefetch: a `fetch` whose responses survive the connection.
//!
//! ```text
//!  pkg-template/client.js ── exported.rs  Client      chat/          the AI SDK's transport
//!                               │ fetch               last_message/  last messages
//!                               ▼
//!   app_request ────────▶ fetch/ ──▶ fetch/session
//!   what the app asked                 │  drives durablefetch_protocol::follow::Follower
//!                     js/wakeup   ─────┤  clock, wake-ups, the app's abort signal
//!                     wire/request ────┤  one request: address, headers, token
//!                     fetch/body  ◀────┘  the app's ReadableStream
//! ```
//!
//! In scope: following one recording for one response, and asking a recorder about recordings. Policy (when to
//! reconnect, wait, give up, believe an end) is the protocol crate's; this crate only drives it. Chunks pass as
//! JavaScript handles and never enter wasm memory. Raw JavaScript is in `js::sys` and where a value passes through.
//!
//! A module imports only from those before it in this row: `js`, `error`, `words`, `app_request`, `wire`, `options`, `state`,
//! `fetch`, then `chat` and `last_message`, then `exported`.

mod app_request;
mod chat;
mod error;
mod exported;
mod fetch;
mod js;
mod last_message;
mod options;
mod state;
mod wire;

pub use exported::Client;

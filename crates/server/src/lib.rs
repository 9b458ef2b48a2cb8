//! The native durablefetch recorder.
//!
//! A recorder performs an upstream request once, records every byte and serves them to whoever asks, live and
//! later. The protocol's rules are in `durablefetch-protocol`; this crate gives them sockets, a disk and a clock.
//!
//! | concept | file |
//! |---|---|
//! | accept loop, shutdown | `server`, `workers` (a thread a core), `connection` (breaking a reader), `signals`, `descriptors` |
//! | flags, variables, file | `cli`, `config` |
//! | `durablefetch check` | `check` |
//! | TLS | `tls`, `stream` |
//! | log | `trace` (which lines are of which request), `redact` |
//! | metrics | `meters`, `scrape` (on a listener of their own) |
//! | one request | `route`, `control`, `respond`, `page` |
//! | admission | `admit` (fetches), `keys` (what is known of a key), `start` |
//! | one recording | `shared` (what pump and readers share), `pump`, `finish`, `reader` |
//! | where bytes come from | `source`, `upstream` (HTTP), `client` and `resolve` (to checked addresses only), `demo` |
//! | where bytes go | `storage` (files and SQLite), `sweep` (time to live), `room` (disk quota, a full disk) |

mod admit;
mod app;
mod budget;
pub mod check;
pub mod cli;
mod client;
mod clock;
pub mod config;
mod connection;
mod control;
mod demo;
pub mod descriptors;
mod error;
mod finish;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod keys;
mod live;
mod meters;
mod page;
mod pump;
mod reader;
mod redact;
pub mod resolve;
mod respond;
mod room;
mod route;
mod scrape;
mod server;
mod shared;
pub mod signals;
mod source;
mod start;
mod storage;
mod stream;
mod sweep;
mod tls;
mod trace;
mod upstream;
mod wakers;
mod workers;

pub use config::Config;
pub use error::StartError;
pub use server::{Recorder, run};
pub use tls::Tls;

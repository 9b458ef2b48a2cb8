//! The native durablefetch recorder.
//!
//! A recorder performs an upstream request once, records every byte and serves them to all who ask, live and
//! later. The protocol's rules are in `durablefetch-protocol`; this crate gives them sockets, a disk and a clock.
//!
//! | concept | folder or file |
//! |---|---|
//! | accept loop, shutdown | `serve` |
//! | what every request has at hand | `recorder`; what all of them share: `readers`, `uploads`, `counted` |
//! | two processes on one data directory | `placement` (where this one stands), `succession` (a successor takes its place), `keys::take_over`, `net::peer`, `http::forward`, `storage::places` |
//! | several machines over PostgreSQL | `cluster` (the store that they share, how they reach each other), `keys::hands` over `keys::claims` (which process has a key), `keys::stored` (rows, in one store or the other), `keys::ship` (live bytes for the others), `keys::leases`, `keys::sweep` |
//! | sockets and threads | `net`: `threads` (one a core), `connection` (breaking a reader), `transport` and `tls`, `signals`, `service_manager` (systemd), `descriptors` |
//! | flags, variables, file | `cli`, `config` |
//! | `durablefetch check`, `durablefetch healthcheck` | `check`, `healthcheck` |
//! | `ls`, `show`, `du`, `rm`, `backup` and the socket that they ask | `operator` |
//! | what SIGHUP changes | `rules` (what requests are judged by), `reload` |
//! | one connection of a client, one request | `http`: `connections`, `route`, `control`, `respond`, `body` (follows a recording), `page`, `metrics_listener` |
//! | what is known of a key | `key_map`; what is done about it: `keys`: `commit` (plan, commit, apply), `admit` (fetches), `stop`, `pump`, `reading`, `housekeeping` (time to live), `quota` (disk quota, a full disk), `lines` (what the log says of recordings) |
//! | one recording | `recording`: `publish`, `persist` and `follow` (pump, writer and readers of it), `waiting`, `memory`, `in_flight`, `writer`, `sync` |
//! | public keys of signed tokens | `jwt` |
//! | where bytes come from | `upstream`: `source`, `http`, `ways` (what may be fetched), `exchange` over `connect` (with `resolve`: to checked addresses only), `demo` |
//! | whether it takes starts | `readiness`, over `storage::probe` |
//! | where bytes go | `storage` (files and SQLite) |
//! | what an operator sees | `observe`: `metrics`; lines of the log: `log` (one a request), `refusals`, `elsewhere`, `redact`, `journal` |

// On Windows nobody takes the place of a process that serves.
#![cfg_attr(windows, allow(dead_code, reason = "what two processes on one data directory need"))]

pub mod check;
pub mod cli;
mod clock;
mod cluster;
pub mod config;
mod counted;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
pub mod healthcheck;
mod http;
mod jwt;
mod key_map;
mod keys;
mod net;
mod observe;
pub mod operator;
mod placement;
mod readers;
mod readiness;
mod recorder;
mod recording;
mod reload;
pub mod resolve;
mod rules;
mod serve;
mod set_up;
mod storage;
mod succession;
mod uploads;
mod upstream;

pub use config::Config;
pub use error::StartError;
pub use net::tls::Tls;
pub use net::{descriptors, detach, service_manager, signals};
pub use observe::journal;
pub use reload::Reloads;
pub use serve::{Server, run};
pub use set_up::SetUp;
pub use succession::{Offer, ask as ask_for_place, was_here};

//! One black-box suite that every durablefetch recorder passes.
//!
//! The suite speaks HTTP only. It is told a base URL, or how to [start](Process) recorders of one kind, with
//! settings. It depends on no other crate of the workspace: what it knows is the wire protocol.
//!
//! ```no_run
//! use durablefetch_conformance::Tests;
//! let runtime = tokio::runtime::Runtime::new().unwrap();
//! Tests::new(&runtime).at("mine", "http://127.0.0.1:8787").run();
//! ```
//!
//! That is the whole of a test program without libtest's harness (`harness = false`). Each case is a test of it,
//! `mine: A3 localhost with a port is fetched over http`, and the arguments are libtest's. `|` separates
//! alternatives in the filter; `SEED` repeats the random choices of an earlier run, which printed it.
//!
//! Three parts:
//!
//! - [`upstream`]: an HTTP/1.1 server whose every byte the case decides, and which sees when the recorder
//!   closes a connection;
//! - [`client`]: an HTTP/1.1 client that tells a final chunk, a FIN and a RST apart;
//! - `cases`: one file per area of the protocol. The name of a case is a sentence of the protocol.
//!
//! A case is one call in the file of its area: the numbers of the rules that it checks, a sentence, and a
//! few lines on the scenario builders of [`scenario`]. Unit tests see to it that every numbered rule and every
//! error code of `PROTOCOL.md` has one.

mod case;
mod cases;
pub mod check;
pub mod client;
pub mod context;
mod launch;
mod process;
mod runner;
pub mod scenario;
mod several;
mod token;
pub mod upstream;
mod wire;

pub use launch::{Ability, Settings};
pub use process::{Instance, Process};
pub use runner::{Tests, run_seed_subset};
pub use wire::{Cut, Headers};

//! One black-box suite that every durablefetch recorder passes.
//!
//! The suite speaks HTTP only. It is told a base URL, and optionally how to [launch](Launch) further
//! recorders of the same kind with other settings. It depends on no other crate of the workspace: what it
//! knows is the wire protocol.
//!
//! ```no_run
//! # async fn example() {
//! use durablefetch_conformance::{Target, run};
//! run(Target::new("http://127.0.0.1:8787")).await.assert_passed();
//! # }
//! ```
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
//!
//! Environment: `CONFORMANCE_FILTER` runs only the cases whose name contains it (`|` separates
//! alternatives); `CONFORMANCE_SEED` repeats the random choices of an earlier run, which printed it.

mod case;
mod cases;
pub mod check;
pub mod client;
pub mod context;
mod launch;
mod process;
mod report;
mod runner;
pub mod scenario;
mod target;
mod token;
pub mod upstream;
mod wire;

pub use launch::{Ability, Hook, Instance, Launch, Settings};
pub use process::Process;
pub use report::{Outcome, Report, Verdict};
pub use runner::{run, run_launched, run_seed_subset};
pub use target::{Limits, Target};
pub use wire::{Cut, Headers};

//! The load generator of the benchmarks: one process is both the upstream and the clients, so that one clock dates
//! a chunk when it is sent and when it arrives. What is measured stands between the two.
//!
//! ```text
//!   Upstream ──► what is measured ──► clients
//!      └─────────── one clock ───────────┘
//! ```
//!
//! Everything but [`distant`] is HTTP/1.1 without TLS on loopback, on raw sockets, on one thread: a direct run (a [`Target`] that is
//! the upstream itself) tells what the generator alone costs and how late it is.
//!
//! In scope: pacing, dating and counting chunks, the CPU and the memory of other processes; [`native`] starts the
//! recorder beside its peers and says which targets are met. Out of scope: browsers.

#![forbid(unsafe_code)]

pub mod bulk;
pub mod chunked;
pub mod client;
pub mod distant;
pub mod live;
pub mod native;
pub mod process;
pub mod reading;
pub mod record;
pub mod rival;
pub mod soak;
pub mod sweep;
pub mod target;
pub mod upstream;

pub use target::Target;

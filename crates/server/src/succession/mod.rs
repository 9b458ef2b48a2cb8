//! Two processes, one data directory: a successor takes the place of the process that serves, and that one drains.
//!
//! ```text
//!   successor ── where it would listen ───────────▶ the one that serves
//!             ◀── lock, sockets ──────────────────
//!     opens the store beside it
//!             ── ready ───────────────────────────▶ draws a line: what is in use is kept; commits that, and who
//!                                                   serves from now on
//!             ◀── what is stored, and whose ───────
//!     serves                                        drains: answers what is for keys that it has, passes the rest on,
//!             ── that it is the main process ─────▶ lets go of each key that nobody uses any more, and leaves
//! ```
//!
//! Who has which key stands in the database ([`places`](crate::storage::places)); each process finds the others there, and
//! asks them through sockets in the data directory ([`peer`](crate::net::peer)). If one dies, another takes over what it had.

pub(crate) mod accept;
mod peers;
mod report;
mod sockets;
pub(crate) mod watch;
mod words;

#[cfg(unix)]
mod desk;
#[cfg(unix)]
mod successor;
#[cfg(windows)]
mod windows;

pub(crate) use sockets::Sockets;

#[cfg(unix)]
pub(crate) use desk::{Desk, leave};
#[cfg(unix)]
pub use successor::{Offer, ask, was_here};
#[cfg(windows)]
pub(crate) use windows::{Desk, leave};
#[cfg(windows)]
pub use windows::{Offer, ask, was_here};

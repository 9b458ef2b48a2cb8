//! The durablefetch protocol, sans IO: no clock, no sockets, no storage, no JavaScript. Time and bytes come in
//! as arguments, decisions go out as values. Both recorders and the client are thin drivers over this crate.

#![forbid(unsafe_code)]

pub mod error;
pub mod limits;
pub mod mode;
pub mod name;
pub mod reader;
pub mod retry;
pub mod state;

#[cfg(feature = "serde")]
pub mod control;

#[cfg(feature = "recorder")]
pub mod address;
#[cfg(feature = "recorder")]
pub mod admission;
#[cfg(feature = "recorder")]
pub mod ask;
#[cfg(feature = "recorder")]
pub mod cors;
#[cfg(feature = "recorder")]
pub mod guard;
#[cfg(feature = "recorder")]
pub mod headers;
#[cfg(feature = "recorder")]
pub mod key;
#[cfg(feature = "recorder")]
pub mod ledger;
#[cfg(feature = "recorder")]
pub mod recording;
#[cfg(feature = "recorder")]
pub mod ring;

pub use error::ErrorCode;
pub use mode::Mode;
pub use state::State;

#[cfg(feature = "recorder")]
pub use {
    error::ProtocolError,
    key::{Ask, Fingerprint, Key, RecordingId, RequestId},
    ledger::{Ledger, Outcome},
};

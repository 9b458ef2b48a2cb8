//! The words of the protocol, for both sides: names, codes, states, numbers. They use nothing else of it.

#[cfg(feature = "serde")]
pub(crate) mod control_json;
pub mod error;
#[cfg(feature = "recorder")]
pub(crate) mod header;
#[cfg(feature = "recorder")]
mod id;
pub mod limits;
pub mod mode;
pub mod name;
pub mod state;
#[cfg(feature = "recorder")]
pub mod units;

pub use error::ErrorCode;
#[cfg(feature = "recorder")]
pub use error::ProtocolError;
#[cfg(feature = "recorder")]
pub use id::{Fingerprint, RecordingId, RequestId};
pub use mode::Mode;
pub use state::State;

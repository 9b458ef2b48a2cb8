//! Addresses: what the path (or `durablefetch-url`) of a request to a recorder names.

mod continuation;
pub mod demo;
mod key;
mod own;
mod target;
mod upstream;
pub mod via;

pub(crate) use continuation::Continuation;
pub use key::Key;
pub use own::Own;
pub use target::{Control, DEMO_ID_MAX, Target, parse_target};
pub(crate) use upstream::is_loopback_host;
pub use upstream::{Upstream, is_localhost_name};

//! What only a recorder needs. Uses go one way: `address` and `recording` use neither each other nor the rest, then
//! come `access`, `request` and `response`, and `key` is last but for `placement`, which stands above it and uses none of them.

pub mod access;
pub mod address;
pub(crate) mod key;
pub mod placement;
pub mod recording;
pub(crate) mod request;
pub(crate) mod response;

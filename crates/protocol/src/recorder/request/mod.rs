//! What a request says: its headers, its control JSON, and what of it goes along a redirect.

pub(crate) mod control_json;
pub(crate) mod dropped;
pub mod fingerprint;
pub mod headers;
pub mod redirect;
pub mod route;
mod strangers;
pub mod upstream_headers;

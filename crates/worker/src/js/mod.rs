//! workerd's JavaScript, as Rust sees it.

pub(crate) mod headers;
pub(crate) mod sys;

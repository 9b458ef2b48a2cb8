//! Storage: one append-only file per body, and everything else in SQLite.

pub(crate) mod bodies;
pub(crate) mod db;
pub(crate) mod recovery;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod sync;
pub(crate) mod writer;

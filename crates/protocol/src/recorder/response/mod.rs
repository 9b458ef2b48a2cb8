//! What a recorder answers: the heads of its responses, and what of an upstream's headers they carry.

mod challenge;
pub mod coding;
pub mod head;
pub mod inert;
pub mod kept;

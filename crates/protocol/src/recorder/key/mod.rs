//! What becomes of the requests for one key.

pub mod admission;
pub mod ledger;
pub mod life;

//! The client's side: when to reconnect, wait, give up, believe an end.

mod dialogue;
pub mod follow;
pub mod retry;

//! Last messages: what was sent, kept until it is cleared, so that it can be sent again after a reload.

mod message;
mod resume;
mod storage;

pub(crate) use message::{clear, load, save};
pub(crate) use resume::resume;

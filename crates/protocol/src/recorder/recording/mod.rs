//! One recording: how far it is, and its newest bytes.

mod progress;
pub mod ring;

pub use progress::{End, Got, Next, Progress, Start};

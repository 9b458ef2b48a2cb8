//! `durablefetch ls`, `show`, `du`, `rm` and `backup`: what an operator does with a recorder that runs. They ask it through a
//! socket in its data directory, which only its owner may open.

mod answers;
mod ask;
mod backup;
mod commands;
mod listing;
mod remove;
mod socket;
mod text;

pub use commands::{Backup, Disk, List, Remove, Show, Which, run};
pub(crate) use socket::{bind, serve};

/// The socket's file in the data directory.
const SOCKET: &str = "operator.sock";

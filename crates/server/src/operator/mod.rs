//! `durablefetch ls`, `show`, `du`, `rm` and `backup`: what an operator does with a recorder that runs. They ask it through a
//! socket in its data directory, which only its owner may open. Windows has no such socket, and these commands say so there.

mod answers;
mod ask;
mod backup;
mod commands;
mod listing;
mod live;
mod remove;
mod rows;
mod socket;
mod text;

pub(crate) use answers::asked;
pub use commands::{Backup, Disk, List, Remove, Show, Which, run};
pub(crate) use socket::{Listener, bind, serve};

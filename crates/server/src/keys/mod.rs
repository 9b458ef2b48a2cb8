//! What is done about a key: [`KeyLife`](durablefetch_protocol::life::KeyLife) decides, these carry out.

pub(crate) mod admit;
mod audit;
mod claims;
mod cluster_room;
mod commit;
pub(crate) mod hands;
pub(crate) mod housekeeping;
pub(crate) mod leases;
mod lines;
pub(crate) mod others;
mod pump;
pub(crate) mod quota;
pub(crate) mod reading;
pub(crate) mod ship;
pub(crate) mod stop;
mod stored;
mod sweep;
pub(crate) mod take_over;

//! What is done about a key: [`KeyLife`](durablefetch_protocol::life::KeyLife) decides, these carry out.

pub(crate) mod admit;
mod audit;
mod commit;
pub(crate) mod housekeeping;
mod lines;
mod pump;
pub(crate) mod quota;
pub(crate) mod reading;
pub(crate) mod stop;
pub(crate) mod take_over;

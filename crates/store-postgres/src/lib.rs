//! What several recorders share where they stand on several machines: who has a key, the rows of its life, and the bytes that
//! others read. It is in PostgreSQL, 15 or later.
//!
//! This crate carries out; the protocol crate decides. `placement` says what is to be asked of the store, `life` what is to be
//! written; here is one function for each statement of theirs:
//!
//! | what | where |
//! |---|---|
//! | connections, TLS | [`Options`] |
//! | tables, and which program may use them | [`migrate`](Store::migrate) |
//! | this process among the others | [`join`](Store::join), [`Renewal`], [`nodes`](Store::nodes), [`leave`](Store::leave) |
//! | who has a key | [`claim`](Store::claim), [`place`](Store::place), [`take_over`](Store::take_over), [`again`](Store::again), [`release`](Store::release) |
//! | what is stored of it | [`recover`](Store::recover), [`load`](Store::load), [`commit`](Store::commit) |
//! | bytes | [`append`](Store::append), [`read`](Store::read), [`turn`](Store::turn) |
//! | what operators are shown | [`newest`](Store::newest), [`one`](Store::one), [`usage`](Store::usage) |
//! | what is of no use any more | [`due`](Store::due), [`used`](Store::used), [`turn_next`](Store::turn_next), [`forget_nodes`](Store::forget_nodes) |
//!
//! Everything is one statement in READ COMMITTED. Whatever changes what is stored of a key locks the key's row `FOR SHARE` by its
//! [`Holder`](durablefetch_protocol::placement::Holder) in the same statement: a process whose key was taken over changes nothing
//! any more, however late its statement comes.

mod buckets;
mod commit;
mod connect;
mod due;
mod error;
mod fold;
mod happened;
mod list;
mod numbers;
mod pieces;
mod place;
mod renewal;
mod ring;
mod rows;
mod schema;
mod settings;
mod sql;
mod store;
mod write;

pub use commit::{Commit, Committed};
pub use connect::Options;
pub use due::Until;
pub use error::{Error, Result};
pub use list::{OfScope, Shown, Usage};
pub use pieces::Piece;
pub use place::{Listed, Node, Place};
pub use renewal::{Renewal, Standing};
pub use rows::{Loaded, Stored};
pub use schema::{MIN_READER, VERSION};
pub use settings::{Difference, Setting};
pub use store::Store;

//! What is to be committed, and what becomes of it.

use durablefetch_protocol::life::Change;
use durablefetch_protocol::placement::Holder;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{Key, RequestId};

use crate::pieces::Piece;

/// What is to be written.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// Of this key.
    pub key: &'a Key,
    /// As this holder: nothing is written once somebody else has the key.
    pub holder: Holder,
    /// What the machine says.
    pub changes: &'a [Change],
    /// For [`Change::Head`].
    pub head: Option<&'a Head>,
    /// For [`Change::Request`] with an answer: see [`kept`](durablefetch_protocol::kept).
    pub answer: Option<&'a [u8]>,
    /// Whether the ledger knew a request id before. One that is new is a plain insert, so that it cannot be taken twice.
    pub known: &'a (dyn Fn(&RequestId) -> bool + Sync),
    /// The last bytes of a recording that ends with this.
    pub last: Option<&'a Piece>,
}

impl<'a> Commit<'a> {
    /// Changes without anything beside them, of which each request id is new.
    #[must_use]
    pub fn of(key: &'a Key, holder: Holder, changes: &'a [Change]) -> Self {
        Self { key, holder, changes, head: None, answer: None, known: &|_| false, last: None }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All of it is written.
    Done {
        /// Where the pieces of the recording go that has started with it.
        bucket: Option<u8>,
    },
    /// Nothing is: somebody else has the key.
    Fenced,
}

//! Where a key lives: in one process at a time, and the others forward to it, one hop.
//!
//! It stands above the [life](crate::life) of a key. A process asks these machines what is to be done about a request
//! ([`Asking`]) and about itself ([`Process`]); what they name it does, and tells them what has come of it. Which
//! process has a key stands in a store that all of them see, as a [`Holder`]:
//!
//! - **Claim** takes only what nobody has. Where it takes nothing, another statement reads who has it.
//! - **Every commit** about a key is guarded by its holder, in the same transaction: a process whose key was taken over
//!   changes nothing any more, however late it comes.
//! - **Take over** is for what a dead process had. That it is dead is a fact that the driver has of its system or its
//!   lease; silence is none. It is followed by recovery, and then the key is loaded.
//!
//! A store of one machine may say it shorter: one holder serves and has all that is not listed as another one's. What is
//! listed is what processes still have that were served out. Then there is nothing to claim but to be the one that serves.

mod asking;
mod process;

use core::fmt;

pub use asking::{Asking, Heard, Known, Request, Step};
pub use process::{Drain, Next, Process, Seen, Standing};

/// One process, from its start to its end: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub u128);

impl Owner {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who has something, and since which change of hands. Epochs only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The process.
    pub owner: Owner,
    /// Number of the change of hands that gave it to the process.
    pub epoch: u64,
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

//! The cases, one file per area of the protocol.

use crate::case::{Case, Suite};

pub(crate) fn all() -> Vec<Case> {
    let mut suite = Suite::default();
    let _ = &mut suite;
    suite.cases
}

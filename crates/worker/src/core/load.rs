//! What an object finds in its storage when it wakes.

use std::rc::Rc;

use durablefetch_protocol::Ledger;
use durablefetch_protocol::life::{self, KeyLife};
use durablefetch_protocol::recording::Progress;

use super::Recordings;
use crate::js::sys;
use crate::recording::Recording;
use crate::store::{Row, Store, StoreError};

/// What storage has. Nothing pumps for a fresh instance, so what was live is interrupted, and storage learns so.
pub(super) fn load(store: &Store) -> Result<(KeyLife<Rc<Recording>>, Recordings), StoreError> {
    let (mut rows, mut ledger) = (store.recordings()?, Ledger::from_entries(store.requests()?));
    let known: Vec<_> = rows.iter().map(|row| row.known).collect();
    let changes = life::recover(&known, &ledger, sys::now_ms());
    if !changes.is_empty() {
        store.commit(&changes, &|_| None)?;
        (rows, ledger) = (store.recordings()?, Ledger::from_entries(store.requests()?));
    }
    if store.is_made() {
        store.sweep()?;
    }
    let recordings: Vec<_> = rows.into_iter().map(stored).collect();
    let all = recordings.iter().map(|(_, held)| (held.id, Rc::clone(held))).collect();
    Ok((KeyLife::load(recordings, ledger), all))
}

fn stored(row: Row) -> (life::Row, Rc<Recording>) {
    let Row { known, cause, head, fingerprint, started_ms, used_ms } = row;
    let progress = Progress::recovered(known.id, known.state, cause, known.len, known.chunks);
    (known, Rc::new(Recording::stored(progress, fingerprint, started_ms, used_ms, head)))
}

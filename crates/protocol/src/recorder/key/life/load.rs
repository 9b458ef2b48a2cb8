//! What a process finds in storage.

use super::{Change, Handle, Held, KeyLife, Standing};
use crate::ledger::{Entry, Ledger};
use crate::{ErrorCode, Outcome, RecordingId, State};

/// What a key has to know of a stored recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: RecordingId,
    /// Its state, as it is stored.
    pub state: State,
    /// Its answer was being passed through.
    pub unrecorded: bool,
    /// A `restart` started it.
    pub restarted: bool,
    /// See [`Head::volatile`](crate::response_head::Head::volatile).
    pub volatile: bool,
    /// How long it is kept after its end at most, in milliseconds, where its token has said so.
    pub age_ms: Option<u64>,
    /// Bytes stored; of a live one, as far as its bytes go.
    pub len: u64,
    /// Chunks published; of a live one, as many as are known of.
    pub chunks: u64,
    /// When it ended, milliseconds since 1970; `None` while it is live.
    pub ended_ms: Option<u64>,
    /// Since when it is retired, milliseconds since 1970.
    pub retired_ms: Option<u64>,
}

/// What a dead process left is brought in order by these changes, before the key is loaded: nothing pumps for it
/// any more, so what was live is interrupted, and what had no head leaves nothing but its ids.
#[must_use]
pub fn recover(rows: &[Row], ledger: &Ledger, now_ms: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut kept = Vec::new();
    for row in rows {
        let Row { id, len, chunks, .. } = *row;
        match row.state {
            State::Connecting => changes.push(Change::Remove { id }),
            _ if row.unrecorded => changes.push(Change::Remove { id }),
            State::Streaming => {
                let (state, cause) = (State::Interrupted, None);
                changes.push(Change::End { id, state, cause, len, chunks, at_ms: now_ms });
                kept.push(id);
            }
            _ => kept.push(id),
        }
    }
    let orphans =
        ledger.entries().filter(|entry| matches!(entry.outcome, Outcome::Started(id) if !kept.contains(&id)));
    let outcome = Outcome::NoHead(ErrorCode::Interrupted);
    changes.extend(orphans.map(|entry| Change::Request {
        entry: Entry { id: entry.id.clone(), outcome, at_ms: now_ms },
        answer: None,
    }));
    changes
}

impl<H: Handle + Clone> KeyLife<H> {
    /// A key from what is stored of it and in order.
    #[must_use]
    pub fn load(rows: impl IntoIterator<Item = (Row, H)>, ledger: Ledger) -> Self {
        let stand = |(row, handle): (Row, H)| {
            let ended_ms = row.ended_ms.unwrap_or_default();
            let standing = match row.retired_ms {
                Some(since_ms) => Standing::Retired { ended_ms, since_ms },
                None => Standing::Finished(ended_ms),
            };
            let Row { id, restarted, volatile, age_ms, .. } = row;
            Held { id, handle, standing, restarted, volatile, age_ms }
        };
        let mut held: Vec<Held<H>> = rows.into_iter().map(stand).collect();
        held.sort_by_key(|held| held.id);
        Self { held, leaving: Vec::new(), ledger }
    }
}

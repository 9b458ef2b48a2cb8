//! What has outlived its use, and nobody asks about any more.

use durablefetch_protocol::{Key, RecordingId};

use crate::error::Result;
use crate::numbers::signed;
use crate::sql;
use crate::store::Store;

/// Until when things were last of use that are of none any more. Milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// Finished recordings, by their last use.
    pub unused_ms: u64,
    /// Recordings, by their end.
    pub old_ms: u64,
    /// Retired recordings, since they are, and request ids, since their recordings ended.
    pub retired_ms: u64,
    /// Recordings that are as old as their token lets them be: now.
    pub now_ms: u64,
}

impl Store {
    /// Keys that nobody who lives has, and that have something to let go of, or to be brought in order: about `most` of them.
    /// Take each and look at it.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn due(&self, until: Until, most: usize) -> Result<Vec<Key>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let Until { unused_ms, old_ms, retired_ms, now_ms } = until;
        let [unused_ms, old_ms, retired_ms, now_ms] = [unused_ms, old_ms, retired_ms, now_ms].map(signed);
        let rows = self.query(sql::DUE, &[&unused_ms, &retired_ms, &now_ms, &most, &old_ms]).await?;
        Ok(rows.iter().map(|row| Key::new(row.get(0), row.get(1))).collect())
    }

    /// Says of finished recordings when they were last used, milliseconds since 1970, by processes that do not have their keys.
    /// Nothing guards it: it only keeps them for longer.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn used(&self, used: &[(RecordingId, u64)]) -> Result<()> {
        let ids: Vec<_> = used.iter().map(|(id, _)| id.to_string()).collect();
        let at: Vec<_> = used.iter().map(|(_, at_ms)| signed(*at_ms)).collect();
        self.query(sql::USED, &[&ids, &at]).await.map(drop)
    }

    /// Takes processes off the list that were not heard of for a day, and that have nothing.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn forget_nodes(&self) -> Result<()> {
        self.query(sql::FORGET_NODES, &[]).await.map(drop)
    }
}

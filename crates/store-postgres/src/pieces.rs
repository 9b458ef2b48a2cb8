//! The bytes of recordings, as others read them.

use std::collections::{BTreeMap, HashSet};

use durablefetch_protocol::placement::Holder;
use durablefetch_protocol::{Key, RecordingId};

use crate::buckets::bucket;
use crate::error::Result;
use crate::numbers::{signed, unsigned};
use crate::sql;
use crate::store::{Store, name_of};

/// Some bytes of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Whose.
    pub recording: RecordingId,
    /// The table that its pieces are in: what [`Committed::Done`](crate::Committed::Done) said when it started.
    pub bucket: u8,
    /// The offset of their first byte.
    pub at: u64,
    /// The bytes, at least one.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Writes pieces of many recordings, each with its key and holder. It locks nothing: bytes that come late are behind the
    /// length that was decided without them. Returns the recordings whose pieces were not written, since somebody else has
    /// their keys. A piece that is there already, of a try whose answer was lost, is left as it is.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error). Some of the pieces may be written then; the same call once more is harmless.
    pub async fn append(&self, pieces: &[(&Key, Holder, Piece)]) -> Result<Vec<RecordingId>> {
        // A statement for each table: those of a tick are in one, or in two about the change of the hour.
        let mut by_bucket: BTreeMap<u8, Vec<&(&Key, Holder, Piece)>> = BTreeMap::new();
        for piece in pieces {
            by_bucket.entry(piece.2.bucket).or_default().push(piece);
        }
        let mut fenced = Vec::new();
        for (bucket, pieces) in by_bucket {
            let keys: Vec<_> = pieces.iter().map(|(key, ..)| name_of(key)).collect();
            let epochs: Vec<_> = pieces.iter().map(|(_, holder, _)| signed(holder.epoch)).collect();
            let ids: Vec<_> = pieces.iter().map(|(.., piece)| piece.recording.to_string()).collect();
            let at: Vec<_> = pieces.iter().map(|(.., piece)| signed(piece.at)).collect();
            let bytes: Vec<_> = pieces.iter().map(|(.., piece)| &piece.bytes[..]).collect();
            let sql = format!(
                "with p as (select * from unnest($2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[])
                        as p (key, epoch, recording, at, bytes)),
                    mine as (select p.* from p join df.keys k on k.key = p.key and k.epoch = p.epoch and k.owner = $1),
                    written as (insert into df.pieces_{bucket} select recording, at, bytes from mine on conflict do nothing)
                select distinct recording from mine"
            );
            let rows = self.query(&sql, &[&self.id(), &keys, &epochs, &ids, &at, &bytes]).await?;
            let mine: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
            let others = pieces.iter().map(|(.., piece)| piece.recording);
            fenced.extend(others.filter(|id| !mine.contains(&id.to_string())));
        }
        fenced.dedup();
        Ok(fenced)
    }

    /// Bytes of a recording from this offset on, `most` of them or a piece more, without a gap. Fewer than the recording's row
    /// promises, none at worst, where they are not written yet or gone: a reader of what has ended breaks then.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn read(&self, recording: RecordingId, from: u64, most: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // They may move to another table between the two statements: then the row says so, and they are there.
        for _ in 0..2 {
            let Some(row) = self.first(sql::ROW_OF, &[&recording.to_string()]).await? else { break };
            let (bucket, state, len): (u8, String, i64) = (bucket(row.get(0))?, row.get(1), row.get(2));
            let has_ended = !matches!(state.as_str(), "connecting" | "streaming");
            let end = if has_ended { unsigned(len) } else { u64::MAX };
            bytes = self.read_from(bucket, recording, from, most, end).await?;
            let whole = (bytes.len() as u64) >= (most as u64).min(end.saturating_sub(from));
            if whole || !has_ended {
                break;
            }
        }
        Ok(bytes)
    }

    async fn read_from(
        &self,
        bucket: u8,
        recording: RecordingId,
        from: u64,
        most: usize,
        end: u64,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut at = from;
        // From the piece on that the offset is in. Each is at least a byte, and a few are enough at a time.
        let sql = format!(
            "select at, bytes from df.pieces_{bucket} where recording = $1 and at >= coalesce(
                (select max(at) from df.pieces_{bucket} where recording = $1 and at <= $2), $2) order by at limit 16"
        );
        while bytes.len() < most && at < end {
            let before = at;
            for row in self.query(&sql, &[&recording.to_string(), &signed(at)]).await? {
                let (begins, piece): (u64, &[u8]) = (unsigned(row.get(0)), row.get(1));
                let skipped = at.checked_sub(begins).and_then(|skipped| usize::try_from(skipped).ok());
                let Some(rest) = skipped.and_then(|skipped| piece.get(skipped..)) else { break };
                let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(rest.len());
                bytes.extend_from_slice(&rest[..left]);
                at += left as u64;
            }
            if at == before {
                break;
            }
        }
        Ok(bytes)
    }
}

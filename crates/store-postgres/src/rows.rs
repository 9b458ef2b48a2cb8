//! What is stored of a key.

use durablefetch_protocol::ledger::{Entry, Ledger};
use durablefetch_protocol::life::{self, Change};
use durablefetch_protocol::placement::Holder;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, Fingerprint, Key, Outcome, RecordingId, RequestId, State};
use tokio_postgres::Row;

use crate::buckets::bucket;
use crate::commit::{Commit, Committed};
use crate::error::{Error, Result};
use crate::numbers::unsigned;
use crate::sql;
use crate::store::{Store, name_of};

/// A stored recording. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: RecordingId,
    /// The change of hands under which it started.
    pub epoch: u64,
    /// The table of the ring that its pieces are in, from 0.
    pub bucket: u8,
    /// Its state.
    pub state: State,
    /// Why it failed.
    pub cause: Option<ErrorCode>,
    /// The upstream's head; `None` before it is here.
    pub head: Option<Head>,
    /// Of the request that started it.
    pub fingerprint: Fingerprint,
    /// Bytes; of a live one, as far as the stored pieces go without a gap.
    pub len: u64,
    /// Chunks, known at the end.
    pub chunks: u64,
    /// When it started.
    pub started_ms: u64,
    /// When it was last used.
    pub used_ms: u64,
    /// Since when a later one has started.
    pub retired_ms: Option<u64>,
    /// When it ended; `None` while it is live.
    pub ended_ms: Option<u64>,
    /// Whether a `restart` started it.
    pub restarted: bool,
    /// Whether its upstream said that it changes.
    pub volatile: bool,
    /// How long it is kept after its end at most, where its token has said so.
    pub age_ms: Option<u64>,
}

impl Stored {
    /// What its key has to know of it.
    #[must_use]
    pub fn row(&self) -> life::Row {
        let chunks =
            if self.state.is_live() { self.chunks.max(u64::from(self.len > 0)) } else { self.chunks };
        life::Row {
            id: self.id,
            state: self.state,
            unrecorded: false,
            restarted: self.restarted,
            volatile: self.volatile,
            age_ms: self.age_ms,
            len: self.len,
            chunks,
            ended_ms: self.ended_ms,
            retired_ms: self.retired_ms,
        }
    }
}

/// All that is stored of a key.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Its recordings, in no order.
    pub recordings: Vec<Stored>,
    /// What became of its request ids.
    pub ledger: Ledger,
}

impl Store {
    /// All that is stored of a key. Who does not have the key reads what was true a moment ago.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] for a row that no version of this program has written.
    pub async fn load(&self, key: &Key) -> Result<Loaded> {
        let name = name_of(key);
        let recordings = self.query(sql::RECORDINGS, &[&name]).await?;
        let requests = self.query(sql::REQUESTS, &[&name]).await?;
        let entry = |row: &Row| {
            let id = RequestId::parse(row.get(0)).ok_or_else(|| damaged("request id"))?;
            let outcome = Outcome::parse(row.get(1)).ok_or_else(|| damaged("outcome"))?;
            Ok(Entry { id, outcome, at_ms: unsigned(row.get(2)) })
        };
        let entries: Result<Vec<_>> = requests.iter().map(entry).collect();
        let recordings: Result<_> = recordings.iter().map(stored).collect();
        Ok(Loaded { recordings: recordings?, ledger: Ledger::from_entries(entries?) })
    }

    /// Brings in order what the processes before this one have left of a key: call it after each claim and takeover. What was
    /// live is interrupted, as long as its bytes go without a gap. Returns all that is stored then; `None` where the key was
    /// taken over meanwhile.
    ///
    /// # Errors
    ///
    /// See [`load`](Self::load) and [`commit`](Self::commit).
    pub async fn recover(&self, key: &Key, holder: Holder) -> Result<Option<Loaded>> {
        let loaded = self.load(key).await?;
        let left = loaded.recordings.iter().map(|stored| {
            let mut row = stored.row();
            // What this process itself has started since is none of it.
            if stored.epoch == holder.epoch && row.state.is_live() {
                row.state = State::Complete;
            }
            row
        });
        let now_ms = self.first(sql::NOW_MS, &[]).await?.map_or(0, |row| unsigned(row.get(0)));
        let changes: Vec<Change> = life::recover(&left.collect::<Vec<_>>(), &loaded.ledger, now_ms);
        if changes.is_empty() {
            return Ok(Some(loaded));
        }
        let commit = Commit { known: &|_| true, ..Commit::of(key, holder, &changes) };
        match self.commit(&commit).await? {
            Committed::Fenced => Ok(None),
            Committed::Done { .. } => self.load(key).await.map(Some),
        }
    }

    /// The answer that is kept for a request id.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn answer(&self, key: &Key, id: &RequestId) -> Result<Option<Vec<u8>>> {
        let row = self.first(sql::ANSWER, &[&name_of(key), &id.as_str()]).await?;
        Ok(row.and_then(|row| row.get(0)))
    }
}

fn stored(row: &Row) -> Result<Stored> {
    let fingerprint: Vec<u8> = row.get(8);
    let status: Option<i32> = row.get(5);
    let head = match status {
        None => None,
        Some(status) => {
            let status = u16::try_from(status).map_err(|_| damaged("status"))?;
            let (reason, headers): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(6), row.get(7));
            let head = Head::from_stored(status, reason.unwrap_or_default(), &headers.unwrap_or_default());
            Some(Head { volatile: row.get(16), ..head.ok_or_else(|| damaged("head"))? })
        }
    };
    let ms = |column: usize| row.get::<_, Option<i64>>(column).map(unsigned);
    Ok(Stored {
        id: id(row.get(0))?,
        epoch: unsigned(row.get(1)),
        bucket: bucket(row.get(2))?,
        state: State::parse(row.get(3)).ok_or_else(|| damaged("state"))?,
        cause: row.get::<_, Option<&str>>(4).and_then(ErrorCode::parse),
        head,
        fingerprint: Fingerprint(fingerprint.try_into().map_err(|_| damaged("fingerprint"))?),
        len: unsigned(row.get(9)),
        chunks: unsigned(row.get(10)),
        started_ms: unsigned(row.get(11)),
        used_ms: unsigned(row.get(12)),
        retired_ms: ms(13),
        ended_ms: ms(14),
        restarted: row.get(15),
        volatile: row.get(16),
        age_ms: ms(17),
    })
}

fn id(text: &str) -> Result<RecordingId> {
    RecordingId::parse(text).filter(|id| id.to_string() == text).ok_or_else(|| damaged("recording id"))
}

fn damaged(what: &str) -> Error {
    Error::Damaged(what.into())
}

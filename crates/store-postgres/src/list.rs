//! What operators are shown of what is stored, and how they remove all of a person: rows as they are, whatever a key makes of them.

use durablefetch_protocol::{Key, RecordingId};
use tokio_postgres::Row;

use crate::error::{Error, Result};
use crate::numbers::{signed, unsigned};
use crate::sql;
use crate::store::Store;

/// A stored recording. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its scope and URL.
    pub key: Key,
    /// Its state.
    pub state: String,
    /// Why it failed.
    pub cause: Option<String>,
    /// The upstream's status; `None` before its head is here.
    pub status: Option<u16>,
    /// The upstream's headers, as they are stored.
    pub headers: Option<Vec<u8>>,
    /// Bytes; of a live one, those that are stored.
    pub len: u64,
    /// Chunks, known at the end.
    pub chunks: u64,
    /// When it started.
    pub started_ms: u64,
    /// When it was last used.
    pub used_ms: u64,
    /// When it ended; `None` while it is live.
    pub ended_ms: Option<u64>,
    /// Since when a later one has started.
    pub retired_ms: Option<u64>,
    /// The URL at which others reach the process that has its key, if one has.
    pub node: Option<String>,
}

/// What is stored of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfScope {
    /// Which.
    pub scope: String,
    /// Bytes of its bodies.
    pub bytes: u64,
    /// Its recordings.
    pub recordings: u64,
}

/// What is stored.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Bytes that the tables take on the database's disk, indexes and what is not used any more included.
    pub on_disk: u64,
    /// Bytes of bodies.
    pub bodies: u64,
    /// Recordings.
    pub recordings: u64,
    /// Those of them that are live.
    pub live: u64,
    /// The scopes that have most.
    pub scopes: Vec<OfScope>,
    /// How many scopes there are.
    pub scopes_in_all: u64,
}

impl Store {
    /// So many recordings, of a scope or of all, that began before this one, the latest first.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn newest(&self, scope: Option<&str>, before: Option<&str>, most: usize) -> Result<Vec<Shown>> {
        let most = signed(most as u64);
        Ok(self.query(sql::NEWEST, &[&before, &most, &scope]).await?.iter().map(shown).collect())
    }

    /// This recording.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn one(&self, id: RecordingId) -> Result<Option<Shown>> {
        Ok(self.first(sql::ONE, &[&id.to_string()]).await?.as_ref().map(shown))
    }

    /// Some URLs of which a scope has recordings, or answers that are kept for its request ids.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn urls(&self, scope: &str, most: usize) -> Result<Vec<String>> {
        let most = signed(most as u64);
        Ok(self.query(sql::URLS_OF_SCOPE, &[&scope, &most]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Forgets the answers that are kept for the request ids of a key. Nothing guards it: a request with such an id is refused
    /// afterwards, as it is where its answer was too long to keep.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn forget_kept(&self, key: &Key) -> Result<()> {
        self.query(sql::FORGET_KEPT, &[&crate::store::name_of(key)]).await.map(drop)
    }

    /// The scopes that something is stored of.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn scopes(&self) -> Result<Vec<String>> {
        Ok(self.query(sql::SCOPES, &[]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Bytes of all bodies that are stored. It looks at all rows.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn bodies(&self) -> Result<u64> {
        Ok(self.first(sql::BODIES, &[]).await?.map_or(0, |row| unsigned(row.get(0))))
    }

    /// Some recordings that have ended and whose keys nobody has who lives, with their bytes: those unused for longest.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged) for a row that no version of this program has written.
    pub async fn oldest(&self, most: usize) -> Result<Vec<(Key, RecordingId, u64)>> {
        let read = |row: &Row| {
            let id = RecordingId::parse(row.get(2)).ok_or_else(|| Error::Damaged("recording id".into()))?;
            Ok((Key::new(row.get(0), row.get(1)), id, unsigned(row.get(3))))
        };
        self.query(sql::OLDEST, &[&signed(most as u64)]).await?.iter().map(read).collect()
    }

    /// How many recordings are stored of a scope.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn recordings_of(&self, scope: &str) -> Result<u64> {
        Ok(self.first(sql::RECORDINGS_OF_SCOPE, &[&scope]).await?.map_or(0, |row| unsigned(row.get(0))))
    }

    /// What is stored, and whose it is: `most` scopes at most. It looks at all rows.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn usage(&self, most: usize) -> Result<Usage> {
        let number = |row: &Row, column: usize| unsigned(row.get(column));
        let scopes = self.query(sql::USAGE_OF_SCOPES, &[&signed(most as u64)]).await?;
        let scopes_in_all = scopes.first().map_or(0, |row| number(row, 3));
        let scopes = scopes.iter().map(|row| OfScope {
            scope: row.get(0),
            bytes: number(row, 1),
            recordings: number(row, 2),
        });
        let scopes = scopes.collect();
        let all = self.first(sql::USAGE, &[]).await?;
        let of_all = |column| all.as_ref().map_or(0, |row| number(row, column));
        Ok(Usage {
            on_disk: of_all(0),
            bodies: of_all(1),
            recordings: of_all(2),
            live: of_all(3),
            scopes,
            scopes_in_all,
        })
    }
}

fn shown(row: &Row) -> Shown {
    let ms = |column: usize| row.get::<_, Option<i64>>(column).map(unsigned);
    let number = |column: usize| unsigned(row.get(column));
    Shown {
        id: row.get(0),
        key: Key::new(row.get(1), row.get(2)),
        state: row.get(3),
        cause: row.get(4),
        status: row.get::<_, Option<i32>>(5).and_then(|status| u16::try_from(status).ok()),
        headers: row.get(6),
        len: number(7),
        chunks: number(8),
        started_ms: number(9),
        used_ms: number(10),
        ended_ms: ms(11),
        retired_ms: ms(12),
        node: row.get(13),
    }
}

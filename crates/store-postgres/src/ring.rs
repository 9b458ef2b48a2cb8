//! The ring of tables that pieces are in. What starts is written to the table of its hour; a table is emptied as a whole before
//! its turn comes again, and what is still used of it has moved on by then.

use crate::buckets::BUCKETS;
use crate::error::Result;
use crate::numbers::{signed, unsigned};
use crate::sql;
use crate::store::Store;

/// Tables that are emptied before their turn comes.
const AHEAD: u64 = 2;

impl Store {
    /// Empties the tables whose turn comes next, by the store's clock: what has ended and was used since `since_ms` moves to the
    /// one that is written to. Returns the number of the turn that it is, once they are empty: pass it the next time, when
    /// there is nothing to be done until another one has come.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn turn_next(&self, done: Option<u64>, since_ms: u64) -> Result<Option<u64>> {
        let Some(now_ms) = self.first(sql::NOW_MS, &[]).await?.map(|row| unsigned(row.get(0))) else {
            return Ok(done);
        };
        // As the commit of a start has it.
        let turn = (now_ms as f64 / 1000.0 / self.period.as_secs_f64()).floor() as u64;
        if done == Some(turn) {
            return Ok(done);
        }
        let table = |turn: u64| (turn % u64::from(BUCKETS)) as u8;
        let mut is_empty = true;
        for ahead in 1..=AHEAD {
            is_empty &= self.turn(table(turn + ahead), table(turn), since_ms).await?;
        }
        Ok(if is_empty { Some(turn) } else { done })
    }

    /// Empties a table of pieces that is not written to now: what has ended and was used since `since_ms` moves to the table
    /// `to`, with its row in the same transaction. Returns whether it was emptied; it is not while a row is left that says its
    /// pieces are there, of what is live or is about to be removed.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    ///
    /// # Panics
    ///
    /// For numbers that are no two tables of the ring.
    pub async fn turn(&self, bucket: u8, to: u8, since_ms: u64) -> Result<bool> {
        assert!(bucket < BUCKETS && to < BUCKETS && bucket != to, "{bucket} to {to}");
        let since_ms = signed(since_ms);
        let numbers = [i16::from(bucket), i16::from(to)];
        // A hundred at a time: their rows are locked meanwhile.
        let moves = format!(
            "with r as (select id from df.recordings where bucket = $1 and state not in ('connecting', 'streaming')
                    and used_ms > $3 limit 100 for update),
                p as (insert into df.pieces_{to} select p.* from df.pieces_{bucket} p join r on r.id = p.recording)
            update df.recordings set bucket = $2 from r where df.recordings.id = r.id returning r.id"
        );
        while !self.query(&moves, &[&numbers[0], &numbers[1], &since_ms]).await?.is_empty() {}
        // Nothing begins in it: it is not its turn.
        if self.first("select from df.recordings where bucket = $1 limit 1", &[&numbers[0]]).await?.is_some()
        {
            return Ok(false);
        }
        self.query(&format!("truncate df.pieces_{bucket}"), &[]).await?;
        Ok(true)
    }
}

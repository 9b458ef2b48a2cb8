//! The guarded commit: the changes of a plan, as one statement.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_postgres::types::ToSql;

use crate::buckets::{BUCKETS, bucket};
use crate::commit::{Commit, Committed};
use crate::error::{Error, Result};
use crate::fold::Folded;
use crate::numbers::signed;
use crate::store::{Store, name_of};

/// How soon the store is asked again that did not answer.
const AGAIN: Duration = Duration::from_millis(100);

impl Store {
    /// Writes the changes of a plan, all or none of them, if `holder` still has the key.
    ///
    /// # Errors
    ///
    /// [`Error::Known`] for a request id that is known after all: load the key again. [`Error::Busy`] where nothing was written
    /// and it may be tried again. [`Error::Unavailable`] where it is not known whether it was written: [`commit_surely`](Self::commit_surely) finds out.
    pub async fn commit(&self, commit: &Commit<'_>) -> Result<Committed> {
        let folded = Folded::of(commit);
        let Folded { edits, removed, settled, forgotten } = &folded;
        let name = name_of(commit.key);
        let epoch = signed(commit.holder.epoch);
        let owner = uuid::Uuid::from_u128(commit.holder.owner.0);
        macro_rules! columns {
            ($rows:ident: $($field:ident),*) => { ($($rows.iter().map(|row| row.$field.clone()).collect::<Vec<_>>()),*) };
        }
        let (ids, fresh, states, causes, fingerprints, statuses) =
            columns!(edits: id, fresh, state, cause, fingerprint, status);
        let (reasons, headers, volatile, lens, chunks, started) =
            columns!(edits: reason, headers, volatile, len, chunks, started_ms);
        let (used, retired, ended, restarted, ages, allowed) =
            columns!(edits: used_ms, retired_ms, ended_ms, restarted, age_ms, scope_bytes);
        let (asked, new, outcomes, at, answers) = columns!(settled: id, fresh, outcome, at_ms, answer);
        let seconds = self.period.as_secs_f64();
        let (last_of, last_at, last_bytes) = match commit.last {
            Some(piece) => (piece.recording.to_string(), signed(piece.at), &piece.bytes[..]),
            None => (String::new(), 0, &[][..]),
        };
        #[rustfmt::skip]
        let params: [&(dyn ToSql + Sync); 32] = [
            &name, &owner, &epoch,
            &ids, &fresh, &states, &causes, &fingerprints, &statuses, &reasons, &headers, &volatile, &lens, &chunks,
            &started, &used, &retired, &ended, &restarted, &ages, &allowed, &seconds,
            &asked, &new, &outcomes, &at, &answers, forgotten, removed,
            &last_of, &last_at, &last_bytes,
        ];
        let sql = statement(commit.last.map_or(0, |piece| piece.bucket), !removed.is_empty());
        let Some(row) = self.first(&sql, &params).await? else {
            return Err(Error::Damaged("answer to a commit".into()));
        };
        let (mine, started_in): (i64, Option<i16>) = (row.get(0), row.get(1));
        if mine == 0 {
            return Ok(Committed::Fenced);
        }
        Ok(Committed::Done { bucket: started_in.map(bucket).transpose()? })
    }

    /// The same, until it is known what became of it: where no answer comes, it reads whether the changes are there, and
    /// sends them once more if they are not.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] where it is not known after `within`: then nothing may be said to have been written, and
    /// nothing may be done that depends on it.
    pub async fn commit_surely(&self, commit: &Commit<'_>, within: Duration) -> Result<Committed> {
        match timeout(within, self.until_known(commit)).await {
            Ok(known) => known,
            Err(_) => Err(Error::Unavailable(format!("nothing was heard of a commit within {within:?}"))),
        }
    }

    async fn until_known(&self, commit: &Commit<'_>) -> Result<Committed> {
        let mut unsure = false;
        loop {
            let mut is_known = false;
            match self.commit(commit).await {
                // The first try may have been written after all, between the look and the second one.
                Err(Error::Known) if unsure => is_known = true,
                Err(Error::Unavailable(_)) => unsure = true,
                Err(Error::Busy(_)) => {
                    sleep(AGAIN).await;
                    if !unsure {
                        continue;
                    }
                }
                other => return other,
            }
            loop {
                match self.happened(commit).await {
                    Ok(Some(done)) => return Ok(done),
                    Ok(None) if is_known => return Err(Error::Known),
                    Ok(None) => break,
                    Err(Error::Unavailable(_) | Error::Busy(_)) => sleep(AGAIN).await,
                    Err(other) => return Err(other),
                }
            }
        }
    }
}

/// The statement, for one whose last bytes go into this bucket, and that removes recordings or does not.
fn statement(bucket: u8, removes: bool) -> String {
    let mut sql = format!(
        "with mine as (select 1 from df.keys where key = $1 and owner = $2 and epoch = $3 for share),
    e as (select * from unnest($4::text[], $5::bool[], $6::text[], $7::text[], $8::bytea[], $9::int[], $10::bytea[],
        $11::bytea[], $12::bool[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
        $19::bool[], $20::bigint[], $21::bigint[]) as e (id, fresh, state, cause, fingerprint, status, reason, headers,
        volatile, len, chunks, started_ms, used_ms, retired_ms, ended_ms, restarted, age_ms, scope_bytes)),
    started as (insert into df.recordings (id, key, epoch, bucket, state, cause, fingerprint, status, reason, headers,
            volatile, len, chunks, started_ms, used_ms, retired_ms, ended_ms, restarted, age_ms, scope_bytes)
        select e.id, $1, $3, (floor(extract(epoch from clock_timestamp())::double precision / $22::double precision)::bigint
                % {BUCKETS})::smallint,
            e.state, e.cause, e.fingerprint, e.status, e.reason, e.headers, coalesce(e.volatile, false), coalesce(e.len, 0),
            coalesce(e.chunks, 0), e.started_ms, e.used_ms, e.retired_ms, e.ended_ms, e.restarted, e.age_ms, e.scope_bytes
        from e, mine where e.fresh returning bucket),
    changed as (update df.recordings r set state = coalesce(e.state, r.state), cause = coalesce(e.cause, r.cause),
            status = coalesce(e.status, r.status), reason = coalesce(e.reason, r.reason),
            headers = coalesce(e.headers, r.headers), volatile = coalesce(e.volatile, r.volatile),
            len = coalesce(e.len, r.len), chunks = coalesce(e.chunks, r.chunks),
            used_ms = greatest(r.used_ms, e.used_ms), retired_ms = coalesce(e.retired_ms, r.retired_ms),
            ended_ms = coalesce(e.ended_ms, r.ended_ms)
        from e, mine where not e.fresh and r.id = e.id and r.key = $1
            and (e.state is null or r.state in ('connecting', 'streaming'))),
    q as (select * from unnest($23::text[], $24::bool[], $25::text[], $26::bigint[], $27::bytea[])
        as q (id, fresh, outcome, at_ms, answer)),
    asked as (insert into df.requests (key, id, outcome, at_ms, answer)
        select $1, q.id, q.outcome, q.at_ms, q.answer from q, mine where q.fresh),
    settled as (update df.requests s set outcome = q.outcome, at_ms = q.at_ms, answer = q.answer
        from q, mine where not q.fresh and s.key = $1 and s.id = q.id),
    forgotten as (delete from df.requests s using mine where s.key = $1 and s.id = any($28::text[])),
    removed as (delete from df.recordings r using mine where r.key = $1 and r.id = any($29::text[])),
    ended as (insert into df.pieces_{bucket} (recording, at, bytes)
        select $30::text, $31::bigint, $32::bytea from mine where length($32::bytea) > 0)"
    );
    if removes {
        for bucket in 0..BUCKETS {
            sql += &format!(
                ",\n    gone_{bucket} as (delete from df.pieces_{bucket} p using mine where p.recording = any($29::text[]))"
            );
        }
    }
    sql + "\nselect (select count(*) from mine), (select min(bucket) from started)"
}

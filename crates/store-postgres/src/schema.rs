//! The tables, and which programs may use them.
//!
//! `keys`: who has a key, and since which change of hands. `recordings` and `requests` are what the native recorder stores of
//! one in SQLite, in the same words; times are milliseconds since 1970. `len` and `chunks` of a recording are of its end.
//! `bucket` names the table that its pieces are in, one of nine, which is emptied as a whole.
//!
//! Migrations only add. `min_reader` is the oldest layout that a program has to know: it is raised where an older one would
//! misread what newer ones write.

use tokio_postgres::Client;

use crate::buckets::BUCKETS;
use crate::error::{Error, Result};

/// The layout that this program writes.
pub const VERSION: i32 = 1;
/// The oldest layout that a program has to know to use this one.
pub const MIN_READER: i32 = 1;

/// A process that changes the layout has this advisory lock: "durabfet", as a number.
const LOCK: i64 = 0x6475_7261_6266_6574;

const TABLES: &str = "
create sequence df.epochs;
create table df.meta (name text primary key, value bytea not null);
create table df.nodes (
    id uuid primary key,
    url text not null unique,
    spki bytea not null,
    version int not null,
    draining bool not null default false,
    since timestamptz not null,
    lease_until timestamptz not null
);
create table df.keys (
    key bytea primary key,
    scope text not null,
    url text not null,
    owner uuid,
    epoch bigint not null
);
create index keys_owner on df.keys (owner) where owner is not null;
create table df.recordings (
    id text primary key,
    key bytea not null references df.keys,
    epoch bigint not null,
    bucket smallint not null,
    state text not null,
    cause text,
    status int,
    reason bytea,
    headers bytea,
    fingerprint bytea not null,
    len bigint not null default 0,
    chunks bigint not null default 0,
    started_ms bigint not null,
    used_ms bigint not null,
    retired_ms bigint,
    ended_ms bigint,
    restarted bool not null,
    volatile bool not null default false,
    age_ms bigint,
    scope_bytes bigint
);
create index recordings_key on df.recordings (key);
create index recordings_live on df.recordings (key) where ended_ms is null;
create index recordings_bucket on df.recordings (bucket, used_ms);
create index recordings_used on df.recordings (used_ms) where ended_ms is not null;
create index recordings_ended on df.recordings (ended_ms) where ended_ms is not null;
create index recordings_retired on df.recordings (retired_ms) where retired_ms is not null;
create index recordings_aged on df.recordings ((ended_ms + age_ms)) where age_ms is not null;
create table df.requests (
    key bytea not null references df.keys,
    id text not null,
    outcome text not null,
    at_ms bigint not null,
    answer bytea,
    primary key (key, id)
);
create index requests_at on df.requests (at_ms);
";

/// Of [`TABLES`], the ring. Pieces are written once and emptied as a whole, so that nothing is to be vacuumed; compressing
/// them would cost more than it saves.
fn ring() -> String {
    let tables: String = (0..BUCKETS)
        .map(|bucket| {
            format!(
                "create table df.pieces_{bucket} (recording text, at bigint, bytes bytea not null, primary key (recording, at));
                 alter table df.pieces_{bucket} alter bytes set storage external;\n"
            )
        })
        .collect();
    let all: Vec<_> = (0..BUCKETS).map(|bucket| format!("select * from df.pieces_{bucket}")).collect();
    format!("{tables}create view df.pieces as {};", all.join(" union all "))
}

/// Makes the tables, or brings them up to date, one process at a time.
pub(crate) async fn migrate(client: &mut Client) -> Result<()> {
    let transaction = client.transaction().await?;
    // Another process may be at it: what it does takes longer than a row's lock should be waited for.
    transaction.batch_execute("set local lock_timeout = '60s'; set local statement_timeout = '60s'").await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction
        .batch_execute(
            "create schema if not exists df;
             create table if not exists df.version (version int not null, min_reader int not null)",
        )
        .await?;
    match transaction.query_opt("select version, min_reader from df.version", &[]).await? {
        None => {
            transaction.batch_execute(TABLES).await?;
            transaction.batch_execute(&ring()).await?;
            transaction.execute("insert into df.version values ($1, $2)", &[&VERSION, &MIN_READER]).await?;
        }
        Some(row) => {
            let min_reader: i32 = row.get(1);
            if min_reader > VERSION {
                return Err(Error::TooNew { min_reader, known: VERSION });
            }
        }
    }
    Ok(transaction.commit().await?)
}

//! The statements that are always the same. The guarded commit is put together in [`write`](crate::write).

/// Takes the place of a process that listened at the same address before, which is dead: two cannot listen there.
pub(crate) const JOIN: &str = "
with was as (select id from df.nodes where url = $2 and id <> $1),
    freed as (update df.keys set owner = null where owner in (select id from was))
insert into df.nodes (id, url, spki, version, since, lease_until, settings)
values ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + make_interval(secs => $5), $6)
on conflict (url) do update set id = excluded.id, spki = excluded.spki, version = excluded.version, draining = false,
    since = excluded.since, lease_until = excluded.lease_until, settings = excluded.settings";

/// Of the others that live, but for one whose place this one takes.
pub(crate) const SETTINGS: &str = "
select url, settings from df.nodes
where id <> $1 and url <> $2 and lease_until > clock_timestamp() and settings is not null";

/// `since` moves where the lease had run out: others may have taken keys meanwhile.
pub(crate) const RENEW: &str = "
update df.nodes set since = case when lease_until <= clock_timestamp() then clock_timestamp() else since end,
    lease_until = clock_timestamp() + make_interval(secs => $2)
where id = $1 returning (extract(epoch from since) * 1000000)::bigint";

pub(crate) const DRAIN: &str = "update df.nodes set draining = true where id = $1";

pub(crate) const LEAVE: &str = "
with freed as (update df.keys set owner = null where owner = $1)
delete from df.nodes where id = $1";

/// Only what nobody has.
pub(crate) const CLAIM: &str = "
insert into df.keys as k (key, scope, url, owner, epoch) values ($1, $2, $3, $4, nextval('df.epochs'))
on conflict (key) do update set owner = excluded.owner, epoch = excluded.epoch where k.owner is null
returning epoch";

/// A statement of its own: within the one that claims, the row that another has just made is not to be seen.
pub(crate) const PLACE: &str = "
select k.owner, k.epoch, coalesce(n.lease_until > clock_timestamp(), false)
from df.keys k left join df.nodes n on n.id = k.owner where k.key = $1";

/// Not before the holder's lease has run out, this process' own is unbroken for one lease, and the server has been up for one:
/// before, nobody could renew.
pub(crate) const TAKE_OVER: &str = "
update df.keys k set owner = $2, epoch = nextval('df.epochs')
where k.key = $1 and k.owner = $3 and k.epoch = $4
    and not exists (select from df.nodes n where n.id = k.owner and n.lease_until > clock_timestamp())
    and exists (select from df.nodes m where m.id = $2 and m.lease_until > clock_timestamp()
        and m.since + make_interval(secs => $5) < clock_timestamp() and not m.draining)
    and pg_postmaster_start_time() + make_interval(secs => $5) < clock_timestamp()
returning k.epoch";

/// What is live stays with its process.
pub(crate) const RELEASE: &str = "
update df.keys k set owner = null where k.key = $1 and k.owner = $2 and k.epoch = $3
    and not exists (select from df.recordings r where r.key = k.key and r.state in ('connecting', 'streaming'))
returning k.epoch";

/// Keys of which nothing is left.
pub(crate) const FORGET: &str = "
delete from df.keys k where k.key = $1 and k.owner is null
    and not exists (select from df.recordings r where r.key = k.key)
    and not exists (select from df.requests q where q.key = k.key)";

/// The same process takes its key once more, so that recovery tells what it has from what it has lost.
pub(crate) const AGAIN: &str = "
update df.keys set epoch = nextval('df.epochs') where key = $1 and owner = $2 and epoch = $3 returning epoch";

pub(crate) const NODES: &str =
    "select id, url, spki, lease_until > clock_timestamp(), draining from df.nodes";

pub(crate) const OWNED: &str = "select key, epoch from df.keys where owner = $1";

/// Of what is live, as far as its bytes go without a gap. Without the piece at 0 that is nowhere.
pub(crate) const RECORDINGS: &str = "
select r.id, r.epoch, r.bucket, r.state, r.cause, r.status, r.reason, r.headers, r.fingerprint,
    case when r.state not in ('connecting', 'streaming') then r.len
        when not exists (select from df.pieces f where f.recording = r.id and f.at = 0) then 0
        else (select min(p.at + length(p.bytes)) from df.pieces p where p.recording = r.id and not exists
            (select from df.pieces n where n.recording = r.id and n.at = p.at + length(p.bytes))) end,
    r.chunks, r.started_ms, r.used_ms, r.retired_ms, r.ended_ms, r.restarted, r.volatile, r.age_ms
from df.recordings r where r.key = $1";

pub(crate) const REQUESTS: &str = "select id, outcome, at_ms from df.requests where key = $1";

pub(crate) const ANSWER: &str = "select answer from df.requests where key = $1 and id = $2";

/// Waits for whatever is being committed about the key, which holds the row's lock.
pub(crate) const GUARD: &str =
    "select from df.keys where key = $1 and owner = $2 and epoch = $3 for no key update";

pub(crate) const STATE_OF: &str = "select state, retired_ms from df.recordings where id = $1 and key = $2";

pub(crate) const OUTCOME_OF: &str = "select outcome from df.requests where key = $1 and id = $2";

pub(crate) const ROW_OF: &str = "select bucket, state, len from df.recordings where id = $1";

/// The secret that keys fingerprints and scopes: that of the first process, for all.
pub(crate) const SECRET: &str = "
with mine as (insert into df.meta (name, value) values ('secret', $1) on conflict do nothing returning value)
select value from mine union all select value from df.meta where name = 'secret' limit 1";

/// Each part has an index of its own.
pub(crate) const DUE: &str = "
with free as not materialized (select k.key, k.scope, k.url from df.keys k where k.owner is null
    or not exists (select from df.nodes n where n.id = k.owner and n.lease_until > clock_timestamp()))
select distinct f.scope, f.url from free f join (
    (select r.key from df.recordings r join free using (key) where r.ended_ms is null limit $4)
    union all (select r.key from df.recordings r join free using (key) where r.used_ms <= $1 and r.ended_ms is not null
        order by r.used_ms limit $4)
    union all (select r.key from df.recordings r join free using (key) where r.ended_ms <= $5 order by r.ended_ms limit $4)
    union all (select r.key from df.recordings r join free using (key) where r.retired_ms <= $2 order by r.retired_ms limit $4)
    union all (select r.key from df.recordings r join free using (key) where r.age_ms is not null
        and r.ended_ms + r.age_ms <= $3 order by r.ended_ms + r.age_ms limit $4)
    union all (select q.key from df.requests q join free using (key) where q.at_ms <= $2 and not exists (
            select from df.recordings r where r.id = substr(q.outcome, 9) and q.outcome like 'started:%'
                and coalesce(r.ended_ms > $2, true))
        order by q.at_ms limit $4)
) due using (key)";

pub(crate) const USED: &str = "
update df.recordings r set used_ms = u.at from unnest($1::text[], $2::bigint[]) as u (id, at)
where r.id = u.id and r.used_ms < u.at and r.state not in ('connecting', 'streaming')";

pub(crate) const FORGET_NODES: &str = "
delete from df.nodes n where n.lease_until < clock_timestamp() - interval '1 day'
    and not exists (select from df.keys k where k.owner = n.id)";

pub(crate) const NOW_MS: &str = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";

macro_rules! shown {
    () => {
        "
select r.id, k.scope, k.url, r.state, r.cause, r.status, r.headers,
    case when r.ended_ms is not null then r.len
        else (select coalesce(max(p.at + length(p.bytes)), 0) from df.pieces p where p.recording = r.id) end,
    r.chunks, r.started_ms, r.used_ms, r.ended_ms, r.retired_ms, n.url
from df.recordings r join df.keys k using (key) left join df.nodes n on n.id = k.owner"
    };
}

pub(crate) const NEWEST: &str = concat!(
    shown!(),
    " where ($1::text is null or r.id < $1) and ($3::text is null or k.scope = $3) order by r.id desc limit $2"
);

pub(crate) const ONE: &str = concat!(shown!(), " where r.id = $1");

pub(crate) const URLS_OF_SCOPE: &str = "
select k.url from df.keys k where k.scope = $1 and (exists (select from df.recordings r where r.key = k.key)
    or exists (select from df.requests q where q.key = k.key and q.answer is not null)) limit $2";

pub(crate) const FORGET_KEPT: &str =
    "update df.requests set answer = null where key = $1 and answer is not null";

pub(crate) const SCOPES: &str = "select distinct scope from df.keys";

macro_rules! bodies {
    () => {
        "coalesce(sum(case when r.ended_ms is not null then r.len
            else (select coalesce(max(p.at + length(p.bytes)), 0) from df.pieces p where p.recording = r.id) end), 0)::bigint"
    };
}

pub(crate) const BODIES: &str = concat!("select ", bodies!(), " from df.recordings r");

pub(crate) const OLDEST: &str = "
select k.scope, k.url, r.id, r.len from df.recordings r join df.keys k using (key)
where r.ended_ms is not null and not exists
    (select from df.nodes n where n.id = k.owner and n.lease_until > clock_timestamp())
order by r.used_ms limit $1";

pub(crate) const RECORDINGS_OF_SCOPE: &str =
    "select count(*) from df.recordings r join df.keys k using (key) where k.scope = $1";

pub(crate) const USAGE_OF_SCOPES: &str = "
select k.scope, sum(r.len)::bigint, count(*), count(*) over () from df.recordings r join df.keys k using (key)
group by k.scope order by sum(r.len) desc, k.scope limit $1";

pub(crate) const USAGE: &str = concat!(
    "
select (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c
        where c.relnamespace = 'df'::regnamespace and c.relkind = 'r'),
    ",
    bodies!(),
    ", count(*), count(*) filter (where r.ended_ms is null)
from df.recordings r"
);

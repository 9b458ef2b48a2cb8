//! Who has which key, where two processes share the directory for a while.
//!
//! One holder serves (`serving` in `meta`) and has every key that is not in `places`. A process that has given its place to
//! a successor has the keys there that are listed as its own, until it lets go of each. `held`: the recordings that
//! it had in memory, one of which may have a file and no row.

use std::collections::{HashMap, HashSet};

use durablefetch_protocol::placement::{Holder, Owner};
use durablefetch_protocol::{Key, RecordingId, life};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::bodies::Bodies;
use super::recovery::{self, Found, RecoveryError, Spared};
use super::rows::{self, Freight, stored_id};
use super::sql;
use super::usage::Grown;

/// Made where it is not there: the directory's version stays what it is.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS places (
    scope TEXT NOT NULL,
    url TEXT NOT NULL,
    owner BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    held TEXT NOT NULL,
    PRIMARY KEY (scope, url)
) WITHOUT ROWID;
";

const ALL: &str = "SELECT scope, url, owner, epoch, held FROM places";
const SET_SERVING: &str = "INSERT OR REPLACE INTO meta (name, value) VALUES ('serving', ?1)";
const PUT: &str =
    "INSERT OR REPLACE INTO places (scope, url, owner, epoch, held) VALUES (?1, ?2, ?3, ?4, ?5)";
const CLEAR_OF: &str = "DELETE FROM places WHERE owner = ?1";

/// A key that a process keeps, and the recordings of it in its memory.
pub(crate) type Kept = (Key, Vec<RecordingId>);

/// Who has what, from now on.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) holder: Holder,
    /// The keys of others.
    pub(crate) elsewhere: HashMap<Key, Owner>,
    pub(crate) found: Found,
}

fn to_blob(holder: Holder) -> Vec<u8> {
    [&holder.owner.0.to_be_bytes()[..], &holder.epoch.to_be_bytes()].concat()
}

fn from_blob(blob: &[u8]) -> Option<Holder> {
    let (owner, epoch) = blob.split_at_checked(16)?;
    let owner = Owner(u128::from_be_bytes(owner.try_into().ok()?));
    Some(Holder { owner, epoch: u64::from_be_bytes(epoch.try_into().ok()?) })
}

/// The process that serves.
pub(crate) fn serving(db: &Connection) -> Result<Option<Holder>> {
    let blob: Option<Vec<u8>> =
        db.prepare_cached(sql::SERVING)?.query_row([], |row| row.get(0)).optional()?;
    Ok(blob.and_then(|blob| from_blob(&blob)))
}

fn read_holder(row: &Row<'_>, at: usize) -> Result<Holder> {
    let owner: Vec<u8> = row.get(at)?;
    let owner = owner.try_into().map_or(0, u128::from_be_bytes);
    Ok(Holder { owner: Owner(owner), epoch: row.get::<_, i64>(at + 1)? as u64 })
}

/// The process that has this key.
pub(crate) fn place(db: &Connection, key: &Key) -> Result<Option<Holder>> {
    let listed = db
        .prepare_cached(sql::PLACE)?
        .query_row([key.scope(), key.url()], |row| read_holder(row, 0))
        .optional()?;
    listed.map_or_else(|| serving(db), |listed| Ok(Some(listed)))
}

/// What a process holds its keys with: its commits about them are refused where neither says so any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    pub(crate) owner: Owner,
    /// Of the change of hands that gave it what it has, and of one that is about to be committed, which leaves it what it
    /// has.
    pub(crate) epochs: [u64; 2],
}

/// The guard of every commit about a key, in the same transaction: whether the process has it.
pub(crate) fn holds(db: &Connection, key: &Key, by: Guard) -> Result<bool> {
    Ok(place(db, key)?.is_some_and(|place| place.owner == by.owner && by.epochs.contains(&place.epoch)))
}

/// Lets go of a key: it is the serving process's.
pub(crate) fn release(db: &Connection, key: &Key, by: Holder) -> Result<()> {
    let owner = by.owner.0.to_be_bytes();
    let mut statement = db.prepare_cached(sql::RELEASE)?;
    statement.execute(params![key.scope(), key.url(), &owner[..], by.epoch as i64]).map(drop)
}

/// The one that serves gives its place to another, and keeps these keys. `None` where it does not serve.
pub(crate) fn hand_over(db: &Connection, by: Holder, kept: &[Kept], to: Owner) -> Result<Option<Holder>> {
    if serving(db)? != Some(by) {
        return Ok(None);
    }
    let owner = by.owner.0.to_be_bytes();
    let mut put = db.prepare(PUT)?;
    for (key, held) in kept {
        let held: Vec<String> = held.iter().map(ToString::to_string).collect();
        put.execute(params![key.scope(), key.url(), &owner[..], by.epoch as i64, held.join(" ")])?;
    }
    let next = Holder { owner: to, epoch: next_epoch(Some(by)) };
    db.execute(SET_SERVING, [to_blob(next)])?;
    Ok(Some(next))
}

/// A process leaves. Where it serves, nobody is in its place.
pub(crate) fn leave(db: &Connection, by: Holder) -> Result<()> {
    db.execute(sql::NOT_SERVING, [to_blob(by)])?;
    db.execute(CLEAR_OF, [&by.owner.0.to_be_bytes()[..]]).map(drop)
}

struct Listed {
    key: Key,
    owner: Owner,
    held: Vec<RecordingId>,
}

fn all(db: &Connection) -> Result<Vec<Listed>> {
    let read = |row: &Row<'_>| {
        let (scope, url, held): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
        let held = held.split(' ').filter_map(stored_id).collect();
        Ok(Listed { key: Key::new(&scope, &url), owner: read_holder(row, 2)?.owner, held })
    };
    db.prepare(ALL)?.query_map([], read)?.collect()
}

/// The keys of others than this process.
pub(crate) fn elsewhere(db: &Connection, me: Owner) -> Result<HashMap<Key, Owner>> {
    let listed = all(db)?.into_iter().filter(|listed| listed.owner != me);
    Ok(listed.map(|listed| (listed.key, listed.owner)).collect())
}

/// That of who serves after this one.
pub(crate) fn next_epoch(from: Option<Holder>) -> u64 {
    from.map_or(0, |from| from.epoch) + 1
}

/// A process serves: the first one, or in the place of a dead one. What those have left that do not live is brought in
/// order. `spared`: what this process itself has. `None` where somebody else than `from` serves by now.
pub(crate) fn serve(
    db: &Connection,
    bodies: &Bodies,
    me: Owner,
    from: Option<Holder>,
    lives: &dyn Fn(Owner) -> bool,
    mut spared: Spared,
    now_ms: u64,
) -> std::result::Result<Option<Served>, RecoveryError> {
    if serving(db)? != from {
        return Ok(None);
    }
    let holder = Holder { owner: me, epoch: next_epoch(from) };
    db.execute(SET_SERVING, [to_blob(holder)])?;
    let mut elsewhere = HashMap::new();
    let mut gone = HashSet::from([me]);
    for Listed { key, owner, held } in all(db)? {
        if owner != me && lives(owner) {
            spared.keys.insert(key.clone());
            spared.files.extend(held);
            elsewhere.insert(key, owner);
        } else {
            gone.insert(owner);
        }
    }
    for owner in gone {
        db.execute(CLEAR_OF, [&owner.0.to_be_bytes()[..]])?;
    }
    let found = recovery::recover(db, bodies, &spared, now_ms)?;
    Ok(Some(Served { holder, elsewhere, found }))
}

/// What a dead process still had is the serving one's: its recordings are interrupted. Returns the keys, what rows of each
/// have grown by, and files that may be nobody's.
pub(crate) fn take_over(
    db: &Connection,
    bodies: &Bodies,
    by: Holder,
    dead: Owner,
    now_ms: u64,
) -> std::result::Result<Vec<(Key, Grown, Vec<RecordingId>)>, RecoveryError> {
    if serving(db)? != Some(by) {
        return Ok(Vec::new());
    }
    let mut taken = Vec::new();
    for Listed { key, held, .. } in all(db)?.into_iter().filter(|listed| listed.owner == dead) {
        let (stored, ledger) = rows::load(db, &key)?;
        let mut known = Vec::with_capacity(stored.len());
        for recording in &stored {
            let len = if recording.state.is_live() { bodies.len(recording.id)? } else { recording.len };
            known.push(recording.row(len));
        }
        let changes = life::recover(&known, &ledger, now_ms);
        let grown = rows::commit(db, &key, &changes, &Freight::default())?;
        let (stored, _) = rows::load(db, &key)?;
        let orphans = held.into_iter().filter(|id| stored.iter().all(|stored| stored.id != *id)).collect();
        taken.push((key, grown, orphans));
    }
    db.execute(CLEAR_OF, [&dead.0.to_be_bytes()[..]])?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema;

    fn owner(n: u128) -> Owner {
        Owner(n)
    }

    #[test]
    fn a_key_is_where_it_is_listed_and_else_where_it_is_served() {
        let data = tempfile::tempdir().unwrap();
        let bodies = Bodies::open(data.path()).unwrap();
        let mut db = Connection::open_in_memory().unwrap();
        schema::migrate(&mut db).unwrap().unwrap();
        let [kept, free] = ["https://a.example/", "https://b.example/"].map(|url| Key::new("s", url));
        let start = |me, from, lives: &[Owner]| {
            let lives = |owner| lives.contains(&owner);
            serve(&db, &bodies, me, from, &lives, Spared::default(), 1).unwrap().map(|served| served.holder)
        };
        assert_eq!(place(&db, &kept).unwrap(), None);
        let first = start(owner(1), None, &[]).unwrap();
        assert_eq!(start(owner(2), None, &[]), None, "one serves");
        assert_eq!(place(&db, &kept).unwrap(), Some(first));

        let second = hand_over(&db, first, &[(kept.clone(), Vec::new())], owner(2)).unwrap().unwrap();
        assert_eq!(second.epoch, first.epoch + 1);
        assert_eq!(hand_over(&db, first, &[], owner(3)).unwrap(), None, "it has given its place away");
        assert_eq!(place(&db, &kept).unwrap(), Some(first));
        assert_eq!(place(&db, &free).unwrap(), Some(second));
        assert_eq!(elsewhere(&db, owner(2)).unwrap(), HashMap::from([(kept.clone(), owner(1))]));
        release(&db, &kept, Holder { epoch: 99, ..first }).unwrap();
        assert_eq!(place(&db, &kept).unwrap(), Some(first), "not by another epoch");
        release(&db, &kept, first).unwrap();
        assert_eq!(place(&db, &kept).unwrap(), Some(second));

        hand_over(&db, second, &[(kept.clone(), Vec::new())], owner(3)).unwrap().unwrap();
        let third = serving(&db).unwrap();
        let back = start(owner(2), third, &[owner(2)]).unwrap();
        assert_eq!(place(&db, &kept).unwrap(), Some(back), "what it had kept is its own again");
        leave(&db, back).unwrap();
        assert_eq!(place(&db, &kept).unwrap(), None);
    }
}

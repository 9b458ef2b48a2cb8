//! Room on the disk: keeps to the quota, and copes with a file system that is full.
//!
//! Either way finished recordings go first, those unused for longest before others, and those that somebody reads
//! last. Where none is left, the longest live one has to make room. The scope that has most gives first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use durablefetch_protocol::life::Event;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, RecordingId};
use tokio::time::sleep;

use super::commit::Cargo;
use super::others;
use crate::clock::now_ms;
use crate::net::peer;
use crate::observe::removal::Removal;
use crate::recorder::Recorder;
use crate::storage::usage::Account;
use crate::storage::{places, rows};

/// Recordings that one round of eviction looks at.
const ROUND: usize = 64;
/// Where the file system is full, finished recordings are removed until this many bytes are free: more than the
/// database's log takes for what the removal itself writes.
const FREE_AT_ONCE: u64 = 4 << 20;
/// If a writer that was told that there is room finds none within this time, room is made for it.
const SPARED_FOR: Duration = Duration::from_secs(1);

/// A process that drains has let go of what has ended in it, and has told what it was, within this time.
const LET_GO: Duration = Duration::from_millis(400);

/// Removes what is finished until the quotas are kept. Where nothing is left the longest live recording of the scope
/// fails, and then goes as well. Pumps wait meanwhile.
pub(crate) async fn keep_quota(recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
    let _one = recorder.making_room.lock().await;
    let usage = &recorder.usage;
    let asking = usage.take_over();
    for account in &asking {
        let enough = || !usage.is_scope_over(account);
        let own = || vec![Arc::clone(account)];
        make_room(recorder, own, Removal::ScopeQuota, &enough).await?;
    }
    // Who has most gives first, and nothing of others' that is live ends for it.
    let enough = || !usage.is_all_over();
    make_room(recorder, || usage.largest_first(), Removal::Quota, &enough).await?;
    usage.forget_wanted(&asking);
    recorder.wake_pumps();
    Ok(())
}

/// Has these scopes give, each before the next, until it is enough or they have nothing left.
async fn make_room(
    recorder: &Arc<Recorder>,
    scopes: impl Fn() -> Vec<Arc<Account>>,
    why: Removal,
    enough: &impl Fn() -> bool,
) -> Result<(), ProtocolError> {
    while !enough() {
        let scopes = scopes();
        if !evict_of(recorder, &scopes, why, enough).await? && !end_longest(recorder, &scopes).await {
            break;
        }
    }
    Ok(())
}

/// Fails the longest live recording of the first of these scopes that has one. False where none has.
async fn end_longest(recorder: &Arc<Recorder>, scopes: &[Arc<Account>]) -> bool {
    let longest = scopes.iter().find_map(|account| recorder.longest_live(Some(account.scope())));
    let Some(longest) = longest else { return end_longest_elsewhere(recorder, scopes).await };
    tracing::warn!(recording = %longest.id, "the disk quota is used up by live recordings");
    longest.end(End::Fail(ErrorCode::StorageFull));
    longest.sealed().await;
    true
}

/// The same in a process that drains.
async fn end_longest_elsewhere(recorder: &Arc<Recorder>, scopes: &[Arc<Account>]) -> bool {
    for owner in recorder.keys.others() {
        for account in scopes {
            let asked = serde_json::json!({ "scope": account.scope() });
            let told = others::ask(recorder, owner, peer::END_LONGEST, &asked).await;
            if told.is_ok_and(|told| told["ended"] == true) {
                // It is this process's to remove a moment later.
                sleep(LET_GO).await;
                return true;
            }
        }
    }
    false
}

/// What has ended is the serving process's to remove. False where it has nothing.
async fn asks_for_room(recorder: &Arc<Recorder>) -> Result<bool, ProtocolError> {
    let Some(serving) = recorder.db.call(places::serving).await? else { return Ok(false) };
    let asked = others::ask(recorder, serving.owner, peer::ROOM, &serde_json::Value::Null).await;
    Ok(asked.is_ok_and(|told| told["made"] == true))
}

/// Another process of this data directory has found the file system full. False where nothing could be removed.
pub(crate) async fn make_room_for_another(recorder: &Arc<Recorder>) -> Result<bool, ProtocolError> {
    let _one = recorder.making_room.lock().await;
    let before = recorder.usage.bodies();
    let enough = || before.saturating_sub(recorder.usage.bodies()) >= FREE_AT_ONCE;
    evict_of(recorder, &recorder.usage.largest_first(), Removal::FileSystem, &enough).await
}

/// The one that keeps to the quota has nothing left: fails the longest live recording of this scope, or of any.
pub(crate) async fn end_longest_of(recorder: &Arc<Recorder>, scope: Option<&str>) -> bool {
    let Some(longest) = recorder.longest_live(scope) else { return false };
    tracing::warn!(recording = %longest.id, "the disk quota is used up by live recordings");
    longest.end(End::Fail(ErrorCode::StorageFull));
    longest.sealed().await;
    true
}

/// When those that found the file system full were last told to try again without anything making room for them.
#[derive(Debug, Default)]
pub(crate) struct Spared(Option<Instant>);

impl Spared {
    /// Whether there is room by now, as others have given it back: then nothing need go. Where they find none all the
    /// same, as under a quota of the file system's, room is made.
    fn may(&mut self, recorder: &Recorder) -> bool {
        if self.0.is_some_and(|last| last.elapsed() < SPARED_FOR) {
            return false;
        }
        let has_room = recorder.bodies.free().is_ok_and(|free| free >= FREE_AT_ONCE);
        self.0 = has_room.then(Instant::now);
        has_room
    }
}

/// The file system had no room: removes finished recordings, or gives up the longest live one, and has those that
/// were starved try again.
pub(crate) async fn after_full(recorder: &Arc<Recorder>, spared: &mut Spared) -> Result<(), ProtocolError> {
    let _one = recorder.making_room.lock().await;
    let mut starved = recorder.writer.take_starved();
    if spared.may(recorder) {
        starved.iter().for_each(|starved| starved.retry(&recorder.writer));
        return Ok(());
    }
    let before = recorder.usage.bodies();
    let enough = || before.saturating_sub(recorder.usage.bodies()) >= FREE_AT_ONCE;
    let evicted = if recorder.placement.claims() {
        evict_of(recorder, &recorder.usage.largest_first(), Removal::FileSystem, &enough).await
    } else {
        asks_for_room(recorder).await
    };
    // Those that found none until it was there need not be given up, and no more be removed for them.
    starved.extend(recorder.writer.take_starved());
    // Forgetting a recording takes room in the database's log, too: there may be none even for that.
    let no_room = match &evicted {
        Ok(evicted) => !evicted,
        Err(error) => error.code == ErrorCode::StorageFull,
    };
    if no_room && !starved.is_empty() {
        match recorder.longest_live(None) {
            Some(longest) => {
                recorder.give_up(&longest);
                longest.emptied().await;
                // Those that found no room before it was there need not be given up.
                starved.extend(recorder.writer.take_starved());
            }
            None => starved.iter().for_each(|starved| recorder.give_up(starved)),
        }
    }
    starved.iter().for_each(|starved| starved.retry(&recorder.writer));
    evicted.map(|_| ())
}

/// As [`evict_of_one`], of the first of these scopes that has something.
async fn evict_of(
    recorder: &Arc<Recorder>,
    scopes: &[Arc<Account>],
    why: Removal,
    enough: &impl Fn() -> bool,
) -> Result<bool, ProtocolError> {
    for account in scopes {
        if evict_of_one(recorder, account, why, enough).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes finished recordings of a scope until it is enough, or a round is through: first those that nobody reads; where
/// there is none, answers that are kept for request ids. False where there was nothing to remove.
async fn evict_of_one(
    recorder: &Arc<Recorder>,
    account: &Arc<Account>,
    why: Removal,
    enough: &impl Fn() -> bool,
) -> Result<bool, ProtocolError> {
    if recorder.cluster.is_some() {
        // What has ended takes nothing of this process's disk.
        return Ok(false);
    }
    for even_if_read in [false, true] {
        let (mut evicted, mut unforgotten) = (false, Vec::new());
        let of = Arc::clone(account);
        for (key, id) in recorder.db.call(move |db| rows::oldest(db, of.scope(), ROUND)).await? {
            if evicted && enough() {
                break;
            }
            match evict(recorder, &key, id, even_if_read, why).await {
                Ok(gone) => evicted |= gone,
                // Its file is gone, and that was not room enough to forget it: the next one's file makes more.
                Err(error) if error.code == ErrorCode::StorageFull => unforgotten.push((key, id, error)),
                Err(error) => return Err(error),
            }
        }
        for (key, id, error) in unforgotten {
            if !evicted {
                return Err(error);
            }
            evict(recorder, &key, id, even_if_read, why).await?;
        }
        if evicted {
            return Ok(true);
        }
    }
    let of = Arc::clone(account);
    let (forgotten, grown) =
        recorder.db.write(true, move |db| rows::forget_kept(db, of.scope(), ROUND)).await?;
    recorder.usage.change_rows(account, grown);
    Ok(forgotten > 0)
}

/// True where the recording is gone. Its file goes first: the database may need that room to forget the recording. If
/// the process dies between the two, the next one finds a recording whose end is missing.
async fn evict(
    recorder: &Arc<Recorder>,
    key: &Key,
    id: RecordingId,
    even_if_read: bool,
    why: Removal,
) -> Result<bool, ProtocolError> {
    // What another process has is that one's to remove.
    let Ok(entry) = recorder.keys.entry(key) else { return Ok(false) };
    let event = Event::Evict { id, even_if_read };
    if !entry.look(recorder, |life| !life.plan(event, now_ms()).changes.is_empty()).await? {
        return Ok(false);
    }
    let bodies = recorder.bodies.clone();
    let removed = move || {
        if !even_if_read {
            bodies.empty(id);
        }
        bodies.remove(id);
    };
    let _ = tokio::task::spawn_blocking(removed).await;
    entry.act(recorder, event, Cargo { why: Some(why), ..Cargo::default() }).await?;
    Ok(true)
}

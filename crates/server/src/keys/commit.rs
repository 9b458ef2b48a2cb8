//! Plan, commit, apply: the one way in which anything about a key changes.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use durablefetch_protocol::access::allowance::Allowance;
use durablefetch_protocol::admission::Decision;
use durablefetch_protocol::life::{Change, Effect, Event, Plan, Reply};
use durablefetch_protocol::{ErrorCode, ProtocolError, RecordingId};
use durablefetch_store_postgres::Piece;
use tokio::sync::OwnedMutexGuard;

use super::lines;
use super::reading::Reading;
use super::stored::{self, Writing, Written};
use crate::clock::now_ms;
use crate::cluster;
use crate::key_map::{Entry, Life};
use crate::observe::log::Asker;
use crate::observe::redact;
use crate::observe::removal::Removal;
use crate::recorder::Recorder;
use crate::recording::in_flight::Seat;
use crate::recording::pieces::Pieces;
use crate::recording::{Recording, Start};
use crate::storage::rows::{self, Freight};
use crate::storage::usage::Grown;

/// Tries of a commit that finds the disk full.
const TRIES: usize = 5;
/// The time between them, for what makes room.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks the upstream of a recording that has begun.
type Pump = Box<dyn FnOnce(Arc<Recorder>, Arc<Entry>, Arc<Recording>) + Send>;

/// What goes with an event, and is not for the machine to look at.
#[derive(Default)]
pub(super) struct Cargo {
    /// Starts the pump of a new recording.
    pub(super) pump: Option<Pump>,
    /// What is written with the changes.
    pub(super) freight: Arc<Freight>,
    /// The request that asks.
    pub(super) asker: Option<Arc<Asker>>,
    /// Why recordings that are removed by it are removed.
    pub(super) why: Option<Removal>,
    /// The recording whose pump brings the event. The key may not know it any more.
    pub(super) own: Option<Arc<Recording>>,
    /// In a cluster: the last bytes of the recording that ends.
    pub(super) last: Option<Piece>,
    /// In a cluster: where the pieces go of the recording that has started.
    pub(super) bucket: Option<u8>,
}

/// What has come of an event.
#[derive(Debug)]
pub(crate) struct Acted {
    pub(crate) reply: Reply,
    /// The recording that the reply is about, held for the asker.
    pub(crate) reading: Option<Reading>,
    /// Recordings that were asked to end, and whether that decided their end.
    pub(crate) closed: Vec<(Arc<Recording>, bool)>,
}

/// A plan that needs no commit, and one that does.
enum AtOnce {
    Done(Acted),
    Commits(Plan, Cargo),
}

impl Entry {
    /// Has the key live through an event. Once there is something to commit it is done to its end, even if the caller
    /// hangs up.
    pub(super) async fn act(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        event: Event<'_>,
        cargo: Cargo,
    ) -> Result<Acted, ProtocolError> {
        self.ready(recorder).await?;
        self.run(recorder, event, cargo).await
    }

    /// What `look` sees of the key, which is loaded and has let go of what has outlived its use.
    pub(crate) async fn look<T>(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        look: impl FnOnce(&Life) -> T,
    ) -> Result<T, ProtocolError> {
        self.ready(recorder).await?;
        self.life().as_ref().map(look).ok_or_else(|| not_loaded(recorder))
    }

    async fn ready(self: &Arc<Self>, recorder: &Arc<Recorder>) -> Result<(), ProtocolError> {
        let keep = recorder.config.keep();
        if self.is_to_be_loaded() {
            let _slot = self.slot.lock().await;
            if self.is_to_be_loaded() {
                self.begin_to_load();
                let loaded = stored::load(recorder, self).await?;
                self.set_loaded(loaded);
            }
        }
        if recorder.cluster.as_ref().is_some_and(|cluster| self.claim().is_none() || !cluster.is_reached()) {
            // It is there to be read, or what has outlived its use stays until the store is back.
            return Ok(());
        }
        let due_ms = self.life().as_ref().and_then(|life| life.due_ms(keep));
        if due_ms.is_some_and(|due_ms| due_ms <= now_ms())
            && let Err(error) = self
                .run(recorder, Event::Due { keep }, Cargo { why: Some(Removal::Expired), ..Cargo::default() })
                .await
        {
            // What has outlived its use stays a while longer; it is not the asker's trouble.
            tracing::warn!(url = redact::key(&self.key), "storage does not forget: {}", error.message);
        }
        Ok(())
    }

    async fn run(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        event: Event<'_>,
        mut cargo: Cargo,
    ) -> Result<Acted, ProtocolError> {
        // What makes room does not wait for it.
        let tries = if matches!(event, Event::Evict { .. } | Event::Due { .. }) { 1 } else { TRIES };
        for left in (0..tries).rev() {
            let slot = match Arc::clone(&self.slot).try_lock_owned() {
                Ok(slot) => slot,
                // Another one commits. What has nothing to commit does not wait for it.
                Err(_) => {
                    cargo = match self.at_once(recorder, event, cargo)? {
                        AtOnce::Done(acted) => return Ok(acted),
                        AtOnce::Commits(_, cargo) => cargo,
                    };
                    Arc::clone(&self.slot).lock_owned().await
                }
            };
            let event = match event {
                // Here, so that the ids of a key are in the order in which its recordings start.
                Event::Ask { ask, .. } => Event::Ask { ask, new: recorder.new_id()? },
                other => other,
            };
            // What another one has committed meanwhile counts.
            let (plan, with) = match self.at_once(recorder, event, cargo)? {
                AtOnce::Done(acted) => return Ok(acted),
                AtOnce::Commits(plan, cargo) => (plan, cargo),
            };
            let (entry, recorder_then) = (Arc::clone(self), Arc::clone(recorder));
            // In a task of its own: what is half done must not be left by an asker who hangs up.
            let task = tokio::spawn(async move { entry.commit(&recorder_then, plan, with, slot).await });
            match task.await.map_err(|_| ProtocolError::from(ErrorCode::Internal))? {
                Ok(acted) => return Ok(acted),
                Err((error, back)) if error.code == ErrorCode::StorageFull && left > 0 => {
                    cargo = back;
                    tokio::time::sleep(PAUSE).await;
                }
                Err((error, _)) => return Err(error),
            }
        }
        Err(ErrorCode::StorageFull.into())
    }

    /// Plans, and applies a plan without changes, which needs no slot.
    fn at_once(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        event: Event<'_>,
        cargo: Cargo,
    ) -> Result<AtOnce, ProtocolError> {
        let life = self.life();
        let Some(known) = life.as_ref() else { return Err(not_loaded(recorder)) };
        let plan = known.plan(event, now_ms());
        if plan.changes.is_empty() {
            self.apply(recorder, life, plan, None, cargo).map(AtOnce::Done)
        } else {
            Ok(AtOnce::Commits(plan, cargo))
        }
    }

    async fn commit(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        mut plan: Plan,
        mut cargo: Cargo,
        slot: OwnedMutexGuard<()>,
    ) -> Result<Acted, (ProtocolError, Cargo)> {
        let seat = match plan.reply {
            Reply::Started(_) => match recorder.may_start(&self.key, begins(&plan.changes), plan.breaks()) {
                Ok(seat) => Some(seat),
                Err(error) => return Err((error, cargo)),
            },
            _ => None,
        };
        // What begins has to find room. What has begun is counted, and others make room for it.
        let added = match recorder.cluster {
            // Of this process's disk they take nothing.
            Some(_) => Grown::default(),
            None => rows::added(&self.key, &plan.changes, &cargo.freight),
        };
        if matches!(plan.reply, Reply::Started(_)) {
            recorder.usage.allow(&self.account, begins(&plan.changes).bytes);
        }
        if matches!(plan.reply, Reply::Started(_) | Reply::Remembered) {
            if let Err(no_room) = recorder.usage.reserve(&self.account, added) {
                return Err((no_room.into(), cargo));
            }
        } else {
            recorder.usage.change_rows(&self.account, added);
        }
        let changes = std::mem::take(&mut plan.changes);
        let removed = cargo.why.map(|why| (why, removed(&changes)));
        let freight = Arc::clone(&cargo.freight);
        let writing = Writing { changes, freight, last: cargo.last.take() };
        let committed = stored::commit(recorder, self, writing).await;
        let grown = match committed {
            Ok(Written::Done { grown, .. }) => grown,
            _ => Grown::default(),
        };
        recorder.usage.change_rows(&self.account, grown - added);
        match committed {
            Ok(Written::Done { bucket, .. }) => cargo.bucket = bucket,
            Ok(Written::Fenced) => {
                self.fenced(recorder);
                return Err((ErrorCode::ShuttingDown.into(), cargo));
            }
            Err(error) => {
                recorder.metrics.storage_error(error.code);
                if error.code == ErrorCode::StorageFull {
                    recorder.writer.starve();
                }
                let error = match recorder.cluster {
                    // Nothing is started on a guess: the same request may come again.
                    Some(_) if cargo.own.is_none() => {
                        tracing::error!("the cluster's store: {}", error.message);
                        cluster::later()
                    }
                    _ => error.into(),
                };
                return Err((error, cargo));
            }
        }
        if let Some((why, ids)) = removed {
            ids.into_iter().for_each(|id| lines::removed(recorder, &self.key, id, why));
        }
        let acted = self.apply(recorder, self.life(), plan, seat, cargo);
        drop(slot);
        acted.map_err(|error| (error, Cargo::default()))
    }

    /// What is to be written down of when its recordings were used. Nothing else depends on it.
    pub(super) fn used(&self) -> Vec<Change> {
        let life = self.life();
        let Some(life) = life.as_ref() else { return Vec::new() };
        let used = life.handles().filter_map(|recording| Some((recording.id, recording.take_touched()?)));
        let used: Vec<_> = used.collect();
        life.plan(Event::Used { used: &used }, now_ms()).changes
    }

    /// Another process has the key: its readers here are broken off, and ask there.
    pub(super) fn fenced(self: &Arc<Self>, recorder: &Arc<Recorder>) {
        if recorder.cluster.is_none() || self.claim().is_some() {
            tracing::error!(url = redact::key(&self.key), "another process has taken over what this one had");
        }
        let life = self.life();
        let Some(known) = life.as_ref() else { return };
        match recorder.cluster {
            // Its files are in the same directory.
            None => known.handles().for_each(|recording| recording.disown()),
            Some(_) => known.handles().for_each(|recording| recorder.discard(recording)),
        }
        let plan = known.plan(Event::Fenced, now_ms());
        let _ = self.apply(recorder, life, plan, None, Cargo::default());
        *self.life() = None;
        if recorder.cluster.is_some() {
            recorder.keys.lost(self);
        }
    }

    /// The plan is committed: makes it true and does what follows from it.
    fn apply(
        self: &Arc<Self>,
        recorder: &Arc<Recorder>,
        mut life: MutexGuard<'_, Option<Life>>,
        plan: Plan,
        seat: Option<Seat<'_>>,
        mut cargo: Cargo,
    ) -> Result<Acted, ProtocolError> {
        let reply = plan.reply;
        let Some(life_now) = life.as_mut() else { return Err(ErrorCode::Internal.into()) };
        let mut known: Vec<Arc<Recording>> = if plan.has_effects() {
            life_now.handles().chain(&cargo.own).cloned().collect()
        } else {
            Vec::new()
        };
        let effects = life_now.apply(plan, |start| {
            let ring = recorder.memory.ring();
            let made =
                Arc::new(Recording::connecting(start, self.key.clone(), Arc::clone(&self.account), ring));
            if let (Some(claimed), Some(bucket)) = (self.claim(), cargo.bucket) {
                made.set_pieces(Pieces::new(claimed.holder, bucket));
            }
            known.push(Arc::clone(&made));
            made
        });
        let asked = match reply {
            Reply::Started(id) | Reply::Decided(Decision::Wait(id)) => Some(id),
            Reply::Decided(Decision::Serve { recording, .. }) => Some(recording),
            _ => None,
        };
        // Before anybody else can have it let go of.
        let reading = asked.map(|id| match life_now.find(id) {
            Some(found) => Reading::new(recorder, self, found).ok_or(ErrorCode::TooManyReaders),
            None => Err(ErrorCode::Gone),
        });
        // Before anybody can see that they are gone from here: a pump that does would end its recording as it had come to its end.
        for effect in &effects {
            if let Effect::Break(id, end) = effect
                && let Some(recording) = known.iter().find(|known| known.id == *id)
            {
                recording.break_off(*end);
            }
        }
        drop(life);
        let mut hand = Hand { entry: self, recorder, seat, closed: Vec::new() };
        for effect in effects {
            let id = effect.recording();
            if let Some(recording) = known.iter().find(|known| known.id == id) {
                hand.carry_out(effect, recording, &mut cargo);
            }
        }
        Ok(Acted { reply, reading: reading.transpose()?, closed: hand.closed })
    }
}

/// What is told where a key was loaded and is not any more: in a cluster another process has it by now, or what is known of it
/// has become unsure.
fn not_loaded(recorder: &Recorder) -> ProtocolError {
    if recorder.cluster.is_some() { cluster::later() } else { ErrorCode::Internal.into() }
}

/// Carries out effects.
struct Hand<'a> {
    entry: &'a Arc<Entry>,
    recorder: &'a Arc<Recorder>,
    seat: Option<Seat<'a>>,
    closed: Vec<(Arc<Recording>, bool)>,
}

impl Hand<'_> {
    fn carry_out(&mut self, effect: Effect, recording: &Arc<Recording>, cargo: &mut Cargo) {
        match effect {
            Effect::Pump(_) => {
                let (Some(seat), Some(pump)) = (self.seat.take(), cargo.pump.take()) else { return };
                self.recorder.takes_off(seat, recording);
                if let Some(asker) = cargo.asker.take() {
                    recording.set_asker(asker);
                }
                lines::started(self.recorder, recording);
                pump(Arc::clone(self.recorder), Arc::clone(self.entry), Arc::clone(recording));
            }
            Effect::Close(_, end) => {
                let decided = recording.end(end);
                self.closed.push((Arc::clone(recording), decided));
            }
            // It was done before the others.
            Effect::Break(..) => {}
            Effect::Tell(_, start) => {
                if let Some(head) = cargo.freight.head.clone() {
                    recording.set_head(head, start);
                }
            }
            Effect::Seal(id, end) => {
                // Who has seen the end finds the seat free.
                self.recorder.lands(id);
                recording.seal(end);
                lines::ended(self.recorder, recording);
                if self.recorder.cluster.is_some() && recording.start() == Start::Recorded {
                    // From now on it is read from the store, which has nothing of what was passed through.
                    self.recorder.discard(recording);
                }
            }
            Effect::Discard(_) => self.recorder.discard(recording),
        }
    }
}

/// What the scope may have of the recording that begins with these changes.
fn begins(changes: &[Change]) -> Allowance {
    let begin = changes.iter().find_map(|change| match change {
        Change::Insert(begin) => Some(begin.allowance),
        _ => None,
    });
    begin.unwrap_or_default()
}

/// The recordings that are gone with these changes.
fn removed(changes: &[Change]) -> Vec<RecordingId> {
    let gone = |change: &Change| match change {
        Change::Remove { id } => Some(*id),
        _ => None,
    };
    changes.iter().filter_map(gone).collect()
}

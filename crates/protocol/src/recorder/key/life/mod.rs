//! The life of a key: all that a recorder knows of one, and every decision about it.
//!
//! The machine has no clock, no IO and no lock. A driver asks it what is to be done about an [`Event`], writes the
//! [`Change`]s of the [`Plan`] down as **one** transaction, and makes the plan true:
//!
//! ```text
//!   plan(event, now) ──▶ Plan { changes, reply, … } ──▶ commit(changes) ──▶ apply(plan) ──▶ effects
//!                                   │
//!                                   └── refused: drop the plan, and nothing has happened
//! ```
//!
//! Between `plan` and `apply` no other plan that has changes may be applied: a driver that commits asynchronously has
//! one *commit slot* a key for those. A plan without changes is applied at once and needs no slot.
//!
//! The bytes, readers and upstream of a recording are the driver's. The machine holds the driver's [`Handle`] of each,
//! and looks at it rather than keeping a copy that could differ.

mod ask;
mod due;
mod ends;
mod load;
mod plan;
mod status;

use std::rc::Rc;
use std::sync::Arc;

pub use load::{Row, recover};
pub use plan::{Begin, Change, Effect, Event, Keep, KeepFor, Plan, Reply};
pub use status::Detail;

use super::admission::Stored;
use super::ledger::Ledger;
use crate::recording::{Progress, Start};
use crate::{Fingerprint, RecordingId, RequestId};
use plan::Step;

/// A driver's handle of one recording; it is cloned like an `Rc`.
pub trait Handle {
    /// What the key has to know of the recording at this moment.
    fn seen(&self) -> Seen;
}

impl<T: Handle> Handle for Rc<T> {
    fn seen(&self) -> Seen {
        T::seen(self)
    }
}

impl<T: Handle> Handle for Arc<T> {
    fn seen(&self) -> Seen {
        T::seen(self)
    }
}

/// What a key has to know of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// As readers see it: an end shows once it is committed.
    pub progress: Progress,
    /// Of the request that started it.
    pub fingerprint: Fingerprint,
    /// What the start has come to.
    pub start: Start,
    /// Readers that follow it, and requests that wait for its head.
    pub readers: u64,
    /// When it was last used, milliseconds since 1970.
    pub used_ms: u64,
}

impl Seen {
    const fn id(&self) -> RecordingId {
        self.progress.id()
    }
}

/// Where a recording of a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Its end is not committed.
    Live,
    /// It ended at this time, and answers new requests.
    Finished(u64),
    /// A later one has started since: it answers continuations by id, and is let go of in a while.
    Retired {
        /// When it ended.
        ended_ms: u64,
        /// When the later one started.
        since_ms: u64,
    },
}

#[derive(Debug, Clone)]
struct Held<H> {
    /// The handle's, which is looked for far too often to ask the handle each time.
    id: RecordingId,
    handle: H,
    standing: Standing,
    /// A `restart` started it.
    restarted: bool,
    /// A client that has read it and asks again is not answered with it.
    volatile: bool,
    /// How long it is kept after its end at most, where its token has said so.
    age_ms: Option<u64>,
}

impl<H: Handle> Held<H> {
    fn is_live(&self) -> bool {
        self.standing == Standing::Live
    }

    fn is_retired(&self) -> bool {
        matches!(self.standing, Standing::Retired { .. })
    }

    const fn ended_ms(&self) -> Option<u64> {
        match self.standing {
            Standing::Live => None,
            Standing::Finished(ended_ms) | Standing::Retired { ended_ms, .. } => Some(ended_ms),
        }
    }

    fn stored(&self) -> Stored {
        let seen = self.handle.seen();
        Stored {
            id: self.id,
            state: seen.progress.state(),
            len: seen.progress.len(),
            fingerprint: seen.fingerprint,
            retired: self.is_retired(),
            restarted: self.restarted,
            volatile: self.volatile,
            passing: seen.start == Start::Unrecorded,
        }
    }
}

/// All that is known of one key.
#[derive(Debug, Clone)]
pub struct KeyLife<H> {
    /// In the order in which they started.
    held: Vec<Held<H>>,
    /// Gone for all who ask, but somebody still reads them to their end.
    leaving: Vec<H>,
    ledger: Ledger,
}

impl<H> Default for KeyLife<H> {
    fn default() -> Self {
        Self { held: Vec::new(), leaving: Vec::new(), ledger: Ledger::default() }
    }
}

impl<H: Handle + Clone> KeyLife<H> {
    /// What is to be done about an event at this time, milliseconds since 1970. Nothing has happened yet.
    pub fn plan(&self, event: Event<'_>, now_ms: u64) -> Plan {
        match event {
            Event::Ask { ask, new } => self.ask(ask, new, now_ms),
            Event::Answered { id, recorded, volatile } => self.answered(id, recorded, volatile),
            Event::Ended { id, end, keep } => self.ended(id, end, keep, now_ms),
            Event::Unwritable { id, code } => self.unwritable(id, code, now_ms),
            Event::GivenUp { id, code } => self.given_up(id, code, now_ms),
            Event::Stop { named, request } => self.stop(named, request, now_ms),
            Event::Delete { named, request } => self.delete(named, request, now_ms),
            Event::Left { id } => self.left(id),
            Event::Used { used } => Self::used(used),
            Event::Due { keep } => self.due(keep, now_ms),
            Event::Evict { id, even_if_read } => self.evict(id, even_if_read, now_ms),
            Event::Fenced => self.fenced(),
        }
    }

    /// The changes of a plan are committed: it is true from now on. Returns what is to be done, in this order. `make`
    /// makes the handle of a recording that starts.
    pub fn apply(&mut self, plan: Plan, make: impl FnOnce(Begin) -> H) -> Vec<Effect> {
        let mut make = Some(make);
        let effects = self.let_go(&plan.steps, plan.effects);
        for step in plan.steps {
            match step {
                Step::Start(begin) => {
                    if let Some(make) = make.take() {
                        let Begin { id, restarted, allowance, .. } = begin;
                        let standing = Standing::Live;
                        self.held.push(Held {
                            id,
                            handle: make(begin),
                            standing,
                            restarted,
                            volatile: false,
                            age_ms: allowance.age_ms,
                        });
                    }
                }
                Step::Stand(id, standing) => {
                    if let Some(held) = self.held_mut(id) {
                        held.standing = standing;
                    }
                }
                Step::Volatile(id) => {
                    if let Some(held) = self.held_mut(id) {
                        held.volatile = true;
                    }
                }
                Step::Drop(id) => self.held.retain(|held| held.id != id),
                Step::Left(id) => self.leaving.retain(|handle| handle.seen().id() != id),
                Step::Set(entry) => self.ledger.set(entry.id, entry.outcome, entry.at_ms),
                Step::Forget(id) => self.ledger.forget(&id),
                Step::Empty => *self = Self::default(),
            }
        }
        effects
    }

    /// The bytes of what is dropped are let go of by the end of its pump, or now where that has come: between plan and
    /// apply, too, storage may have refused an end. What is still read goes when its last reader leaves, unless its
    /// readers are broken.
    fn let_go(&mut self, steps: &[Step], mut effects: Vec<Effect>) -> Vec<Effect> {
        for step in steps {
            if let Step::Drop(id) = *step
                && self.held(id).is_some_and(|held| !held.is_live())
                && !effects.contains(&Effect::Discard(id))
            {
                effects.push(Effect::Discard(id));
            }
        }
        let mut broken = Vec::new();
        effects.retain(|effect| match *effect {
            Effect::Break(id, _) => {
                broken.push(id);
                true
            }
            Effect::Discard(id) if !broken.contains(&id) => {
                let read = self.find(id).filter(|handle| handle.seen().readers > 0).cloned();
                let at_once = read.is_none();
                self.leaving.extend(read);
                at_once
            }
            _ => true,
        });
        effects
    }

    /// The handle of a recording by its id: live, finished or retired.
    #[must_use]
    pub fn find(&self, id: RecordingId) -> Option<&H> {
        self.held(id).map(|held| &held.handle)
    }

    /// All handles, in the order in which they started.
    pub fn handles(&self) -> impl Iterator<Item = &H> {
        self.held.iter().map(|held| &held.handle)
    }

    /// The ids of all that the driver has of the key: what has gone and is still read as well.
    pub fn ids(&self) -> impl Iterator<Item = RecordingId> {
        let leaving = self.leaving.iter().map(|handle| handle.seen().id());
        self.held.iter().map(|held| held.id).chain(leaving)
    }

    /// Whether it is known what became of a request id.
    #[must_use]
    pub fn knows(&self, request: &RequestId) -> bool {
        self.ledger.entry(request).is_some()
    }

    /// Whether nothing is known of the key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.leaving.is_empty() && self.ledger.is_empty()
    }

    /// Whether anything is in flight: recordings, and answers that are passed through.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.held.iter().any(Held::is_live)
    }

    fn stored(&self) -> Vec<Stored> {
        self.held.iter().map(Held::stored).collect()
    }

    fn held_mut(&mut self, id: RecordingId) -> Option<&mut Held<H>> {
        self.held.iter_mut().find(|held| held.id == id)
    }

    fn held(&self, id: RecordingId) -> Option<&Held<H>> {
        self.held.iter().find(|held| held.id == id)
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

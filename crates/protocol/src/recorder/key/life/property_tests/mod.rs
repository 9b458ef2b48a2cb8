//! Random lives of one key: a driver in miniature around the machine, with every disturbance that a real one meets.
//!
//! `SEED=n` runs one life again. `LIVES=n` runs more of them.

mod disturbances;
mod driver;
mod happens;
mod promises;
mod random;
mod readers;
mod rows;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::random::Random;
use self::rows::Rows;
use super::*;
use crate::admission::{Decision, Ending, Named, head_came, no_head};
use crate::ledger::Entry;
use crate::limits::KEPT_ANSWER_MAX;
use crate::recording::{End, Got, Progress};
use crate::{Ask, ErrorCode, Fetch, Mode, Outcome, RequestId, State};

const KEEP: KeepFor = KeepFor { unused_ms: 20 * 60 * 1000, age_ms: 35 * 60 * 1000 };

#[derive(Clone)]
struct Fake(Rc<RefCell<Seen>>);

impl Handle for Fake {
    fn seen(&self) -> Seen {
        *self.0.borrow()
    }
}

impl Fake {
    fn change<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.0.borrow_mut())
    }
}

#[derive(Clone)]
enum Todo {
    Ask(usize),
    Answered(RecordingId, bool, bool),
    Ended(RecordingId),
    Unwritable(RecordingId),
    Stop(Named, Option<RequestId>),
    Delete(Named, Option<RequestId>),
    GivenUp(RecordingId),
    Due,
    Evict(RecordingId, bool),
    Used(RecordingId),
}

struct Asker {
    ask: Ask,
    told: bool,
}

struct Reader {
    recording: RecordingId,
    handle: Fake,
    offset: u64,
    ending: Ending,
    until: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pump {
    /// Its head is asked for.
    Connecting,
    /// Its head is here, and is to be committed.
    Answered,
    Open,
    /// It has let go of the upstream; its end is to be committed.
    Ending,
}

struct World {
    random: Random,
    now_ms: u64,
    next: u128,
    life: KeyLife<Fake>,
    rows: Rows,
    files: BTreeSet<RecordingId>,
    /// Every handle that this process has made.
    all: BTreeMap<RecordingId, Fake>,
    pumps: BTreeMap<RecordingId, Pump>,
    todo: Vec<Todo>,
    slot: Option<(Plan, RecordingId, Todo)>,
    effects: Vec<Effect>,
    askers: Vec<Asker>,
    waiters: Vec<(usize, RecordingId)>,
    readers: Vec<Reader>,
    /// What this process could not write: storage knows less of it than memory does.
    unwritten: BTreeSet<RecordingId>,
    broken: BTreeSet<RecordingId>,
    /// Upstream requests that each request id has led to, while it is remembered.
    started: BTreeMap<RequestId, u32>,
    clean_ends: usize,
}

fn request(n: usize) -> RequestId {
    RequestId::parse(&format!("id-{n}")).unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed.wrapping_mul(2).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            now_ms: 1_000_000,
            next: 1,
            life: KeyLife::default(),
            rows: Rows::default(),
            files: BTreeSet::new(),
            all: BTreeMap::new(),
            pumps: BTreeMap::new(),
            todo: Vec::new(),
            slot: None,
            effects: Vec::new(),
            askers: Vec::new(),
            waiters: Vec::new(),
            readers: Vec::new(),
            unwritten: BTreeSet::new(),
            broken: BTreeSet::new(),
            started: BTreeMap::new(),
            clean_ends: 0,
        }
    }

    fn new_id(&mut self) -> RecordingId {
        self.next += 1;
        RecordingId::from_parts(self.now_ms, self.next)
    }

    fn some_id(&mut self) -> Option<RecordingId> {
        let known: Vec<_> = self.all.keys().copied().collect();
        (!known.is_empty()).then(|| known[self.random.below(known.len())])
    }

    fn named(&mut self) -> Named {
        match self.random.below(4) {
            0 | 1 => Named::All,
            2 => self.some_id().map_or(Named::Unknown, Named::Only),
            _ => Named::Unknown,
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the seed of a test")]
fn every_life_of_a_key_keeps_its_promises() {
    const STEPS: usize = 500;
    let lives: u64 = std::env::var("LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let only: Option<u64> = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
    let (mut clean, mut steps) = (0, 0);
    for seed in only.map_or(0..lives, |seed| seed..seed + 1) {
        let lived = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
                world.check_reload();
            }
            world.rest();
            world.clean_ends
        });
        clean += lived.unwrap_or_else(|_| panic!("run it again with SEED={seed}"));
        steps += STEPS;
    }
    assert!(only.is_some() || (steps >= 100_000 && clean > 300), "{steps} steps, {clean} clean ends");
}

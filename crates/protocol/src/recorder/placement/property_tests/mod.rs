//! Random lives of a store and its processes: they are started, succeeded, paused, killed and wrongly held for dead, and
//! answers are lost on the way. What they do about a request, and about themselves, the machines say.
//!
//! `SEED=n` runs one of them again. `LIVES=n` runs more of them.

mod hands;
mod requests;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use self::store::{Key, Recording, Store};
use super::*;

const KEYS: u8 = 3;
const IDS: u8 = 12;
const DRAIN: Drain = Drain { alone_ms: 60, succeeded_ms: 400 };

/// xorshift64*: enough to choose steps with.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What a process knows of a key that it has.
#[derive(Default)]
struct Life {
    ids: BTreeMap<u8, Recording>,
    /// Live ones, and the bytes that came.
    live: BTreeMap<Recording, u64>,
}

/// How a process stands in the change of hands that it is in the middle of.
#[derive(Clone, Copy)]
enum Changing {
    No,
    /// It has drawn the line, and commits what it keeps.
    Away(usize),
}

struct Running {
    machine: Process,
    /// Guards its commits: when it last came to what it has.
    epoch: u64,
    is_alive: bool,
    is_paused: bool,
    is_told: bool,
    changing: Changing,
    lives: BTreeMap<Key, Life>,
    /// What it has claimed by itself; where a holder serves, nothing.
    claimed: BTreeMap<Key, u64>,
    /// Where others are.
    elsewhere: BTreeMap<Key, Owner>,
}

impl Running {
    fn holder(&self, key: Key) -> Holder {
        let epoch = self.claimed.get(&key).copied().unwrap_or(self.epoch);
        Holder { owner: self.machine.me(), epoch }
    }

    fn runs(&self) -> bool {
        self.is_alive && !self.is_paused
    }
}

/// A request at a process, and what it waits for.
struct Task {
    at: usize,
    key: Key,
    id: Option<u8>,
    /// What a client wants once, however often it is passed on.
    intent: u64,
    request: Request,
    asking: Asking,
    doing: Doing,
    /// The task, at another process, that has passed it on.
    from: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Step(Step),
    /// A start is about to be committed.
    Commits(Recording),
    /// It was committed, or not: the answer was lost.
    Resolves(Recording),
    Waits,
    /// It reads a recording, and has so many bytes.
    Reads(Recording, u64),
}

struct World {
    random: Random,
    seed: u64,
    /// One holder serves and has what is not listed; otherwise each key is claimed by itself.
    is_served: bool,
    now_ms: u64,
    store: Store,
    processes: Vec<Running>,
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    next_recording: u32,
    /// The ids of a key that the upstream was asked for, and what clients wanted.
    asked: BTreeSet<(Key, u8)>,
    started: BTreeSet<u64>,
    /// What has ended in the process that had it: shown to its readers.
    shown: BTreeSet<Recording>,
    ends: u32,
    served: u32,
    forwarded: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            seed,
            is_served: seed.is_multiple_of(2),
            now_ms: 1000,
            store: Store::default(),
            processes: Vec::new(),
            tasks: BTreeMap::new(),
            next_task: 0,
            next_recording: 0,
            asked: BTreeSet::new(),
            started: BTreeSet::new(),
            shown: BTreeSet::new(),
            ends: 0,
            served: 0,
            forwarded: 0,
        };
        world.start();
        world
    }

    fn pick(&mut self, fits: impl Fn(&Running) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.processes.len()).filter(|at| fits(&self.processes[*at])).collect();
        if all.is_empty() { None } else { Some(all[self.random.below(all.len())]) }
    }

    fn happen(&mut self) {
        self.now_ms += self.random.below(4) as u64;
        match self.random.below(40) {
            0..=4 => self.come(),
            5..=22 => self.advance(),
            23..=30 => self.pump(),
            31 => self.change_hands(),
            32 => self.look_after_others(),
            33 | 34 => self.drain(),
            35 => self.disturb(),
            36 | 37 => self.resume(),
            _ => self.commit_change(),
        }
    }

    /// Processes die, stand still and are told to end. If none is left, one is started.
    fn disturb(&mut self) {
        let Some(at) = self.pick(|process| process.is_alive) else { return self.start() };
        match self.random.below(6) {
            0 => self.die(at),
            1 if self.processes.iter().filter(|process| process.is_alive).count() > 1 => {
                self.processes[at].machine.told_to_end(self.now_ms);
                self.stop_serving(at);
            }
            2 if !self.is_served => self.start(),
            _ => self.processes[at].is_paused = true,
        }
    }

    fn resume(&mut self) {
        if let Some(at) = self.pick(|process| process.is_alive && process.is_paused) {
            self.processes[at].is_paused = false;
        }
    }

    fn die(&mut self, at: usize) {
        self.processes[at].is_alive = false;
        self.processes[at].lives.clear();
        let gone: Vec<u64> = self.tasks.iter().filter(|(_, task)| task.at == at).map(|(n, _)| *n).collect();
        for n in gone {
            self.ends(n, Heard::Lost { may_be_made: true });
        }
    }

    /// At rest every request is answered, and nothing is live that nobody pumps.
    fn rest(&mut self) {
        for process in &mut self.processes {
            process.is_paused = false;
        }
        for _ in 0..20_000 {
            self.now_ms += 1;
            if !self.processes.iter().any(|process| process.is_alive && process.machine.claims()) {
                self.look_after_others();
                if self.processes.iter().all(|process| !process.is_alive) {
                    break;
                }
            }
            self.advance();
            self.pump();
            self.look_after_others();
            self.drain();
            self.commit_change();
            if self.tasks.is_empty() {
                break;
            }
        }
        let waiting: Vec<_> =
            self.tasks.values().map(|task| (task.at, task.key, task.doing_word())).collect();
        assert!(waiting.is_empty(), "SEED={}: {waiting:?}", self.seed);
    }
}

impl Task {
    fn doing_word(&self) -> String {
        match self.doing {
            Doing::Step(step) => format!("{step:?}"),
            Doing::Commits(_) => "commits".into(),
            Doing::Resolves(_) => "resolves".into(),
            Doing::Waits => "waits".into(),
            Doing::Reads(recording, at) => format!("reads {recording} at {at}"),
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the seed of a test")]
fn every_life_of_processes() {
    let variable = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    let seeds = match variable("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("LIVES").unwrap_or(250),
    };
    let many = seeds.end - seeds.start > 100;
    let (mut ends, mut served, mut forwarded, mut takeovers) = (0, 0, 0, 0);
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..500 {
            world.happen();
        }
        world.rest();
        ends += world.ends;
        served += world.served;
        forwarded += world.forwarded;
        takeovers += world.store.takeovers;
    }
    println!("{served} served, {forwarded} forwarded, {ends} clean ends, {takeovers} takeovers");
    if many {
        assert!(ends > 100 && served > 1000 && forwarded > 100 && takeovers > 100);
    }
}

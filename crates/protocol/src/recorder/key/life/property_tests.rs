//! Random lives of one key: a driver in miniature around the machine, with every disturbance that a real one meets.
//!
//! `SEED=n` runs one life again. `LIVES=n` runs more of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::*;
use crate::admission::{Decision, Ending, Named, head_came, no_head};
use crate::ledger::Entry;
use crate::limits::KEPT_ANSWER_MAX;
use crate::recording::{End, Got, Progress};
use crate::{Ask, ErrorCode, Fetch, Mode, State};

const TTL_MS: u64 = 20 * 60 * 1000;

struct Random(u64);

impl Random {
    /// xorshift64*: enough to choose steps with.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

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
struct StoredRow {
    row: Row,
    fingerprint: Fingerprint,
    used_ms: u64,
}

#[derive(Default, Clone)]
struct Rows {
    recordings: BTreeMap<RecordingId, StoredRow>,
    requests: BTreeMap<RequestId, (Entry, bool)>,
}

impl Rows {
    fn commit(&mut self, change: &Change) {
        match change.clone() {
            Change::Insert(Begin { id, fingerprint, restarted, at_ms }) => {
                let row = Row {
                    id,
                    state: State::Connecting,
                    unrecorded: false,
                    restarted,
                    volatile: false,
                    len: 0,
                    chunks: 0,
                    ended_ms: None,
                    retired_ms: None,
                };
                let new = StoredRow { row, fingerprint, used_ms: at_ms };
                assert!(self.recordings.insert(id, new).is_none(), "an id is used twice");
            }
            Change::Head { id, volatile } => self.at(id, |row| {
                row.row = Row { state: State::Streaming, volatile, ..row.row };
            }),
            Change::Unrecord { id } => self.at(id, |row| row.row.unrecorded = true),
            Change::End { id, state, len, chunks, at_ms, .. } => self.at(id, |stored| {
                stored.row = Row { state, len, chunks, ended_ms: Some(at_ms), ..stored.row };
                stored.used_ms = stored.used_ms.max(at_ms);
            }),
            Change::Retire { id, at_ms } => self.at(id, |row| row.row.retired_ms = Some(at_ms)),
            Change::Use { id, at_ms } => self.at(id, |row| row.used_ms = at_ms),
            Change::Remove { id } => assert!(self.recordings.remove(&id).is_some(), "removed twice"),
            Change::Request { entry, answer } => {
                if let Some(answer) = answer {
                    assert!(self.recordings.contains_key(&answer), "its bytes are there to be kept");
                }
                self.requests.insert(entry.id.clone(), (entry, answer.is_some()));
            }
            Change::Forget { id } => assert!(self.requests.remove(&id).is_some(), "forgotten twice"),
        }
    }

    fn at(&mut self, id: RecordingId, change: impl FnOnce(&mut StoredRow)) {
        change(self.recordings.get_mut(&id).expect("a change is about a row that is there"));
    }

    fn ledger(&self) -> Ledger {
        Ledger::from_entries(self.requests.values().map(|(entry, _)| entry.clone()).collect())
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

    // --- what happens

    fn step(&mut self) {
        match self.random.below(24) {
            0 | 1 => self.new_ask(),
            16..=20 => self.upstreams(),
            21..=23 => self.read(),
            3 => {
                let (named, with_id) = (self.named(), self.random.one_in(2));
                let request = with_id.then(|| request(self.random.below(5)));
                self.todo.push(Todo::Stop(named, request));
            }
            4 if self.random.one_in(3) => {
                let (named, with_id) = (self.named(), self.random.one_in(3));
                let request = with_id.then(|| request(self.random.below(5)));
                self.todo.push(Todo::Delete(named, request));
            }
            5 | 6 => self.upstreams(),
            7 => self.read(),
            8 if self.random.one_in(2) => {
                self.now_ms += [1, 1000, 60_000, 5 * 60_000, 11 * 60_000][self.random.below(5)];
                self.check_due();
            }
            9 => self.todo.push(Todo::Due),
            10 if self.random.one_in(3) => {
                let even_if_read = self.random.one_in(2);
                if let Some(id) = self.some_id() {
                    self.todo.push(Todo::Evict(id, even_if_read));
                }
            }
            2 if self.random.one_in(20) => self.crash(),
            11 if self.random.one_in(20) => self.fence(),
            12 | 13 => self.resolve_slot(),
            14 if !self.readers.is_empty() => {
                let n = self.random.below(self.readers.len());
                self.leave(n);
            }
            15 if self.random.one_in(4) => {
                if let Some(id) = self.some_id().filter(|id| self.life.find(*id).is_some()) {
                    self.todo.push(Todo::Used(id));
                }
            }
            _ => {}
        }
        self.work();
        self.work();
        self.run_effects();
    }

    fn new_ask(&mut self) {
        let ask = if self.random.one_in(5) {
            let Some(recording) = self.some_id() else { return };
            Ask::Continue { recording, offset: self.random.next() % 4 }
        } else {
            let mode = Mode::ALL[self.random.below(Mode::ALL.len())];
            let fingerprint = Fingerprint([self.random.below(3) as u8; 32]);
            let request = self.random.one_in(2).then(|| request(self.random.below(5)));
            let mut fetch = Fetch { request, ..Fetch::new(mode, fingerprint) };
            fetch.attach = if self.random.one_in(4) { self.some_id() } else { None };
            fetch.read = if self.random.one_in(4) { self.some_id() } else { None };
            fetch.after_event = self.random.one_in(8);
            Ask::Fetch(fetch)
        };
        self.askers.push(Asker { ask, told: false });
        self.todo.push(Todo::Ask(self.askers.len() - 1));
    }

    fn upstreams(&mut self) {
        let ids: Vec<_> = self.pumps.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.random.below(ids.len())];
        let handle = self.all[&id].clone();
        let pump = self.pumps[&id];
        if handle.seen().progress.decided().is_some() && pump != Pump::Ending {
            self.pumps.insert(id, Pump::Ending);
            self.todo.push(Todo::Ended(id));
            return;
        }
        match (pump, self.random.below(5)) {
            (Pump::Connecting, 0) if self.random.one_in(2) => {
                handle.change(|seen| seen.progress.decide(End::Fail(ErrorCode::UpstreamUnreachable)));
                self.pumps.insert(id, Pump::Ending);
                self.todo.push(Todo::GivenUp(id));
            }
            (Pump::Connecting, 0) => {
                handle.change(|seen| seen.progress.decide(End::Fail(ErrorCode::UpstreamFailed)));
            }
            (Pump::Connecting, 1 | 2) if handle.seen().start == Start::Pending => {
                let recorded = !self.random.one_in(4);
                self.pumps.insert(id, Pump::Answered);
                let volatile = recorded && self.random.one_in(3);
                self.todo.push(Todo::Answered(id, recorded, volatile));
            }
            (Pump::Open, 0..=2) => {
                let len = [1, 3, KEPT_ANSWER_MAX][self.random.below(3)];
                if handle.change(|seen| seen.progress.chunk(len)) {
                    self.files.insert(id);
                }
            }
            (Pump::Open, 3) => {
                handle.change(|seen| seen.progress.decide(End::Complete));
            }
            (Pump::Open, 4) if self.random.one_in(4) => {
                handle.change(|seen| seen.progress.decide(End::Fail(ErrorCode::UpstreamFailed)));
            }
            _ => {}
        }
    }

    // --- the driver

    fn plan(&self, todo: &Todo, new: RecordingId) -> Plan {
        let event = match todo {
            Todo::Ask(asker) => Event::Ask { ask: &self.askers[*asker].ask, new },
            Todo::Answered(id, recorded, volatile) => {
                Event::Answered { id: *id, recorded: *recorded, volatile: *volatile }
            }
            Todo::Ended(id) => {
                let end = self.all[id].seen().progress.decided().expect("an end was decided");
                Event::Ended { id: *id, end, keep: Keep::All }
            }
            Todo::Unwritable(id) => Event::Unwritable { id: *id, code: ErrorCode::StorageFailed },
            Todo::Stop(named, request) => Event::Stop { named: *named, request: request.as_ref() },
            Todo::Delete(named, request) => Event::Delete { named: *named, request: request.as_ref() },
            Todo::GivenUp(id) => Event::GivenUp { id: *id, code: ErrorCode::UpstreamUnreachable },
            Todo::Due => Event::Due { ttl_ms: TTL_MS },
            Todo::Evict(id, even_if_read) => Event::Evict { id: *id, even_if_read: *even_if_read },
            Todo::Used(id) => {
                if self.life.find(*id).is_none() {
                    return self.life.plan(Event::Used { used: &[] }, self.now_ms);
                }
                return self.life.plan(Event::Used { used: &[(*id, self.now_ms)] }, self.now_ms);
            }
        };
        self.life.plan(event, self.now_ms)
    }

    /// Takes up one thing that is to be done, as far as the commit slot lets it.
    fn work(&mut self) {
        if self.todo.is_empty() {
            return;
        }
        let n = self.random.below(self.todo.len());
        let new = self.new_id();
        let plan = self.plan(&self.todo[n], new);
        if plan.changes.is_empty() {
            let todo = self.todo.remove(n);
            self.done(plan, new, &todo);
        } else if self.slot.is_none() {
            let todo = self.todo.remove(n);
            self.slot = Some((plan, new, todo));
        }
    }

    /// The commit that is under way comes to something.
    fn resolve_slot(&mut self) {
        let Some((plan, new, todo)) = self.slot.take() else { return };
        match self.random.below(10) {
            // Refused: nothing has happened. Askers are told so, ends are tried again or given up.
            0 => self.refused(&todo),
            // The answer of the commit is lost. The driver looks, and acts by what it finds.
            1 => {
                if self.random.one_in(2) {
                    self.done(plan, new, &todo);
                } else {
                    self.todo.push(todo);
                }
            }
            _ => self.done(plan, new, &todo),
        }
    }

    fn refused(&mut self, todo: &Todo) {
        match todo {
            Todo::Ask(asker) => self.askers[*asker].told = true,
            Todo::Ended(id) | Todo::GivenUp(id) if self.random.one_in(2) => {
                self.unwritten.insert(*id);
                self.all[id].change(|seen| seen.progress.fail(ErrorCode::StorageFailed));
                self.todo.push(Todo::Unwritable(*id));
            }
            Todo::Ended(_) | Todo::GivenUp(_) => self.todo.push(todo.clone()),
            Todo::Answered(id, ..) => {
                self.all[id].change(|seen| seen.progress.decide(End::Fail(ErrorCode::StorageFailed)));
            }
            _ => {}
        }
    }

    fn done(&mut self, plan: Plan, new: RecordingId, todo: &Todo) {
        if let Todo::Unwritable(id) = todo {
            assert!(plan.changes.is_empty(), "storage takes nothing of it");
            self.unwritten.insert(*id);
        }
        self.commit(&plan);
        let reply = plan.reply;
        let all = &mut self.all;
        let effects = self.life.apply(plan, |begin| {
            assert_eq!(begin.id, new);
            let seen = Seen {
                progress: Progress::connecting(begin.id),
                fingerprint: begin.fingerprint,
                start: Start::Pending,
                readers: 0,
                used_ms: begin.at_ms,
            };
            let made = Fake(Rc::new(RefCell::new(seen)));
            all.insert(begin.id, made.clone());
            made
        });
        self.effects.extend(effects);
        if let Todo::Ask(asker) = todo {
            self.answer(*asker, reply);
        }
    }

    fn commit(&mut self, plan: &Plan) {
        for change in &plan.changes {
            self.rows.commit(change);
            if let Change::Forget { id } = change {
                self.started.remove(id);
            }
        }
    }

    fn answer(&mut self, asker: usize, reply: Reply) {
        match reply {
            Reply::Started(id) => {
                if let Ask::Fetch(Fetch { request: Some(request), .. }) = &self.askers[asker].ask {
                    let times = self.started.entry(request.clone()).or_default();
                    *times += 1;
                    assert_eq!(*times, 1, "{request:?} has started twice");
                }
                self.wait(asker, id);
            }
            Reply::Decided(Decision::Wait(id)) => self.wait(asker, id),
            Reply::Decided(decision) => self.serve(asker, decision),
            other => panic!("a fetch is answered with {other:?}"),
        }
    }

    fn wait(&mut self, asker: usize, id: RecordingId) {
        let handle = self.all[&id].clone();
        if handle.seen().start == Start::Pending && handle.seen().progress.state().is_live() {
            handle.change(|seen| seen.readers += 1);
            self.waiters.push((asker, id));
        } else {
            self.told(asker, id);
        }
    }

    /// The start that was waited for has come to something.
    fn told(&mut self, asker: usize, id: RecordingId) {
        let seen = self.all[&id].seen();
        let decision = match seen.start {
            Start::Pending
                if matches!(
                    seen.progress.state(),
                    State::Superseded | State::Deleted | State::Interrupted
                ) =>
            {
                no_head(
                    &self.askers[asker].ask,
                    seen.progress.decided().map_or(ErrorCode::Internal, End::no_head),
                )
            }
            Start::Pending => panic!("told before there is anything to tell"),
            Start::Recorded => head_came(&seen.progress, &self.askers[asker].ask),
            Start::Nothing(code) => no_head(&self.askers[asker].ask, code),
            Start::Unrecorded => Decision::Serve { recording: id, from: 0, ending: Ending::AsRecorded },
        };
        self.serve(asker, decision);
    }

    fn serve(&mut self, asker: usize, decision: Decision) {
        self.askers[asker].told = true;
        let Decision::Serve { recording, from, ending } = decision else {
            assert!(
                !matches!(decision, Decision::Wait(_) | Decision::Start(_)),
                "{decision:?} answers nobody"
            );
            return;
        };
        let handle = self.all[&recording].clone();
        let seen = handle.seen();
        assert!(from <= seen.progress.len());
        match &self.askers[asker].ask {
            Ask::Continue { recording: asked, .. } => assert_eq!(*asked, recording, "another recording"),
            Ask::Fetch(fetch) => check_match(fetch, &seen, recording),
        }
        handle.change(|seen| {
            seen.readers += 1;
            seen.used_ms = self.now_ms;
        });
        self.readers.push(Reader { recording, handle, offset: from, ending, until: seen.progress.len() });
    }

    fn read(&mut self) {
        if self.readers.is_empty() {
            return;
        }
        let n = self.random.below(self.readers.len());
        let reader = &mut self.readers[n];
        if reader.ending == Ending::Clean && reader.offset == reader.until {
            self.clean_ends += 1;
            return self.leave(n);
        }
        match reader.handle.seen().progress.look(None, reader.offset) {
            Got::Wait => {}
            Got::Stored(until) => {
                assert!(
                    self.files.contains(&reader.recording),
                    "the bytes are there as long as they are read"
                );
                reader.offset = until;
            }
            Got::Bytes(_) => unreachable!("there is no ring here"),
            Got::Gone => self.leave(n),
            Got::Ended(state) => {
                let clean = state.ends_clean() && reader.ending != Ending::Broken;
                if clean {
                    let id = reader.recording;
                    assert!(!self.broken.contains(&id), "a clean end after a break");
                    if reader.handle.seen().start == Start::Recorded
                        && let Some(stored) = self.rows.recordings.get(&id)
                    {
                        assert_eq!(
                            (stored.row.state, stored.row.len),
                            (state, reader.offset),
                            "as committed"
                        );
                    }
                    self.clean_ends += 1;
                }
                self.leave(n);
            }
        }
    }

    fn leave(&mut self, n: usize) {
        let reader = self.readers.swap_remove(n);
        reader.handle.change(|seen| {
            seen.readers -= 1;
            seen.used_ms = seen.used_ms.max(self.now_ms);
        });
        self.left(reader.recording);
    }

    fn left(&mut self, id: RecordingId) {
        if self.all[&id].seen().readers == 0 {
            let plan = self.life.plan(Event::Left { id }, self.now_ms);
            assert!(plan.changes.is_empty());
            let effects = self.life.apply(plan, |_| unreachable!());
            self.effects.extend(effects);
        }
    }

    /// Effects of one recording keep their order; those of different ones do not.
    fn run_effects(&mut self) {
        while !self.effects.is_empty() && !self.random.one_in(3) {
            let n = self.random.below(self.effects.len());
            let id = self.effects[n].recording();
            let first = self.effects.iter().position(|effect| effect.recording() == id).unwrap();
            let effect = self.effects.remove(first);
            self.run(effect);
        }
    }

    fn run(&mut self, effect: Effect) {
        let handle = self.all[&effect.recording()].clone();
        match effect {
            Effect::Pump(id) => {
                self.pumps.insert(id, Pump::Connecting);
            }
            Effect::Close(_, end) => {
                handle.change(|seen| seen.progress.decide(end));
            }
            Effect::Break(id, end) => {
                if handle.change(|seen| seen.progress.break_off(end)) {
                    self.broken.insert(id);
                }
                self.wake(id);
            }
            Effect::Tell(id, start) => {
                if handle.change(|seen| {
                    let came = seen.progress.head();
                    if came {
                        seen.start = start;
                    }
                    came
                }) {
                    self.pumps.insert(id, Pump::Open);
                    self.wake(id);
                }
            }
            Effect::Seal(id, end) => {
                handle.change(|seen| {
                    seen.progress.decide(end);
                    seen.progress.seal();
                    if seen.start == Start::Pending {
                        seen.start = Start::Nothing(end.no_head());
                    }
                });
                self.pumps.remove(&id);
                self.wake(id);
            }
            Effect::Discard(id) => {
                assert_eq!(
                    self.readers
                        .iter()
                        .filter(|reader| reader.recording == id
                            && !matches!(reader.handle.seen().progress.look(None, reader.offset), Got::Gone))
                        .count(),
                    0,
                    "it is read"
                );
                self.files.remove(&id);
            }
        }
    }

    fn wake(&mut self, id: RecordingId) {
        let (now, later) =
            std::mem::take(&mut self.waiters).into_iter().partition(|(_, waited)| *waited == id);
        self.waiters = later;
        let now: Vec<(usize, RecordingId)> = now;
        for (asker, id) in now {
            self.all[&id].change(|seen| seen.readers -= 1);
            self.told(asker, id);
            self.left(id);
        }
    }

    // --- disturbances

    /// The process dies, and another takes over what is in storage.
    fn crash(&mut self) {
        if let Some((plan, ..)) = self.slot.take()
            && self.random.one_in(2)
        {
            self.commit(&plan);
        }
        self.forget_process();
        self.reload();
    }

    /// Another process owns the key; this one hears of it, and gets it back later.
    fn fence(&mut self) {
        self.slot = None;
        let plan = self.life.plan(Event::Fenced, self.now_ms);
        assert!(plan.changes.is_empty(), "what is not owned is not written");
        while !self.effects.is_empty() {
            let effect = self.effects.remove(0);
            self.run(effect);
        }
        for effect in self.life.apply(plan, |_| unreachable!()) {
            self.run(effect);
        }
        assert!(
            self.readers.iter().all(|reader| {
                let seen = reader.handle.seen();
                !seen.progress.state().is_live()
            }),
            "nobody follows what is owned by another"
        );
        self.forget_process();
        self.reload();
    }

    fn forget_process(&mut self) {
        self.todo.clear();
        self.effects.clear();
        self.pumps.clear();
        self.waiters.clear();
        self.readers.clear();
        self.all.clear();
        self.unwritten.clear();
        self.askers.iter_mut().for_each(|asker| asker.told = true);
    }

    fn reload(&mut self) {
        let (life, rows, files) = self.reloaded();
        self.all = life.handles().map(|handle| (handle.seen().id(), handle.clone())).collect();
        (self.life, self.rows, self.files) = (life, rows, files);
    }

    fn reloaded(&self) -> (KeyLife<Fake>, Rows, BTreeSet<RecordingId>) {
        let mut rows = self.rows.clone();
        let lengths: Vec<Row> = rows
            .recordings
            .values()
            .map(|stored| {
                // While it is live, its bytes tell how far it goes.
                let seen = self.all.get(&stored.row.id).map(|handle| handle.seen().progress);
                match seen.filter(|_| stored.row.state.is_live()) {
                    Some(progress) => Row { len: progress.len(), chunks: progress.chunks(), ..stored.row },
                    None => stored.row,
                }
            })
            .collect();
        let changes = recover(&lengths, &rows.ledger(), self.now_ms);
        changes.iter().for_each(|change| rows.commit(change));
        let files = self.files.iter().copied().filter(|id| rows.recordings.contains_key(id)).collect();
        let loaded = rows.recordings.values().map(|stored| {
            let Row { id, state, len, chunks, .. } = stored.row;
            let seen = Seen {
                progress: Progress::recovered(id, state, None, len, chunks),
                fingerprint: stored.fingerprint,
                start: Start::Recorded,
                readers: 0,
                used_ms: stored.used_ms,
            };
            (stored.row, Fake(Rc::new(RefCell::new(seen))))
        });
        (KeyLife::load(loaded, rows.ledger()), rows, files)
    }

    // --- what must hold

    fn check_due(&self) {
        let Some(due_ms) = self.life.due_ms(TTL_MS) else { return };
        let plan = self.life.plan(Event::Due { ttl_ms: TTL_MS }, self.now_ms);
        assert_eq!(due_ms <= self.now_ms, !plan.changes.is_empty(), "due at {due_ms}, now {}", self.now_ms);
    }

    /// What a process would find in storage is what this one has in memory, with what is live interrupted.
    fn check_reload(&self) {
        if self.slot.is_some() || !self.effects.is_empty() {
            return;
        }
        let (found, ..) = self.reloaded();
        for held in &self.life.held {
            let seen = held.handle.seen();
            let id = seen.id();
            if self.unwritten.contains(&id) {
                continue;
            }
            let other = found.held(id);
            match (held.standing, seen.start) {
                (Standing::Live, Start::Recorded) => {
                    assert_eq!(
                        other.expect("interrupted").handle.seen().progress.state(),
                        State::Interrupted
                    );
                }
                // Its head was committed while a stop came.
                (Standing::Live, Start::Pending) if seen.progress.decided().is_some() => {}
                (Standing::Live, _) => assert!(other.is_none(), "nothing is kept but its ids"),
                (standing, _) => {
                    let other = other.expect("what has ended is stored");
                    assert_eq!(
                        (other.standing, other.handle.seen().progress.len()),
                        (standing, seen.progress.len())
                    );
                }
            }
        }
        for held in &found.held {
            let id = held.handle.seen().id();
            let known = self.life.held(id).is_some() || self.unwritten.contains(&id);
            assert!(known, "memory has forgotten what storage has");
        }
        for entry in self.life.ledger.entries() {
            let stored = found.ledger.find(&entry.id);
            if !self.unwritten.is_empty() {
                continue;
            }
            let live = matches!(entry.outcome, Outcome::Started(id) if self.life.held(id).is_some_and(Held::is_live));
            assert!(live || stored == Some(entry.outcome), "{entry:?} is stored as {stored:?}");
        }
    }

    /// Everything comes to its end, and time passes: nothing is left.
    fn rest(&mut self) {
        for _ in 0..20_000 {
            let at_work = !self.todo.is_empty() || !self.pumps.is_empty() || !self.effects.is_empty();
            if !at_work && self.slot.is_none() && self.readers.is_empty() {
                break;
            }
            if let Some((plan, new, todo)) = self.slot.take() {
                self.done(plan, new, &todo);
            }
            for id in self.pumps.keys().copied().collect::<Vec<_>>() {
                let handle = self.all[&id].clone();
                handle.change(|seen| seen.progress.decide(End::Fail(ErrorCode::UpstreamIdle)));
                if self.pumps[&id] != Pump::Ending {
                    self.pumps.insert(id, Pump::Ending);
                    self.todo.push(Todo::Ended(id));
                }
            }
            self.work();
            while !self.effects.is_empty() {
                let effect = self.effects.remove(0);
                self.run(effect);
            }
            self.read();
        }
        while !self.readers.is_empty() {
            self.leave(0);
        }
        assert!(self.todo.is_empty() && self.pumps.is_empty(), "nothing is left to be done");
        assert!(
            self.askers.iter().all(|asker| asker.told) && self.waiters.is_empty(),
            "everybody is answered"
        );
        for _ in 0..3 {
            self.now_ms += 24 * 60 * 60 * 1000;
            self.check_due();
            let plan = self.life.plan(Event::Due { ttl_ms: TTL_MS }, self.now_ms);
            // What could not be written is not there to be removed from storage by id.
            self.done(plan, RecordingId::from_parts(0, 0), &Todo::Due);
            while !self.effects.is_empty() {
                let effect = self.effects.remove(0);
                self.run(effect);
            }
        }
        assert!(self.life.is_empty(), "at rest nothing is known");
        assert_eq!(self.life.due_ms(TTL_MS), None);
        assert!(self.rows.requests.is_empty(), "no id is left");
        assert!(self.files.is_empty(), "no file is left: {:?}", self.files);
        let left: Vec<_> = self.rows.recordings.keys().filter(|id| !self.unwritten.contains(id)).collect();
        assert!(left.is_empty(), "no row is left: {left:?}");
    }
}

/// Which recordings a request may be answered with. One with a request id may have been answered with it before,
/// whatever it says now.
fn check_match(fetch: &Fetch, seen: &Seen, recording: RecordingId) {
    let own = seen.fingerprint == fetch.fingerprint || fetch.attach == Some(recording);
    let ended = !seen.progress.state().is_live();
    if fetch.request.is_some() || seen.start != Start::Recorded {
        return;
    }
    match fetch.mode {
        Mode::Match | Mode::MatchLive => assert!(own, "another request's answer"),
        // What was live when it was asked for may have ended by now.
        Mode::Join if ended => {}
        Mode::Join | Mode::Resume | Mode::Replay | Mode::New | Mode::Restart => {}
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

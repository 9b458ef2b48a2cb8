//! Requests come, are passed on, start and read.

use super::store::{Refused, State};
use super::*;

impl World {
    /// A request comes to a process that takes connections, or to one that still has some.
    pub(super) fn come(&mut self) {
        let Some(at) = self.pick(Running::runs) else { return };
        let key = self.random.below(KEYS.into()) as Key;
        let id = (!self.random.one_in(4)).then(|| self.random.below(IDS.into()) as u8);
        let only_reads = self.random.one_in(4);
        let request = Request { only_reads, is_repeatable: only_reads || id.is_some(), is_forwarded: false };
        let intent = self.next_task;
        self.ask(at, (key, id, intent), request, None);
    }

    fn ask(
        &mut self,
        at: usize,
        (key, id, intent): (Key, Option<u8>, u64),
        request: Request,
        from: Option<u64>,
    ) {
        let process = &self.processes[at];
        let is_changing = !matches!(process.changing, Changing::No);
        let claims = process.machine.claims() && !is_changing;
        let known = if process.lives.contains_key(&key) {
            Known::Here
        } else if let Some(owner) = process.elsewhere.get(&key).filter(|_| claims) {
            Known::Elsewhere(*owner)
        } else if self.is_served && process.machine.standing() != Standing::Drains && !is_changing {
            Known::Here
        } else {
            Known::Nothing
        };
        let mut asking = Asking::new(process.machine.me(), request, claims);
        let doing = Doing::Step(asking.begin(known));
        self.next_task += 1;
        self.tasks.insert(self.next_task, Task { at, key, id, intent, request, asking, doing, from });
    }

    /// One step of a request at a process that runs.
    pub(super) fn advance(&mut self) {
        let runs = |task: &Task| self.processes[task.at].runs() && task.doing != Doing::Waits;
        let ready: Vec<u64> = self.tasks.iter().filter(|(_, task)| runs(task)).map(|(n, _)| *n).collect();
        if ready.is_empty() {
            return;
        }
        let n = ready[self.random.below(ready.len())];
        let task = &self.tasks[&n];
        match task.doing {
            Doing::Step(step) => self.take(n, step),
            Doing::Commits(new) => self.commit(n, new),
            Doing::Resolves(new) => self.resolve(n, new),
            Doing::Reads(recording, at) => self.read(n, recording, at),
            Doing::Waits => {}
        }
    }

    fn hears(&mut self, n: u64, heard: Heard) {
        if let Some(task) = self.tasks.get_mut(&n) {
            task.doing = Doing::Step(task.asking.on(heard));
        }
    }

    /// The task is over. Who has passed it on hears of it.
    pub(super) fn ends(&mut self, n: u64, heard: Heard) {
        if let Some(from) = self.tasks.remove(&n).and_then(|task| task.from)
            && self.tasks.get(&from).is_some_and(|task| task.doing == Doing::Waits)
        {
            self.hears(from, heard);
        }
    }

    /// The task has been answered, as far as it can be.
    fn is_answered(&mut self, n: u64) {
        self.served += 1;
        if let Some(from) = self.tasks.remove(&n).and_then(|task| task.from) {
            self.tasks.remove(&from);
        }
    }

    fn take(&mut self, n: u64, step: Step) {
        let task = &self.tasks[&n];
        let (at, key, id, intent, request) = (task.at, task.key, task.id, task.intent, task.request);
        match step {
            Step::Serve => self.serve(n),
            Step::Read | Step::Later | Step::Break => self.is_answered(n),
            Step::NotHere => self.ends(n, Heard::NotThere),
            Step::Look { .. } => {
                let place = self.store.place(key);
                let process = &mut self.processes[at];
                process.elsewhere.remove(&key);
                // The one that serves is told of every other place.
                if let Some(place) = place.filter(|place| place.owner != process.machine.me()) {
                    process.elsewhere.insert(key, place.owner);
                }
                self.hears(n, Heard::Place(place));
            }
            Step::Claim => {
                let me = self.processes[at].machine.me();
                let holder = if self.is_served { None } else { self.store.claim(key, me) };
                self.take_up(at, key, holder);
                self.hears(n, Heard::Claimed(holder.is_some()));
            }
            Step::Forward(owner) => {
                let other = self.processes.iter().position(|process| process.machine.me() == owner);
                let Some(other) = other.filter(|other| self.processes[*other].is_alive) else {
                    return self.hears(n, Heard::Lost { may_be_made: false });
                };
                self.forwarded += 1;
                let is_lost = self.random.one_in(10);
                self.tasks.get_mut(&n).expect("it is there").doing = Doing::Waits;
                let from = (!is_lost).then_some(n);
                self.ask(other, (key, id, intent), Request { is_forwarded: true, ..request }, from);
                if is_lost {
                    self.hears(n, Heard::Lost { may_be_made: true });
                }
            }
            Step::Probe(owner) => {
                let lives = !self.is_thought_dead(owner);
                self.hears(n, Heard::Lives(lives));
            }
            Step::TakeOver(owner) => {
                let taken = if self.is_served {
                    let taken = self.store.take_over_all(owner);
                    taken.iter().for_each(|key| _ = self.processes[at].elsewhere.remove(key));
                    taken.contains(&key)
                } else {
                    let me = self.processes[at].machine.me();
                    let holder = self.store.take_over_key(key, me, owner);
                    self.take_up(at, key, holder);
                    holder.is_some()
                };
                self.hears(n, Heard::Claimed(taken));
            }
        }
    }

    fn take_up(&mut self, at: usize, key: Key, holder: Option<Holder>) {
        if let Some(holder) = holder {
            self.processes[at].claimed.insert(key, holder.epoch);
            self.processes[at].lives.remove(&key);
        }
    }

    /// The process has the key, as far as it knows: a known id is read, and everything else starts.
    fn serve(&mut self, n: u64) {
        let task = &self.tasks[&n];
        let (at, key, id, only_reads) = (task.at, task.key, task.id, task.request.only_reads);
        if !self.processes[at].lives.contains_key(&key) {
            let ids = self.store.ids(key);
            self.processes[at].lives.insert(key, Life { ids, live: BTreeMap::new() });
        }
        let life = &self.processes[at].lives[&key];
        let known = id.and_then(|id| life.ids.get(&id).copied());
        let joined = known.or_else(|| life.live.keys().next_back().copied().filter(|_| only_reads));
        match joined {
            Some(recording) => self.set(n, Doing::Reads(recording, 0)),
            None if only_reads => self.is_answered(n),
            None => {
                self.next_recording += 1;
                self.set(n, Doing::Commits(self.next_recording));
            }
        }
    }

    fn set(&mut self, n: u64, doing: Doing) {
        self.tasks.get_mut(&n).expect("it is there").doing = doing;
    }

    fn commit(&mut self, n: u64, new: Recording) {
        let task = &self.tasks[&n];
        let (at, key, id) = (task.at, task.key, task.id);
        let holder = self.processes[at].holder(key);
        let committed = self.store.start(key, holder, id, new);
        if self.random.one_in(8) {
            return self.set(n, Doing::Resolves(new));
        }
        self.committed(n, new, committed);
    }

    /// Whether it was committed is read under the guard; the same statement is sent again where it was not.
    fn resolve(&mut self, n: u64, new: Recording) {
        let task = &self.tasks[&n];
        let (at, key) = (task.at, task.key);
        let is_ours = self.store.place(key) == Some(self.processes[at].holder(key));
        let is_there = self.store.rows.get(&new).is_some_and(|row| row.state == State::Live);
        match (is_ours, is_there) {
            (true, true) => self.committed(n, new, Ok(())),
            (true, false) => self.set(n, Doing::Commits(new)),
            (false, _) => self.committed(n, new, Err(Refused::Fenced)),
        }
    }

    fn committed(&mut self, n: u64, new: Recording, committed: Result<(), Refused>) {
        let task = &self.tasks[&n];
        let (at, key, id, intent) = (task.at, task.key, task.id, task.intent);
        match committed {
            Ok(()) => {
                assert!(self.started.insert(intent), "SEED={}: a request starts twice", self.seed);
                if let Some(id) = id {
                    assert!(self.asked.insert((key, id)), "SEED={}: an id starts twice", self.seed);
                }
                let life = self.processes[at].lives.entry(key).or_default();
                life.ids.extend(id.map(|id| (id, new)));
                life.live.insert(new, 0);
                self.set(n, Doing::Reads(new, 0));
            }
            Err(Refused::Known(known)) => {
                let life = self.processes[at].lives.entry(key).or_default();
                life.ids.extend(id.map(|id| (id, known)));
                self.set(n, Doing::Reads(known, 0));
            }
            Err(Refused::Fenced) => {
                self.fenced(at, key);
                self.is_answered(n);
            }
        }
    }

    /// Another one has the key: what this one knows of it goes, and its readers are broken.
    fn fenced(&mut self, at: usize, key: Key) {
        let process = &mut self.processes[at];
        process.lives.remove(&key);
        process.claimed.remove(&key);
    }

    /// A reader gets what there is of a recording, and an end once that is committed.
    fn read(&mut self, n: u64, recording: Recording, has: u64) {
        let task = &self.tasks[&n];
        let live =
            self.processes[task.at].lives.get(&task.key).and_then(|life| life.live.get(&recording)).copied();
        let row = self.store.rows[&recording];
        match (live, row.state) {
            (Some(len), _) if len > has => self.set(n, Doing::Reads(recording, len)),
            (Some(_), _) => {}
            // What it has of it is what is stored: read to its end.
            (None, State::Complete) => {
                if has > 0 {
                    assert!(self.shown.contains(&recording), "SEED={}: an end that was not shown", self.seed);
                    assert!(has <= row.len, "SEED={}: a reader has more than the whole", self.seed);
                }
                self.ends += 1;
                self.is_answered(n);
            }
            (None, State::Live | State::Interrupted) => self.is_answered(n),
        }
    }

    /// A chunk or the end comes from an upstream.
    pub(super) fn pump(&mut self) {
        let pumps =
            |process: &Running| process.runs() && process.lives.values().any(|life| !life.live.is_empty());
        let Some(at) = self.pick(pumps) else { return };
        let live: Vec<(Key, Recording, u64)> = self.processes[at]
            .lives
            .iter()
            .flat_map(|(key, life)| life.live.iter().map(|(recording, len)| (*key, *recording, *len)))
            .collect();
        let (key, recording, len) = live[self.random.below(live.len())];
        let holder = self.processes[at].holder(key);
        if !self.random.one_in(5) {
            let life = self.processes[at].lives.get_mut(&key).expect("it is live");
            life.live.insert(recording, len + 1);
            return;
        }
        match self.store.end(key, holder, recording, len) {
            Ok(()) => {
                self.shown.insert(recording);
                let life = self.processes[at].lives.get_mut(&key).expect("it is live");
                life.live.remove(&recording);
            }
            Err(_) => self.fenced(at, key),
        }
    }
}

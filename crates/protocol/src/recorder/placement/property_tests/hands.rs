//! Processes come, give away, take over and leave.

use super::*;

impl World {
    /// A process that finds nobody, or, where keys are claimed one by one, one more.
    pub(super) fn start(&mut self) {
        let me = Owner(self.processes.len() as u128 + 1);
        let mut epoch = 0;
        if self.is_served {
            if self.processes.iter().any(|process| process.is_alive) {
                return;
            }
            let from = self.store.serving;
            let holder = self.store.serve(me, from, |_| false).expect("nobody is there");
            epoch = holder.epoch;
        }
        self.processes.push(Running::new(me, epoch));
    }

    /// A successor asks the one that serves, which draws a line: what is in use is kept, and everything else is let go of.
    pub(super) fn change_hands(&mut self) {
        if !self.is_served || self.processes.iter().filter(|process| process.is_alive).count() > 3 {
            return;
        }
        let is_free = |process: &Running| {
            process.runs() && process.machine.claims() && matches!(process.changing, Changing::No)
        };
        let Some(at) = self.pick(is_free) else { return };
        let successor = Owner(self.processes.len() as u128 + 1);
        if !self.processes[at].machine.may_be_succeeded(successor) {
            return;
        }
        let mut waiting = Running::new(successor, 0);
        // It does not serve yet: nothing comes to it but what is passed on.
        waiting.is_paused = true;
        waiting.machine.succeeded(self.now_ms);
        self.processes.push(waiting);
        let in_use: BTreeSet<Key> =
            self.tasks.values().filter(|task| task.at == at).map(|task| task.key).collect();
        let to = self.processes.len() - 1;
        let process = &mut self.processes[at];
        process.lives.retain(|key, life| !life.live.is_empty() || in_use.contains(key));
        process.changing = Changing::Away(to);
    }

    /// What the line has kept is committed, with who serves from now on. The answer may be lost.
    pub(super) fn commit_change(&mut self) {
        let is_changing = |process: &Running| process.runs() && !matches!(process.changing, Changing::No);
        let Some(at) = self.pick(is_changing) else { return };
        let Changing::Away(to) = self.processes[at].changing else { return };
        let by = Holder { owner: self.processes[at].machine.me(), epoch: self.processes[at].epoch };
        let keeps: Vec<Key> = self.processes[at].lives.keys().copied().collect();
        let successor = self.processes[to].machine.me();
        let committed = self.store.hand_over(by, &keeps, successor);
        let now_ms = self.now_ms;
        let process = &mut self.processes[at];
        process.changing = Changing::No;
        if self.store.serving.is_some_and(|serving| serving.owner == by.owner) {
            return;
        }
        process.machine.succeeded(now_ms);
        if let Some(holder) = committed
            && self.processes[to].is_alive
        {
            let next = &mut self.processes[to];
            next.machine.serves_again();
            next.epoch = holder.epoch;
            next.elsewhere = self.store.places.iter().map(|(key, place)| (*key, place.owner)).collect();
            next.is_paused = false;
        }
    }

    /// Who is dead is found to be so; one that stands still may be thought dead as well.
    pub(super) fn look_after_others(&mut self) {
        let Some(at) = self.pick(Running::runs) else { return };
        let me = self.processes[at].machine.me();
        if !self.is_served {
            return;
        }
        match self.store.serving {
            None => self.processes[at].machine.told_to_end(self.now_ms),
            Some(serving) if serving.owner != me => {
                let is_dead = self.is_thought_dead(serving.owner);
                if is_dead && self.processes[at].machine.takes_the_place_of(serving.owner) {
                    self.serve_in_place_of(at, serving);
                }
            }
            Some(_) => {
                let owners: BTreeSet<Owner> = self.store.places.values().map(|place| place.owner).collect();
                for owner in owners {
                    if owner != me && self.is_thought_dead(owner) {
                        for key in self.store.take_over_all(owner) {
                            self.processes[at].elsewhere.remove(&key);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn is_thought_dead(&mut self, owner: Owner) -> bool {
        let chance = self.random.one_in(4);
        let process = self.processes.iter().find(|process| process.machine.me() == owner);
        process.is_none_or(|process| !process.is_alive || process.is_paused && chance)
    }

    pub(super) fn serve_in_place_of(&mut self, at: usize, dead: Holder) -> bool {
        let me = self.processes[at].machine.me();
        let alive: BTreeSet<Owner> = self
            .processes
            .iter()
            .filter(|process| process.is_alive)
            .map(|process| process.machine.me())
            .collect();
        let holder = self.store.serve(me, Some(dead), |owner| alive.contains(&owner));
        let Some(holder) = holder else { return false };
        let elsewhere = self.store.places.iter().map(|(key, place)| (*key, place.owner)).collect();
        let process = &mut self.processes[at];
        process.machine.serves_again();
        process.epoch = holder.epoch;
        process.elsewhere = elsewhere;
        true
    }

    /// A process that leaves what it has, key by key, and then itself.
    pub(super) fn drain(&mut self) {
        let leaves = |process: &Running| process.runs() && process.machine.standing() != Standing::Serving;
        let leaves_keys = !self.is_served;
        let Some(at) = self.pick(|process| leaves(process) || leaves_keys && process.runs()) else { return };
        let in_use: BTreeSet<Key> =
            self.tasks.values().filter(|task| task.at == at).map(|task| task.key).collect();
        let process = &mut self.processes[at];
        let idle = process.lives.iter().find(|(key, life)| life.live.is_empty() && !in_use.contains(key));
        if let Some(key) = idle.map(|(key, _)| *key) {
            let by = process.holder(key);
            process.lives.remove(&key);
            process.claimed.remove(&key);
            self.store.release(key, by);
        }
        let process = &self.processes[at];
        let live = process.lives.values().map(|life| life.live.len()).sum();
        let others = 0;
        let seen = Seen { keys: process.lives.len(), live, is_announced: process.is_told, others };
        match process.machine.next(seen, self.now_ms) {
            Next::Wait { .. } => self.processes[at].is_told = true,
            Next::Interrupt => self.processes[at].lives.values_mut().for_each(|life| life.live.clear()),
            Next::Leave => {
                self.stop_serving(at);
                self.die(at);
            }
        }
    }

    /// One that has been told to end says so before it leaves.
    pub(super) fn stop_serving(&mut self, at: usize) {
        let process = &self.processes[at];
        let is_empty = process.lives.values().all(|life| life.live.is_empty());
        if process.machine.standing() == Standing::Ends && is_empty {
            let by = Holder { owner: process.machine.me(), epoch: process.epoch };
            self.store.stop_serving(by);
        }
    }
}

impl Running {
    fn new(me: Owner, epoch: u64) -> Self {
        Self {
            machine: Process::new(me, DRAIN),
            epoch,
            is_alive: true,
            is_paused: false,
            is_told: false,
            changing: Changing::No,
            lives: BTreeMap::new(),
            claimed: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        }
    }
}

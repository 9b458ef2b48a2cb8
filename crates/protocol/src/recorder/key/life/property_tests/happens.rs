//! What happens: requests, control calls, upstreams, time.

use super::*;

impl World {
    pub(super) fn step(&mut self) {
        match self.random.below(24) {
            0 | 1 => self.new_ask(),
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
            5 | 6 | 16..=20 => self.upstreams(),
            7 | 21..=23 => self.read(),
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

    pub(super) fn new_ask(&mut self) {
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

    pub(super) fn upstreams(&mut self) {
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
}

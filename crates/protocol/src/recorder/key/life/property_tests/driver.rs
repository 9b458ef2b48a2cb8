//! The driver: plans, commits, applies, and carries effects out.

use super::*;

impl World {
    pub(super) fn plan(&self, todo: &Todo, new: RecordingId) -> Plan {
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
            Todo::Due => Event::Due { keep: KEEP },
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
    pub(super) fn work(&mut self) {
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
    pub(super) fn resolve_slot(&mut self) {
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

    pub(super) fn refused(&mut self, todo: &Todo) {
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

    pub(super) fn done(&mut self, plan: Plan, new: RecordingId, todo: &Todo) {
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

    pub(super) fn commit(&mut self, plan: &Plan) {
        for change in &plan.changes {
            self.rows.commit(change);
            if let Change::Forget { id } = change {
                self.started.remove(id);
            }
        }
    }

    pub(super) fn answer(&mut self, asker: usize, reply: Reply) {
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

    /// Effects of one recording keep their order; those of different ones do not.
    pub(super) fn run_effects(&mut self) {
        while !self.effects.is_empty() && !self.random.one_in(3) {
            let n = self.random.below(self.effects.len());
            let id = self.effects[n].recording();
            let first = self.effects.iter().position(|effect| effect.recording() == id).unwrap();
            let effect = self.effects.remove(first);
            self.run(effect);
        }
    }

    /// One after the other.
    pub(super) fn run_all_effects(&mut self) {
        while !self.effects.is_empty() {
            let effect = self.effects.remove(0);
            self.run(effect);
        }
    }

    pub(super) fn run(&mut self, effect: Effect) {
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

    pub(super) fn wake(&mut self, id: RecordingId) {
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
}

//! What must hold.

use super::*;

impl World {
    pub(super) fn check_due(&self) {
        let Some(due_ms) = self.life.due_ms(KEEP) else { return };
        let plan = self.life.plan(Event::Due { keep: KEEP }, self.now_ms);
        assert_eq!(due_ms <= self.now_ms, !plan.changes.is_empty(), "due at {due_ms}, now {}", self.now_ms);
    }

    /// What a process would find in storage is what this one has in memory, with what is live interrupted.
    pub(super) fn check_reload(&self) {
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
    pub(super) fn rest(&mut self) {
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
            self.run_all_effects();
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
            let plan = self.life.plan(Event::Due { keep: KEEP }, self.now_ms);
            // What could not be written is not there to be removed from storage by id.
            self.done(plan, RecordingId::from_parts(0, 0), &Todo::Due);
            self.run_all_effects();
        }
        assert!(self.life.is_empty(), "at rest nothing is known");
        assert_eq!(self.life.due_ms(KEEP), None);
        assert!(self.rows.requests.is_empty(), "no id is left");
        assert!(self.files.is_empty(), "no file is left: {:?}", self.files);
        let left: Vec<_> = self.rows.recordings.keys().filter(|id| !self.unwritten.contains(id)).collect();
        assert!(left.is_empty(), "no row is left: {left:?}");
    }
}

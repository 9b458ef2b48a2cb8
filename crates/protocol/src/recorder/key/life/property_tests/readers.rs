//! Those who wait for a head, and those who read.

use super::*;

impl World {
    pub(super) fn wait(&mut self, asker: usize, id: RecordingId) {
        let handle = self.all[&id].clone();
        if handle.seen().start == Start::Pending && handle.seen().progress.state().is_live() {
            handle.change(|seen| seen.readers += 1);
            self.waiters.push((asker, id));
        } else {
            self.told(asker, id);
        }
    }

    /// The start that was waited for has come to something.
    pub(super) fn told(&mut self, asker: usize, id: RecordingId) {
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

    pub(super) fn serve(&mut self, asker: usize, decision: Decision) {
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

    pub(super) fn read(&mut self) {
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
            Got::Bytes(_) => unreachable!("no ring here"),
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

    pub(super) fn leave(&mut self, n: usize) {
        let reader = self.readers.swap_remove(n);
        reader.handle.change(|seen| {
            seen.readers -= 1;
            seen.used_ms = seen.used_ms.max(self.now_ms);
        });
        self.left(reader.recording);
    }

    pub(super) fn left(&mut self, id: RecordingId) {
        if self.all[&id].seen().readers == 0 {
            let plan = self.life.plan(Event::Left { id }, self.now_ms);
            assert!(plan.changes.is_empty());
            let effects = self.life.apply(plan, |_| unreachable!());
            self.effects.extend(effects);
        }
    }
}

/// Which recordings a request may be answered with. One with a request id may have been answered with it before,
/// whatever it says now.
fn check_match(fetch: &Fetch, seen: &Seen, recording: RecordingId) {
    if fetch.request.is_some() || seen.start != Start::Recorded {
        return;
    }
    // What a join was given may have been live when it asked, and ended since.
    if matches!(fetch.mode, Mode::Match | Mode::MatchLive) {
        let own = seen.fingerprint == fetch.fingerprint || fetch.attach == Some(recording);
        assert!(own, "another request's answer");
    }
}

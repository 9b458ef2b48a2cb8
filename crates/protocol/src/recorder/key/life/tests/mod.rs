//! The life of a key, one rule at a time.

mod asks;
mod control;
mod ends;
mod kept;
mod recovery;

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::admission::{Decision, Named};
use crate::ledger::Entry;
use crate::recording::{End, Progress};
use crate::{Ask, ErrorCode, Fetch, Mode, Outcome, RequestId};

#[derive(Clone)]
struct Fake(Rc<Cell<Seen>>);

impl Handle for Fake {
    fn seen(&self) -> Seen {
        self.0.get()
    }
}

impl Fake {
    fn connecting(begin: Begin) -> Self {
        Self(Rc::new(Cell::new(Seen {
            progress: Progress::connecting(begin.id),
            fingerprint: begin.fingerprint,
            start: Start::Pending,
            readers: 0,
            used_ms: begin.at_ms,
        })))
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.0.get();
        change(&mut seen);
        self.0.set(seen);
    }
}

fn id(n: u128) -> RecordingId {
    RecordingId::from_parts(1, n)
}

fn request(text: &str) -> RequestId {
    RequestId::parse(text).unwrap()
}

fn fetch(mode: Mode, request: &str) -> Ask {
    Ask::Fetch(Fetch { request: RequestId::parse(request), ..Fetch::new(mode, Fingerprint([0; 32])) })
}

/// A driver that commits everything at once and does what it is told.
fn act(life: &mut KeyLife<Fake>, event: Event<'_>, now_ms: u64) -> (Reply, Vec<Change>, Vec<Effect>) {
    let plan = life.plan(event, now_ms);
    let (reply, changes) = (plan.reply, plan.changes.clone());
    let effects = life.apply(plan, Fake::connecting);
    for effect in &effects {
        match *effect {
            Effect::Tell(id, start) => life.find(id).unwrap().change(|seen| {
                seen.progress.head();
                seen.start = start;
            }),
            Effect::Seal(id, end) => {
                if let Some(handle) = life.find(id) {
                    handle.change(|seen| {
                        seen.progress.decide(end);
                        seen.progress.seal();
                    });
                }
            }
            _ => {}
        }
    }
    (reply, changes, effects)
}

fn ask(life: &mut KeyLife<Fake>, ask: &Ask, new: u128) -> (Reply, Vec<Change>, Vec<Effect>) {
    act(life, Event::Ask { ask, new: id(new) }, 5)
}

/// A recording of three bytes, as far as it goes.
fn answered(life: &mut KeyLife<Fake>, n: u128, recorded: bool, len: usize) {
    act(life, Event::Answered { id: id(n), recorded, volatile: false }, 6);
    life.find(id(n)).unwrap().change(|seen| {
        seen.progress.chunk(len);
    });
}

fn ended(life: &mut KeyLife<Fake>, n: u128, end: End) -> (Reply, Vec<Change>, Vec<Effect>) {
    act(life, Event::Ended { id: id(n), end, keep: Keep::All }, 7)
}

fn body(mode: Mode, fingerprint: u8, request: &str) -> Ask {
    let request = RequestId::parse(request);
    Ask::Fetch(Fetch { request, ..Fetch::new(mode, Fingerprint([fingerprint; 32])) })
}

/// A key with one recording, of four bytes, that the id `a` started and that has come to its end.
fn finished() -> KeyLife<Fake> {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    ended(&mut life, 1, End::Complete);
    life
}

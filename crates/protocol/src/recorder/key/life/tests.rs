use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::admission::{Decision, Named};
use crate::limits::{KEPT_ANSWER_MAX, REMEMBERED};
use crate::recording::{End, Progress};
use crate::{Ask, ErrorCode, Mode};

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
    Ask::Fetch { mode, request: RequestId::parse(request), fingerprint: Fingerprint([0; 32]) }
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
    act(life, Event::Answered { id: id(n), recorded }, 6);
    life.find(id(n)).unwrap().change(|seen| {
        seen.progress.chunk(len);
    });
}

fn ended(life: &mut KeyLife<Fake>, n: u128, end: End) -> (Reply, Vec<Change>, Vec<Effect>) {
    act(life, Event::Ended { id: id(n), end, keep: Keep::All }, 7)
}

#[test]
fn a_plan_that_is_not_committed_changes_nothing() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    drop(life.plan(Event::Ask { ask: &fetch(Mode::Restart, "b"), new: id(2) }, 5));
    assert!(life.find(id(1)).is_some() && life.find(id(2)).is_none());
    assert_eq!(life.outcome(&request("b")), None);
}

#[test]
fn a_restart_breaks_the_live_one_and_its_id_learns_so() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    let (reply, _, effects) = ask(&mut life, &fetch(Mode::Restart, "b"), 2);
    assert_eq!(reply, Reply::Started(id(2)));
    assert_eq!(effects, [Effect::Break(id(1), End::Supersede), Effect::Pump(id(2))]);
    let (again, ..) = ask(&mut life, &fetch(Mode::Restart, "a"), 3);
    assert_eq!(again, Reply::Decided(Decision::Refuse(ErrorCode::Superseded)));
    // Its pump comes to its end later, and lets go of the bytes.
    let (_, changes, effects) = ended(&mut life, 1, End::Supersede);
    assert_eq!(changes, []);
    assert_eq!(effects, [Effect::Seal(id(1), End::Supersede), Effect::Discard(id(1))]);
}

#[test]
fn an_answer_that_was_passed_through_is_told_again_as_it_ended() {
    for (end, len, outcome) in [
        (End::Complete, 4, Decision::AnswerAgain),
        (End::Complete, KEPT_ANSWER_MAX, Decision::AnswerAgain),
        (End::Complete, KEPT_ANSWER_MAX + 1, Decision::Refuse(ErrorCode::AlreadyAnswered)),
        (End::Fail(ErrorCode::UpstreamFailed), 4, Decision::Refuse(ErrorCode::UpstreamFailed)),
    ] {
        let mut life = KeyLife::default();
        ask(&mut life, &fetch(Mode::Restart, "a"), 1);
        answered(&mut life, 1, false, len);
        let (passing, ..) = ask(&mut life, &fetch(Mode::Restart, "a"), 9);
        assert_eq!(passing, Reply::Decided(Decision::Wait(id(1))));
        let (_, changes, effects) = ended(&mut life, 1, end);
        assert!(changes.contains(&Change::Remove { id: id(1) }));
        assert_eq!(effects, [Effect::Seal(id(1), end), Effect::Discard(id(1))]);
        let (again, ..) = ask(&mut life, &fetch(Mode::Restart, "a"), 9);
        assert_eq!(again, Reply::Decided(outcome), "{end:?} after {len} bytes");
        assert!(life.find(id(1)).is_none());
    }
}

#[test]
fn what_is_read_is_let_go_of_when_its_last_reader_leaves() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, false, 4);
    let handle = life.find(id(1)).unwrap().clone();
    handle.change(|seen| seen.readers = 1);
    let (_, _, effects) = ended(&mut life, 1, End::Complete);
    assert_eq!(effects, [Effect::Seal(id(1), End::Complete)]);
    let (_, _, effects) = act(&mut life, Event::Left { id: id(1) }, 8);
    assert_eq!(effects, [], "one is left");
    handle.change(|seen| seen.readers = 0);
    assert!(!life.is_empty());
    let (_, _, effects) = act(&mut life, Event::Left { id: id(1) }, 8);
    assert_eq!(effects, [Effect::Discard(id(1))]);
    let (_, _, effects) = act(&mut life, Event::Left { id: id(1) }, 8);
    assert_eq!(effects, [], "once");
}

#[test]
fn a_stop_before_arrival_is_remembered() {
    let mut life = KeyLife::<Fake>::default();
    let a = request("a");
    let stop = Event::Stop { named: Named::All, request: Some(&a) };
    assert_eq!(act(&mut life, stop, 5).0, Reply::Remembered);
    let (reply, ..) = ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    assert_eq!(reply, Reply::Decided(Decision::Refuse(ErrorCode::Stopped)));
    assert_eq!(act(&mut life, stop, 5).0, Reply::NothingToStop);
}

#[test]
fn a_stop_closes_what_it_names_and_an_end_that_does_not_show_is_waited_for() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    let (a, b) = (request("a"), request("b"));
    let closes = Effect::Close(id(1), End::Stop);
    for (named, request, expected) in [
        (Named::All, None, Some(closes)),
        (Named::Only(id(1)), None, Some(closes)),
        (Named::Only(id(2)), None, None),
        (Named::Unknown, None, None),
        (Named::All, Some(&a), Some(closes)),
        (Named::Only(id(2)), Some(&a), None),
    ] {
        let plan = life.plan(Event::Stop { named, request }, 5);
        assert_eq!(plan.effects.first().copied(), expected, "{named:?} {request:?}");
        assert_eq!(plan.reply == Reply::Stopping, expected.is_some());
    }
    assert_eq!(life.plan(Event::Stop { named: Named::All, request: Some(&b) }, 5).reply, Reply::Remembered);
    life.find(id(1)).unwrap().change(|seen| {
        seen.progress.decide(End::Complete);
    });
    assert_eq!(life.plan(Event::Stop { named: Named::All, request: None }, 5).reply, Reply::Stopping);
    ended(&mut life, 1, End::Complete);
    assert_eq!(life.plan(Event::Stop { named: Named::All, request: None }, 5).reply, Reply::NothingToStop);
}

#[test]
fn a_delete_breaks_readers_and_lets_go_of_the_bytes_of_what_has_ended() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    ended(&mut life, 1, End::Complete);
    life.find(id(1)).unwrap().change(|seen| seen.readers = 2);
    let (_, changes, effects) = act(&mut life, Event::Delete { named: Named::All }, 8);
    assert!(changes.contains(&Change::Remove { id: id(1) }));
    assert_eq!(effects, [Effect::Break(id(1), End::Delete), Effect::Discard(id(1))]);
    let (reply, ..) = ask(&mut life, &fetch(Mode::Join, "a"), 2);
    assert_eq!(reply, Reply::Decided(Decision::Refuse(ErrorCode::Deleted)));
}

#[test]
fn what_somebody_reads_is_not_due() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    ended(&mut life, 1, End::Complete);
    let handle = life.find(id(1)).unwrap().clone();
    handle.change(|seen| (seen.readers, seen.used_ms) = (1, 0));
    let due = Event::Due { ttl_ms: 1 };
    assert_eq!(life.plan(due, 10).changes, []);
    assert_eq!(life.due_ms(1), Some(7 + REMEMBERED.as_millis() as u64), "the id, ten minutes after the end");
    handle.change(|seen| seen.readers = 0);
    assert_eq!(life.due_ms(1), Some(1));
    assert!(life.plan(due, 10).changes.contains(&Change::Remove { id: id(1) }));
}

#[test]
fn the_ids_of_a_long_stream_are_not_due() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    let hours = 5 * 60 * 60 * 1000;
    assert_eq!(life.due_ms(1), None);
    assert_eq!(life.plan(Event::Due { ttl_ms: 1 }, hours).changes, []);
}

#[test]
fn the_oldest_retired_ones_go_where_they_are_too_many() {
    let mut life = KeyLife::default();
    for n in 1..=100 {
        ask(&mut life, &fetch(Mode::Restart, &format!("r{n}")), n);
        answered(&mut life, n, true, 4);
        ended(&mut life, n, End::Complete);
    }
    assert_eq!(life.handles().count(), 65, "64 retired ones and the latest");
    assert!(life.find(id(35)).is_none() && life.find(id(36)).is_some());
    let mut life = KeyLife::default();
    for n in 1..=5 {
        ask(&mut life, &fetch(Mode::Restart, ""), n);
        answered(&mut life, n, true, 30 << 20);
        ended(&mut life, n, End::Complete);
    }
    assert_eq!(life.handles().count(), 3, "64 MiB of retired ones and the latest");
}

#[test]
fn an_end_that_storage_refuses_still_ends() {
    for recorded in [true, false] {
        let mut life = KeyLife::default();
        ask(&mut life, &fetch(Mode::Restart, "a"), 1);
        answered(&mut life, 1, recorded, 4);
        let (_, changes, effects) =
            act(&mut life, Event::Unwritable { id: id(1), code: ErrorCode::StorageFull }, 7);
        assert_eq!(changes, [], "storage takes nothing");
        assert_eq!(effects[0], Effect::Seal(id(1), End::Fail(ErrorCode::StorageFull)));
        assert!(!life.is_live());
    }
}

#[test]
fn what_is_fenced_off_breaks_and_is_forgotten() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    let (_, changes, effects) = act(&mut life, Event::Fenced, 7);
    assert_eq!((changes, effects), (vec![], vec![Effect::Break(id(1), End::Interrupt)]));
    assert!(life.is_empty());
}

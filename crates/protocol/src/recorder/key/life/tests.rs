use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::admission::{Decision, Named};
use crate::ledger::Entry;
use crate::limits::{KEPT_ANSWER_MAX, REMEMBERED, REQUEST_IDS_MAX};
use crate::recording::{End, Progress};
use crate::{Ask, ErrorCode, Fetch, Mode};

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
    let (_, changes, effects) = act(&mut life, Event::Delete { named: Named::All, request: None }, 8);
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

fn body(mode: Mode, fingerprint: u8, request: &str) -> Ask {
    let request = RequestId::parse(request);
    Ask::Fetch(Fetch { request, ..Fetch::new(mode, Fingerprint([fingerprint; 32])) })
}

#[test]
fn another_request_starts_beside_and_both_end_as_they_do() {
    let mut life = KeyLife::default();
    ask(&mut life, &body(Mode::Match, 1, "a"), 1);
    answered(&mut life, 1, true, 4);
    let (reply, changes, effects) = ask(&mut life, &body(Mode::Match, 2, "b"), 2);
    assert_eq!((reply, effects), (Reply::Started(id(2)), vec![Effect::Pump(id(2))]));
    assert!(!changes.iter().any(|change| matches!(change, Change::Remove { .. } | Change::Retire { .. })));
    answered(&mut life, 2, true, 4);
    ended(&mut life, 1, End::Complete);
    ended(&mut life, 2, End::Complete);
    for (fingerprint, n) in [(1, 1), (2, 2)] {
        let (reply, ..) = ask(&mut life, &body(Mode::Match, fingerprint, ""), 9);
        assert!(matches!(reply, Reply::Decided(Decision::Serve { recording, .. }) if recording == id(n)));
    }
}

#[test]
fn a_sequence_of_changes_reaches_the_upstream_each_time() {
    let mut life = KeyLife::default();
    for (n, fingerprint) in [(1, 1), (2, 2), (3, 1)] {
        let (reply, ..) = ask(&mut life, &body(Mode::Match, fingerprint, &format!("r{n}")), n);
        assert_eq!(reply, Reply::Started(id(n)), "like, unlike, like");
        answered(&mut life, n, true, 4);
        ended(&mut life, n, End::Complete);
    }
}

#[test]
fn an_id_that_joins_is_the_recordings_before_its_head_is_sent() {
    let mut life = KeyLife::default();
    ask(&mut life, &body(Mode::Match, 1, "a"), 1);
    answered(&mut life, 1, true, 4);
    let (reply, changes, _) = ask(&mut life, &body(Mode::Match, 1, "b"), 2);
    assert!(matches!(reply, Reply::Decided(Decision::Serve { .. })));
    let entry = Entry { id: request("b"), outcome: Outcome::Started(id(1)), at_ms: 5 };
    assert_eq!(changes, [Change::Request { entry, answer: None }]);
    let (again, changes, _) = ask(&mut life, &body(Mode::Match, 1, "b"), 3);
    assert!(matches!(again, Reply::Decided(Decision::Serve { .. })) && changes.is_empty());
    ask(&mut life, &body(Mode::Restart, 1, "c"), 4);
    let (reply, ..) = ask(&mut life, &body(Mode::Match, 1, "b"), 5);
    assert_eq!(reply, Reply::Decided(Decision::Refuse(ErrorCode::Superseded)), "it never starts");
}

#[test]
fn a_start_that_the_upstream_cannot_have_heard_of_leaves_its_ids_free() {
    let mut life = KeyLife::default();
    ask(&mut life, &body(Mode::Match, 1, "a"), 1);
    let code = ErrorCode::UpstreamUnreachable;
    let (_, changes, effects) = act(&mut life, Event::GivenUp { id: id(1), code }, 6);
    assert_eq!(changes, [Change::Forget { id: request("a") }, Change::Remove { id: id(1) }]);
    assert_eq!(effects, [Effect::Seal(id(1), End::Fail(code)), Effect::Discard(id(1))]);
    assert!(life.is_empty());
    let (reply, ..) = ask(&mut life, &body(Mode::Match, 1, "a"), 2);
    assert_eq!(reply, Reply::Started(id(2)));
}

#[test]
fn a_key_remembers_so_many_ids_and_no_more() {
    let mut life = KeyLife::default();
    let full = Reply::Decided(Decision::Refuse(ErrorCode::TooManyRecordings));
    ask(&mut life, &body(Mode::Match, 1, "r0"), 1);
    answered(&mut life, 1, true, 4);
    for n in 1..REQUEST_IDS_MAX {
        ask(&mut life, &body(Mode::Match, 1, &format!("r{n}")), 9);
    }
    assert_eq!(ask(&mut life, &body(Mode::Match, 2, "one-more"), 2).0, full);
    assert_eq!(ask(&mut life, &body(Mode::Match, 1, "one-more"), 2).0, full);
    let more = request("one-more");
    let stop = Event::Stop { named: Named::All, request: Some(&more) };
    assert_eq!(act(&mut life, stop, 5).0, full);
    let known = ask(&mut life, &body(Mode::Match, 2, "r7"), 2).0;
    assert!(matches!(known, Reply::Decided(Decision::Serve { .. })), "what is known goes on");
    assert_eq!(ask(&mut life, &body(Mode::Match, 2, ""), 2).0, Reply::Started(id(2)), "without an id");
}

#[test]
fn stop_and_delete_of_a_url_are_about_all_and_of_an_id_about_that_one() {
    let mut life = KeyLife::default();
    for (n, fingerprint, request) in [(1, 1, "a"), (2, 2, "b"), (3, 3, "c")] {
        ask(&mut life, &body(Mode::Match, fingerprint, request), n);
        answered(&mut life, n, true, 4);
    }
    let closes = |life: &KeyLife<Fake>, named, request| {
        let plan = life.plan(Event::Stop { named, request }, 5);
        plan.effects.iter().map(|effect| effect.recording()).collect::<Vec<_>>()
    };
    let b = request("b");
    assert_eq!(closes(&life, Named::All, None), [id(1), id(2), id(3)]);
    assert_eq!(closes(&life, Named::Only(id(3)), None), [id(3)]);
    assert_eq!(closes(&life, Named::All, Some(&b)), [id(2)]);
    ended(&mut life, 1, End::Complete);
    ask(&mut life, &body(Mode::Match, 4, "d"), 4);
    let deletes = |life: &KeyLife<Fake>, named, request| {
        let plan = life.plan(Event::Delete { named, request }, 5);
        let removed = |change: &Change| if let Change::Remove { id } = change { Some(*id) } else { None };
        plan.changes.iter().filter_map(removed).collect::<Vec<_>>()
    };
    assert_eq!(deletes(&life, Named::All, None), [id(1), id(2), id(3), id(4)], "retired ones included");
    assert_eq!(deletes(&life, Named::Only(id(1)), None), [id(1)]);
    assert_eq!(deletes(&life, Named::All, Some(&b)), [id(2)]);
    assert_eq!(deletes(&life, Named::Only(id(1)), Some(&b)), []);
    assert_eq!(deletes(&life, Named::All, Some(&request("never"))), []);
}

#[test]
fn a_status_tells_of_the_key_of_one_recording_or_of_an_id() {
    let mut life = KeyLife::default();
    for (n, fingerprint, request) in [(1, 1, "a"), (2, 2, "b")] {
        ask(&mut life, &body(Mode::Match, fingerprint, request), n);
        answered(&mut life, n, true, 4);
        life.find(id(n)).unwrap().change(|seen| seen.readers = n as u64);
    }
    let detail = |_: &Fake| Detail { status: Some(200), started_at: 7 };
    let of = |life: &KeyLife<Fake>, named, request| life.status(named, request, detail, 1000, 50);
    let all = of(&life, Named::All, None);
    assert_eq!((all.recording, all.active_connections, all.protocol), (Some(id(2).to_string()), 3, Some(3)));
    let live: Vec<_> = all.live.iter().map(|live| live.recording.clone()).collect();
    assert_eq!(live, [id(1).to_string(), id(2).to_string()]);
    let one = of(&life, Named::Only(id(1)), None);
    assert_eq!((one.recording, one.active_connections), (Some(id(1).to_string()), 1));
    assert_eq!(of(&life, Named::Only(id(9)), None).state.as_deref(), Some("none"));
    let (b, never) = (request("b"), request("never"));
    assert_eq!(of(&life, Named::All, Some(&b)).recording, Some(id(2).to_string()));
    assert_eq!(of(&life, Named::All, Some(&never)).state.as_deref(), Some("none"), "it never arrived");
    life.find(id(2)).unwrap().change(|seen| seen.readers = 0);
    ended(&mut life, 2, End::Complete);
    assert_eq!(of(&life, Named::All, None).recording, Some(id(1).to_string()), "the live one");
    assert_eq!(of(&life, Named::Only(id(2)), None).expires_at, Some(5 + 1000), "since its last use");
    ask(&mut life, &body(Mode::Restart, 3, "c"), 3);
    let a = request("a");
    assert_eq!(of(&life, Named::All, Some(&a)).state.as_deref(), Some("superseded"));
}

//! Fetches and continuations.

use super::*;
use crate::limits::REQUEST_IDS_MAX;

#[test]
fn a_plan_that_is_not_committed_changes_nothing() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    drop(life.plan(Event::Ask { ask: &fetch(Mode::Restart, "b"), new: id(2) }, 5));
    assert!(life.find(id(1)).is_some() && life.find(id(2)).is_none());
    assert_eq!(life.ledger.find(&request("b")), None);
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
fn a_plan_tells_whether_there_will_be_something_to_do() {
    let life = KeyLife::<Fake>::default();
    for (mode, starts) in [(Mode::Match, true), (Mode::Resume, false)] {
        let plan = life.plan(Event::Ask { ask: &fetch(mode, ""), new: id(1) }, 5);
        assert_eq!(plan.has_effects(), starts, "{mode:?}");
    }
}

#[test]
fn a_restart_leaves_an_answer_alone_that_is_passed_through() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, false, 4);
    let (_, changes, effects) = ask(&mut life, &fetch(Mode::Restart, "b"), 2);
    assert_eq!(effects, [Effect::Pump(id(2))]);
    assert!(!changes.contains(&Change::Remove { id: id(1) }));
    let (again, ..) = ask(&mut life, &fetch(Mode::Restart, "a"), 3);
    assert_eq!(again, Reply::Decided(Decision::Wait(id(1))));
}

#[test]
fn a_resume_prefers_what_a_restart_started() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, ""), 1);
    ask(&mut life, &fetch(Mode::New, ""), 2);
    let (resumed, ..) = ask(&mut life, &fetch(Mode::Resume, ""), 3);
    assert_eq!(resumed, Reply::Decided(Decision::Wait(id(1))));
}

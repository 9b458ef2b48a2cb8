//! How starts and recordings end.

use super::*;
use crate::State;
use crate::limits::KEPT_ANSWER_MAX;

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
fn an_end_that_storage_refuses_still_ends() {
    for recorded in [true, false] {
        let mut life = KeyLife::default();
        ask(&mut life, &fetch(Mode::Restart, "a"), 1);
        answered(&mut life, 1, recorded, 4);
        assert!(life.is_live());
        let (_, changes, effects) =
            act(&mut life, Event::Unwritable { id: id(1), code: ErrorCode::StorageFull }, 7);
        assert_eq!(changes, [], "storage takes nothing");
        assert_eq!(effects[0], Effect::Seal(id(1), End::Fail(ErrorCode::StorageFull)));
        assert!(!life.is_live());
        assert_eq!(life.find(id(1)).is_some(), recorded, "what is stored of a recording is there to be read");
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
fn a_start_that_is_given_up_after_its_head_ends_like_any_other() {
    let mut life = KeyLife::default();
    ask(&mut life, &body(Mode::Match, 1, "a"), 1);
    answered(&mut life, 1, true, 4);
    let code = ErrorCode::UpstreamFailed;
    let (_, changes, effects) = act(&mut life, Event::GivenUp { id: id(1), code }, 7);
    assert!(matches!(changes[..], [Change::End { state: State::Failed, .. }]), "{changes:?}");
    assert_eq!(effects, [Effect::Seal(id(1), End::Fail(code))]);
}

//! Stop, delete and status.

use super::*;
use crate::control_json::Status;

#[test]
fn a_stop_before_arrival_is_remembered() {
    let mut life = KeyLife::<Fake>::default();
    let a = request("a");
    let stop = Event::Stop { named: Named::All, request: Some(&a) };
    assert_eq!(act(&mut life, stop, 5).0, Reply::Remembered);
    assert!(!life.is_empty(), "the id is known");
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
    let nobodys = Event::Stop { named: Named::Unknown, request: Some(&b) };
    assert_eq!(life.plan(nobodys, 5).reply, Reply::NothingToStop, "no such recording will ever arrive");
    life.find(id(1)).unwrap().change(|seen| {
        seen.progress.decide(End::Complete);
    });
    assert_eq!(life.plan(Event::Stop { named: Named::All, request: None }, 5).reply, Reply::Stopping);
    ended(&mut life, 1, End::Complete);
    assert_eq!(life.plan(Event::Stop { named: Named::All, request: None }, 5).reply, Reply::NothingToStop);
}

#[test]
fn a_delete_breaks_readers_and_lets_go_of_the_bytes_of_what_has_ended() {
    let mut life = finished();
    life.find(id(1)).unwrap().change(|seen| seen.readers = 2);
    let (_, changes, effects) = act(&mut life, Event::Delete { named: Named::All, request: None }, 8);
    assert!(changes.contains(&Change::Remove { id: id(1) }));
    assert_eq!(effects, [Effect::Break(id(1), End::Delete), Effect::Discard(id(1))]);
    let (reply, ..) = ask(&mut life, &fetch(Mode::Join, "a"), 2);
    assert_eq!(reply, Reply::Decided(Decision::Refuse(ErrorCode::Deleted)));
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

fn status(life: &KeyLife<Fake>, named: Named, request: Option<&RequestId>) -> Status {
    let detail = |_: &Fake| Detail { status: Some(200), started_at: 7 };
    life.status(named, request, detail, KeepFor { unused_ms: 1000, age_ms: u64::MAX }, 50)
}

fn live(status: &Status) -> Vec<String> {
    status.live.iter().map(|live| live.recording.clone()).collect()
}

#[test]
fn a_status_tells_of_the_key_of_one_recording_or_of_an_id() {
    let mut life = KeyLife::default();
    for (n, fingerprint, request) in [(1, 1, "a"), (2, 2, "b")] {
        ask(&mut life, &body(Mode::Match, fingerprint, request), n);
        answered(&mut life, n, true, 4);
        life.find(id(n)).unwrap().change(|seen| seen.readers = n as u64);
    }
    let all = status(&life, Named::All, None);
    assert_eq!(live(&all), [id(1).to_string(), id(2).to_string()]);
    assert_eq!((all.recording, all.active_connections, all.protocol), (Some(id(2).to_string()), 3, Some(3)));
    assert_eq!((all.status, all.started_at), (Some(200), Some(7)));
    let one = status(&life, Named::Only(id(1)), None);
    assert_eq!((one.recording, one.active_connections), (Some(id(1).to_string()), 1));
    assert_eq!(status(&life, Named::Only(id(9)), None).state.as_deref(), Some("none"));
    let (b, never) = (request("b"), request("never"));
    assert_eq!(status(&life, Named::All, Some(&b)).recording, Some(id(2).to_string()));
    let neither = status(&life, Named::Only(id(1)), Some(&b));
    assert_eq!((neither.recording, neither.state.as_deref()), (None, Some("none")));
    assert_eq!(status(&life, Named::All, Some(&never)).state.as_deref(), Some("none"), "it never arrived");
    life.find(id(2)).unwrap().change(|seen| seen.readers = 0);
    ended(&mut life, 2, End::Complete);
    let all = status(&life, Named::All, None);
    assert_eq!((live(&all), all.recording), (vec![id(1).to_string()], Some(id(1).to_string())));
    assert_eq!(status(&life, Named::Only(id(2)), None).expires_at, Some(5 + 1000), "since its last use");
    ask(&mut life, &body(Mode::Restart, 3, "c"), 3);
    let a = request("a");
    assert_eq!(status(&life, Named::All, Some(&a)).state.as_deref(), Some("superseded"));
}

#[test]
fn an_answer_that_is_passed_through_has_no_status() {
    let mut life = KeyLife::default();
    ask(&mut life, &body(Mode::Match, 1, ""), 1);
    answered(&mut life, 1, false, 4);
    let all = status(&life, Named::All, None);
    assert_eq!((all.state.as_deref(), live(&all)), (Some("none"), vec![]));
}

#[test]
fn an_expiry_counts_from_now_while_a_recording_is_live_or_read() {
    let mut life = KeyLife::default();
    let expires_at = |life: &KeyLife<Fake>| status(life, Named::All, None).expires_at;
    ask(&mut life, &body(Mode::Match, 1, ""), 1);
    answered(&mut life, 1, true, 4);
    assert_eq!(expires_at(&life), Some(50 + 1000), "live");
    ended(&mut life, 1, End::Complete);
    assert_eq!(expires_at(&life), Some(5 + 1000), "since its last use");
    life.find(id(1)).unwrap().change(|seen| seen.readers = 1);
    assert_eq!(expires_at(&life), Some(50 + 1000), "read");
}

//! What holds for now: a recorder that shuts down, and one that has no room.

use super::*;

fn refuses(code: &'static str, retry_after: Option<u64>) -> Event<'static> {
    let (recording, offset, length) = (None, None, None);
    Event::Head(Head {
        status: 503,
        answer: Answer::Own,
        recording,
        offset,
        length,
        error: Some(code),
        retry_after,
    })
}

/// One that asks a recorder which nobody on this page has asked before.
fn reader(policy: Policy) -> Follower {
    Follower::new(policy, 0, 1, Outset::new(true, false, 0))
}

/// Waits until the next request is due, and sends it. Returns how long that took.
fn next(reader: &mut Follower, now: &mut u64) -> u64 {
    let until = reader.deadline().unwrap();
    assert_eq!(reader.on(Event::Tick, until - 1), Action::Go, "not before it is due");
    assert_eq!(reader.on(Event::Tick, until), Action::Send(Request::Start));
    until - std::mem::replace(now, until)
}

#[test]
fn a_recorder_that_shuts_down_is_waited_for_however_long_that_takes() {
    let (mut reader, mut now) = (reader(Policy::default()), 0);
    // A quarter of an hour and more.
    for _ in 0..1800 {
        assert_eq!(reader.on(refuses("shutting-down", Some(1)), now), Action::Wait);
        assert!((500..=625).contains(&next(&mut reader, &mut now)), "its successor may be there in a moment");
    }
    // It has gone, and its successor is not there yet: it is looked for more than once a second.
    for _ in 0..60 {
        assert_eq!(reader.on(Event::Broken, now), Action::Wait);
        assert!(next(&mut reader, &mut now) <= 625);
    }
    let answer = Head {
        status: 200,
        answer: Answer::Recorded(State::Streaming),
        recording: Some("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        offset: Some(0),
        length: None,
        error: None,
        retry_after: None,
    };
    assert_eq!(reader.on(Event::Head(answer), now), Action::Accept);
}

#[test]
fn a_recorder_that_does_not_come_back_is_given_up_as_any_other() {
    let (mut reader, mut now) = (reader(Policy::default()), 0);
    reader.on(refuses("shutting-down", Some(1)), now);
    next(&mut reader, &mut now);
    let mut longest = 0;
    while reader.on(Event::Broken, now) == Action::Wait {
        longest = longest.max(next(&mut reader, &mut now));
    }
    assert_eq!(reader.on(Event::Told(Told::Silence), now), Action::Fail(Failure::Network));
    assert_eq!(now, u64::from(Policy::default().give_up_after_ms), "since its last word");
    assert!(longest > 5_000, "after a minute it is asked less often: {longest}");
}

#[test]
fn a_limit_that_the_app_has_set_holds_for_a_shutdown_too() {
    let policy = Policy { give_up_after_ms: 5_000, hard: true, ..Policy::default() };
    let (mut reader, mut now) = (reader(policy), 0);
    while reader.on(refuses("shutting-down", Some(1)), now) == Action::Wait {
        next(&mut reader, &mut now);
    }
    assert_eq!(now, 5_000);
    assert_eq!(reader.on(Event::Tick, now), Action::Go, "it is over");
}

#[test]
fn what_is_refused_for_now_is_not_asked_for_before_it_may_be() {
    let (mut reader, mut now) = (reader(Policy::default()), 0);
    assert_eq!(reader.on(refuses("too-many-recordings", Some(3)), now), Action::Wait);
    assert_eq!(next(&mut reader, &mut now), 3000);
    let mut last = 0;
    while reader.on(refuses("too-many-recordings", Some(1)), now) == Action::Wait {
        let until = reader.deadline().unwrap();
        assert!(until - now >= 1000 || until == 120_000, "{}", until - now);
        last = last.max(next(&mut reader, &mut now));
    }
    assert_eq!(now, 120_000, "and is given up as ever");
    assert!(last >= 10_000, "less and less often: {last}");
}

use super::*;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn reader() -> Follower {
    Follower::new(Policy::default(), 0, 1, Outset::new(true, true, 0))
}

fn head(state: State, offset: u64, length: Option<u64>) -> Event<'static> {
    Event::Head(Head {
        status: 200,
        answer: Answer::Recorded(state),
        recording: Some(ID),
        offset: Some(offset),
        length: length.map(|rest| offset + rest),
        error: None,
        retry_after: None,
    })
}

fn own(status: u16, error: Option<&'static str>) -> Event<'static> {
    Event::Head(Head {
        status,
        answer: Answer::Own,
        recording: None,
        offset: None,
        length: None,
        error,
        retry_after: None,
    })
}

fn foreign(status: u16) -> Event<'static> {
    Event::Head(Head {
        status,
        answer: Answer::Foreign,
        recording: None,
        offset: None,
        length: None,
        error: None,
        retry_after: None,
    })
}

/// A reader with `bytes` of a live body delivered.
fn streaming(bytes: usize) -> Follower {
    let mut reader = reader();
    assert_eq!(reader.on(head(State::Streaming, 0, None), 0), Action::Accept);
    reader.on(Event::Pull, 0);
    reader.on(Event::Chunk(bytes), 0);
    reader
}

#[test]
fn a_complete_replay_of_known_length_needs_no_second_request() {
    let mut reader = reader();
    assert_eq!(reader.on(head(State::Complete, 0, Some(3)), 0), Action::Accept);
    reader.on(Event::Chunk(3), 1);
    assert_eq!(reader.on(Event::End, 2), Action::Finish(State::Complete));
}

#[test]
fn the_clean_end_of_a_live_body_is_believed_after_an_empty_continuation() {
    let mut reader = streaming(3);
    assert_eq!(reader.on(Event::End, 1), Action::Send(Request::Continue(3)));
    assert_eq!(reader.on(head(State::Complete, 3, Some(0)), 2), Action::Finish(State::Complete));
}

#[test]
fn a_cut_after_the_last_byte_is_an_end_once_the_length_is_known() {
    let mut reader = reader();
    assert_eq!(reader.on(head(State::Failed, 0, Some(3)), 0), Action::Accept);
    reader.on(Event::Chunk(3), 1);
    assert_eq!(reader.on(Event::Broken, 2), Action::Fail(Failure::Ended(State::Failed)));
}

#[test]
fn an_ended_recording_that_does_not_tell_its_length_is_refused() {
    assert_eq!(reader().on(head(State::Complete, 0, None), 0), Action::Send(Request::Start));
    assert_eq!(reader().on(head(State::Streaming, 0, Some(3)), 0), Action::Send(Request::Start));
}

#[test]
fn a_clean_end_in_the_middle_is_no_end() {
    let mut reader = streaming(3);
    assert_eq!(reader.on(Event::End, 1), Action::Send(Request::Continue(3)));
    assert_eq!(reader.on(head(State::Streaming, 3, None), 2), Action::Accept);
    reader.on(Event::Chunk(2), 3);
    assert_eq!(reader.on(Event::End, 4), Action::Send(Request::Continue(5)));
}

#[test]
fn a_replay_that_ends_short_of_its_length_is_continued() {
    let mut reader = reader();
    reader.on(head(State::Complete, 0, Some(9)), 0);
    reader.on(Event::Chunk(3), 1);
    assert_eq!(reader.on(Event::End, 2), Action::Send(Request::Continue(3)));
}

#[test]
fn a_cut_is_continued_at_once_then_with_growing_delays() {
    let mut reader = streaming(3);
    assert_eq!(reader.on(Event::Broken, 100), Action::Send(Request::Continue(3)));
    let mut now = 100;
    let mut last = 0;
    for _ in 0..4 {
        assert_eq!(reader.on(Event::Broken, now), Action::Wait);
        let until = reader.deadline().unwrap();
        assert!(until - now > last, "{until}");
        last = until - now;
        assert_eq!(reader.on(Event::Tick, until - 1), Action::Go, "not yet");
        assert_eq!(reader.on(Event::Tick, until), Action::Send(Request::Continue(3)));
        now = until;
    }
    assert_eq!(reader.on(head(State::Streaming, 3, None), now), Action::Accept);
    reader.on(Event::Chunk(1), now);
    assert_eq!(reader.on(Event::Broken, now), Action::Send(Request::Continue(4)), "a byte resets the delay");
}

/// Follows a body that brings so many bytes in so many milliseconds each time before it is cut. Returns how many requests
/// are sent in a minute.
fn requests_in_a_minute(bytes: usize, lasts_ms: u64) -> u32 {
    let mut reader = streaming(bytes);
    let (mut now, mut requests) = (0, 0);
    while now < 60_000 {
        now += lasts_ms;
        let mut action = reader.on(Event::Broken, now);
        if action == Action::Wait {
            now = reader.deadline().unwrap();
            action = reader.on(Event::Tick, now);
        }
        assert_eq!(action, Action::Send(Request::Continue(reader.offset())));
        requests += 1;
        now += 5;
        assert_eq!(reader.on(head(State::Streaming, reader.offset(), None), now), Action::Accept);
        reader.on(Event::Pull, now);
        reader.on(Event::Chunk(bytes), now);
    }
    requests
}

#[test]
fn bodies_that_are_cut_after_a_few_bytes_are_continued_at_a_measured_pace() {
    for (bytes, lasts_ms) in [(1, 0), (1, 20), (200, 0), (16 * 1024 - 1, 0)] {
        let requests = requests_in_a_minute(bytes, lasts_ms);
        assert!((100..=130).contains(&requests), "{bytes} bytes in {lasts_ms} ms: {requests}");
    }
    // What makes progress is continued at once, as before.
    assert_eq!(requests_in_a_minute(16 * 1024, 5), 6000);
    assert_eq!(requests_in_a_minute(1, 1000), 60);
}

#[test]
fn a_few_scraps_in_a_row_are_continued_at_once() {
    let mut reader = streaming(1);
    for number in 1..=8 {
        assert_eq!(reader.on(Event::Broken, 0), Action::Send(Request::Continue(number)));
        reader.on(head(State::Streaming, number, None), 0);
        reader.on(Event::Chunk(1), 0);
    }
    assert_eq!(reader.on(Event::Broken, 0), Action::Wait);
    let due = reader.deadline().unwrap();
    assert!((500..=625).contains(&due), "{due}");
    assert_eq!(reader.on(Event::Tick, due), Action::Send(Request::Continue(9)));
    // One that goes well makes up for all of them.
    reader.on(head(State::Streaming, 9, None), due);
    reader.on(Event::Chunk(1), due + 1_000);
    for more in 0..8 {
        assert_eq!(reader.on(Event::Broken, due + 1_000), Action::Send(Request::Continue(10 + more)));
        reader.on(head(State::Streaming, 10 + more, None), due + 1_000);
        reader.on(Event::Chunk(1), due + 1_000);
    }
}

/// Fails every attempt until it is told something else than to try again. Returns that, and when.
fn fail_all(reader: &mut Follower, mut now: u64) -> (Action, u64) {
    let mut action = reader.on(Event::Broken, now);
    loop {
        action = match action {
            Action::Wait => {
                now = reader.deadline().unwrap();
                reader.on(Event::Tick, now)
            }
            Action::Send(_) => reader.on(Event::Broken, now),
            other => return (other, now),
        }
    }
}

#[test]
fn it_asks_before_it_gives_up_when_attempts_have_failed_for_too_long_and_not_before() {
    for told in [Told::Silence, Told::NoWord] {
        let mut reader = streaming(3);
        // A long and healthy body before.
        assert_eq!(fail_all(&mut reader, 1_000_000), (Action::Ask, 1_120_000));
        assert_eq!(reader.on(Event::Told(told), 1_120_005), Action::Fail(Failure::Network));
    }
}

#[test]
fn what_the_app_set_holds_whatever_the_recorder_says() {
    let policy = Policy { give_up_after_ms: 5_000, hard: true, ..Policy::default() };
    let mut reader = Follower::new(policy, 0, 1, Outset::new(true, true, 0));
    reader.on(head(State::Streaming, 0, None), 0);
    assert_eq!(fail_all(&mut reader, 100), (Action::Fail(Failure::Network), 5_100));
    // A start is not failing until it has had its time.
    let mut start = Follower::new(policy, 0, 1, Outset::new(true, true, 0));
    let mut now = 0;
    while now < 75_000 {
        now = start.deadline().unwrap();
        if start.on(Event::Tick, now) != Action::Ask {
            break;
        }
        assert_eq!(start.on(alive(0), now), Action::Go);
    }
    assert_eq!((now, start.request(), start.attempt()), (75_000, Request::Start, 1));
    assert_eq!(fail_all(&mut start, 75_001), (Action::Fail(Failure::Network), 80_000));
}

/// Firefox tells of no head before there is a byte.
#[test]
fn a_rest_without_a_head_is_waited_for_while_the_recorder_says_that_there_is_nothing_more() {
    let policy = Policy { give_up_after_ms: 5_000, hard: true, ..Policy::default() };
    let mut reader = Follower::new(policy, 0, 1, Outset::new(true, true, 0));
    reader.on(head(State::Streaming, 0, None), 0);
    reader.on(Event::Chunk(3), 0);
    assert_eq!(reader.on(Event::Broken, 10), Action::Send(Request::Continue(3)));
    let mut now = 0;
    while now < 300_000 {
        now = reader.deadline().unwrap();
        assert_eq!(reader.on(Event::Tick, now), Action::Ask);
        assert_eq!(reader.on(alive(3), now + 5), Action::Go);
    }
    // The recorder is gone: now the app's limit holds.
    now = reader.deadline().unwrap();
    assert_eq!(reader.on(Event::Tick, now), Action::Ask);
    assert_eq!(reader.on(Event::Told(Told::Silence), now + 30_000), Action::Fail(Failure::Network));
}

/// A status of a live recording with so many bytes.
fn alive(stored: u64) -> Event<'static> {
    let state = if stored == 0 { State::Connecting } else { State::Streaming };
    Event::Told(Told::Is(Some(state), stored))
}

/// Attempts fail, and the recorder has nothing more: they go on.
#[test]
fn what_is_alive_and_has_nothing_more_is_not_given_up() {
    for told in [alive(3), Event::Told(Told::Crowded)] {
        let mut reader = streaming(3);
        let mut now = 0;
        for _ in 0..3 {
            let (action, at) = fail_all(&mut reader, now);
            assert_eq!(action, Action::Ask);
            now = at;
            assert_eq!(reader.on(told, now), Action::Wait);
            now = reader.deadline().unwrap();
            assert_eq!(reader.on(Event::Tick, now), Action::Send(Request::Continue(3)));
        }
        assert_eq!(reader.on(head(State::Complete, 3, Some(0)), now), Action::Finish(State::Complete));
    }
}

#[test]
fn what_fails_while_the_recorder_has_more_is_held_back() {
    for (failing, failure) in [(Event::Broken, Failure::Held), (foreign(502), Failure::Intermediary(502))] {
        let mut reader = streaming(3);
        reader.on(Event::Broken, 0);
        let mut action = reader.on(failing, 0);
        while action != Action::Ask {
            assert_eq!(action, Action::Wait);
            let now = reader.deadline().unwrap();
            reader.on(Event::Tick, now);
            action = reader.on(failing, now);
        }
        assert_eq!(reader.on(alive(4), 130_000), Action::Fail(failure));
    }
}

#[test]
fn a_start_without_a_head_is_waited_for_as_long_as_the_recorder_has_none() {
    let mut start = reader();
    let (mut now, mut asked) = (0, 0);
    while now < 6 * 60_000 {
        now = start.deadline().unwrap();
        assert_eq!(start.on(Event::Tick, now), Action::Ask);
        assert_eq!(start.on(alive(0), now + 5), Action::Go);
        asked += 1;
    }
    assert!((7..=9).contains(&asked), "15, 45, 105 s, then every minute: {asked}");
    assert_eq!(start.on(head(State::Streaming, 0, None), now), Action::Accept);
}

#[test]
fn a_start_that_never_arrived_is_sent_again_at_once_and_not_for_ever() {
    let mut start = reader();
    for number in 1..=3 {
        let now = start.deadline().unwrap();
        assert_eq!(now, number * 15_000);
        assert_eq!(start.on(Event::Tick, now), Action::Ask);
        let action = start.on(Event::Told(Told::Is(None, 0)), now);
        assert_eq!(
            action,
            if number < 3 { Action::Send(Request::Start) } else { Action::Fail(Failure::Held) }
        );
    }
    let mut once = Follower::new(Policy::default(), 0, 1, Outset::new(false, true, 0));
    once.on(Event::Tick, 15_000);
    assert_eq!(once.on(Event::Told(Told::Is(None, 0)), 15_000), Action::Fail(Failure::Held));
    // Attempts have failed for two minutes, and none has arrived.
    let mut lost = reader();
    assert_eq!(fail_all(&mut lost, 0), (Action::Ask, 120_000));
    assert_eq!(lost.on(Event::Told(Told::Is(None, 0)), 120_000), Action::Send(Request::Start));
}

#[test]
fn a_large_body_has_the_time_that_it_takes() {
    for (bytes, extra) in [(0, 0), (1600, 100), (16 << 20, 600_000), (u32::MAX, 600_000)] {
        let mut start = Follower::new(Policy::default(), 0, 1, Outset::new(true, true, bytes));
        assert_eq!(start.deadline(), Some(15_000 + extra), "{bytes}");
        start.on(Event::Tick, 15_000 + extra);
        start.on(Event::Told(Told::NoWord), 15_000 + extra);
        assert_eq!(start.deadline(), Some(75_000 + extra));
    }
    assert_eq!(Outset::new(true, true, 9_599_999).upload_ms, 599_999);
}

#[test]
fn where_statuses_tell_nothing_a_start_has_the_time_of_before() {
    let mut start = reader();
    assert_eq!(start.on(Event::Tick, 15_000), Action::Ask);
    assert_eq!(start.on(Event::Told(Told::NoWord), 15_005), Action::Go);
    assert_eq!(start.deadline(), Some(75_000));
    assert_eq!(start.on(Event::Tick, 74_999), Action::Go);
    assert_eq!(start.on(Event::Tick, 75_000), Action::Send(Request::Start));
    // Each request has it.
    assert_eq!(start.deadline(), Some(150_000));
}

#[test]
fn a_recorder_that_answers_nothing_at_all_is_given_up() {
    let mut start = reader();
    assert_eq!(start.on(Event::Tick, 15_000), Action::Ask);
    assert_eq!(start.on(Event::Told(Told::Silence), 25_000), Action::Send(Request::Start));
    // The driver says nothing: that is silence, too.
    assert_eq!(start.on(Event::Tick, 40_000), Action::Ask);
    assert_eq!(start.deadline(), Some(70_000));
    assert_eq!(start.on(Event::Tick, 69_999), Action::Go);
    assert_eq!(start.on(Event::Tick, 70_000), Action::Wait);
    let mut never = Follower::new(Policy::default(), 0, 1, Outset::new(true, false, 0));
    never.on(Event::Tick, 15_000);
    assert_eq!(never.on(Event::Told(Told::Silence), 25_000), Action::Fail(Failure::Unreachable));
}

#[test]
fn a_head_that_is_held_is_waited_for_while_there_is_nothing_else() {
    let mut rest = streaming(3);
    rest.on(Event::Broken, 0);
    for now in [15_000, 45_000, 105_000, 165_000, 225_000] {
        assert_eq!(rest.deadline(), Some(now));
        assert_eq!(rest.on(Event::Tick, now), Action::Ask);
        assert_eq!(rest.on(alive(3), now), Action::Go);
    }
    // It has more now, and none of it comes.
    for (now, action) in [
        (285_000, Action::Send(Request::Continue(3))),
        (300_000, Action::Send(Request::Continue(3))),
        (315_000, Action::Fail(Failure::Held)),
    ] {
        assert_eq!(rest.on(Event::Tick, now), Action::Ask, "{now}");
        assert_eq!(rest.on(alive(4), now), action);
    }
}

#[test]
fn a_body_that_is_held_is_told_from_one_that_has_nothing_to_say() {
    let silent = || {
        let mut reader = streaming(3);
        reader.on(Event::Pull, 0);
        assert_eq!(reader.on(Event::Tick, 15_000), Action::Send(Request::Continue(3)));
        reader.on(head(State::Streaming, 3, None), 15_000);
        reader.on(Event::Pull, 15_000);
        assert_eq!(reader.on(Event::Tick, 45_000), Action::Ask);
        reader
    };
    let mut patient = silent();
    assert_eq!(patient.on(alive(3), 45_001), Action::Go);
    assert_eq!(patient.deadline(), Some(105_001));
    let mut held = silent();
    assert_eq!(held.on(alive(9), 45_000), Action::Send(Request::Continue(3)));
    held.on(head(State::Streaming, 3, None), 45_000);
    held.on(Event::Pull, 45_000);
    assert_eq!(held.on(Event::Tick, 60_000), Action::Ask);
    assert_eq!(held.on(alive(9), 60_000), Action::Send(Request::Continue(3)));
    held.on(head(State::Streaming, 3, None), 60_000);
    held.on(Event::Pull, 60_000);
    assert_eq!(held.on(Event::Tick, 75_000), Action::Ask);
    // A byte in the meantime answers it.
    let mut slow = silent();
    slow.on(Event::Chunk(1), 45_500);
    assert_eq!(slow.on(alive(9), 46_000), Action::Go);
    assert_eq!(held.on(alive(9), 75_000), Action::Fail(Failure::Held));
    for told in [Told::NoWord, Told::Silence] {
        let mut unsure = silent();
        assert_eq!(unsure.on(Event::Told(told), 45_000), Action::Wait, "as before");
    }
}

#[test]
fn a_body_that_is_held_while_its_head_says_that_there_is_more_needs_no_question() {
    let mut reader = streaming(3);
    let mut now = 0;
    let mut action = reader.on(Event::Broken, now);
    for _ in 0..3 {
        assert_eq!(action, Action::Send(Request::Continue(3)));
        reader.on(head(State::Complete, 3, Some(9)), now);
        reader.on(Event::Pull, now);
        now = reader.deadline().unwrap();
        action = reader.on(Event::Tick, now);
    }
    assert_eq!((action, now), (Action::Fail(Failure::Held), 45_000));
}

/// From a cache, or of another recorder behind the same name.
#[test]
fn a_status_that_knows_less_than_has_come_proves_nothing() {
    let mut rest = streaming(3);
    rest.on(Event::Broken, 0);
    assert_eq!(rest.on(Event::Tick, 15_000), Action::Ask);
    assert_eq!(rest.on(alive(2), 15_000), Action::Wait);
    // It may have died before it had written all.
    let mut died = streaming(3);
    died.on(Event::Broken, 0);
    died.on(Event::Tick, 15_000);
    let told = Event::Told(Told::Is(Some(State::Interrupted), 2));
    assert_eq!(died.on(told, 15_000), Action::Send(Request::Continue(3)));
}

#[test]
fn an_answer_that_nobody_waits_for_is_nothing() {
    let mut rest = streaming(3);
    assert_eq!(rest.on(alive(9), 0), Action::Go);
    rest.on(Event::Broken, 0);
    rest.on(Event::Tick, 15_000);
    assert_eq!(rest.on(head(State::Streaming, 3, None), 15_001), Action::Accept);
    assert_eq!(rest.on(alive(9), 15_002), Action::Go);
}

#[test]
fn a_start_that_may_go_past_the_recorder_is_given_up_early() {
    let policy = Policy { direct: true, ..Policy::default() };
    let mut reader = Follower::new(policy, 0, 1, Outset::new(true, true, 0));
    let mut action = reader.on(foreign(502), 0);
    while action != Action::Ask {
        let now = reader.deadline().unwrap();
        action = match action {
            Action::Wait => reader.on(Event::Tick, now),
            _ => reader.on(foreign(504), now.min(10_000)),
        };
        assert!(now <= 85_000, "{now}");
    }
    // It has arrived: it is not to run twice.
    assert!(matches!(reader.on(alive(0), 10_000), Action::Wait | Action::Send(_)));
}

#[test]
fn a_host_that_never_answered_is_given_up_early() {
    let mut reader = Follower::new(Policy::default(), 0, 1, Outset::new(true, false, 0));
    let mut now = 0;
    let mut action = reader.on(Event::Broken, now);
    while !matches!(action, Action::Fail(_)) {
        now = if action == Action::Wait { reader.deadline().unwrap() } else { now };
        action = reader.on(if action == Action::Wait { Event::Tick } else { Event::Broken }, now);
    }
    assert_eq!((action, now), (Action::Fail(Failure::Unreachable), 10_000));
}

#[test]
fn time_asleep_does_not_count_towards_giving_up() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(Event::Broken, 0), Action::Wait);
    let slept = 8 * 3_600_000;
    assert_eq!(reader.on(Event::Tick, slept), Action::Send(Request::Continue(3)));
    assert_eq!(reader.on(Event::Broken, slept), Action::Wait, "it tries on");
}

#[test]
fn it_falls_asleep_with_a_request_under_way_or_is_woken_before_its_timer() {
    for woken in [false, true] {
        let mut reader = streaming(3);
        reader.on(Event::Broken, 1);
        assert_eq!(reader.on(Event::Broken, 2), Action::Wait);
        let slept = 8 * 3_600_000;
        if woken {
            assert_eq!(reader.on(Event::Woken, slept), Action::Send(Request::Continue(3)));
        } else {
            let due = reader.deadline().unwrap();
            assert_eq!(reader.on(Event::Tick, due), Action::Send(Request::Continue(3)));
        }
        assert_eq!(reader.on(Event::Broken, slept), Action::Wait, "it tries on");
    }
}

#[test]
fn a_start_is_repeated_only_if_its_body_can_be() {
    let mut once = Follower::new(Policy::default(), 0, 1, Outset::new(false, true, 0));
    assert_eq!(once.on(Event::Broken, 5), Action::Fail(Failure::Network));
    let mut again = reader();
    assert_eq!(again.on(Event::Broken, 5), Action::Send(Request::Start));
}

#[test]
fn a_5xx_of_an_intermediary_is_no_answer() {
    let mut reader = reader();
    assert_eq!(reader.on(foreign(500), 5), Action::Send(Request::Start));
    assert_eq!(reader.on(foreign(504), 5), Action::Wait);
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(foreign(503), 5), Action::Wait);
    let mut once = Follower::new(Policy::default(), 0, 1, Outset::new(false, true, 0));
    assert_eq!(once.on(foreign(502), 5), Action::PassThrough, "better than nothing");
}

#[test]
fn a_captive_portal_is_no_continuation() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(foreign(200), 5), Action::Wait);
}

fn redirect(status: u16) -> Event<'static> {
    let answer = Answer::parse(None).with_status(status);
    Event::Head(Head {
        status,
        answer,
        recording: None,
        offset: None,
        length: None,
        error: None,
        retry_after: None,
    })
}

/// A start or a continuation, and of the app's requests also one that cannot be sent again.
#[test]
fn a_redirect_is_an_intermediarys_and_is_never_the_apps() {
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(reader().on(redirect(status), 5), Action::Send(Request::Start), "{status}");
        let mut once = Follower::new(Policy::default(), 0, 1, Outset::new(false, true, 0));
        assert_eq!(once.on(redirect(status), 5), Action::Fail(Failure::Redirected), "{status}");
        let mut rest = streaming(3);
        rest.on(Event::Broken, 0);
        assert_eq!(rest.on(redirect(status), 5), Action::Wait, "{status}");
    }
    // It passes: somebody is deploying.
    let mut reader = reader();
    reader.on(redirect(302), 5);
    assert_eq!(reader.on(head(State::Streaming, 0, None), 6), Action::Accept);
}

#[test]
fn a_redirect_that_stays_fails_as_one() {
    for (answered, patience) in [(true, 120_000), (false, 10_000)] {
        let mut reader = Follower::new(Policy::default(), 0, 1, Outset::new(true, answered, 0));
        let mut now = 0;
        let mut action = reader.on(redirect(307), now);
        while !matches!(action, Action::Fail(_)) {
            now = if action == Action::Wait { reader.deadline().unwrap() } else { now };
            action = match action {
                Action::Wait => reader.on(Event::Tick, now),
                Action::Ask => reader.on(Event::Told(Told::Silence), now),
                _ => reader.on(redirect(307), now),
            };
        }
        assert_eq!((action, now), (Action::Fail(Failure::Redirected), patience));
    }
}

#[test]
fn a_recorders_own_status_is_no_redirect() {
    assert_eq!(Answer::parse(Some("complete")).with_status(302), Answer::Recorded(State::Complete));
    assert_eq!(Answer::parse(Some("unrecorded")).with_status(307), Answer::Unrecorded);
    for status in [200, 300, 304, 305, 404, 502] {
        assert_eq!(Answer::Foreign.with_status(status), Answer::Foreign, "{status}");
    }
}

#[test]
fn other_answers_to_a_start_are_the_apps() {
    for event in [foreign(401), foreign(429), own(204, None), own(404, Some("not-found"))] {
        assert_eq!(reader().on(event, 5), Action::PassThrough, "{event:?}");
    }
    let unrecorded = Event::Head(Head {
        status: 401,
        answer: Answer::Unrecorded,
        recording: None,
        offset: None,
        length: None,
        error: None,
        retry_after: None,
    });
    assert_eq!(reader().on(unrecorded, 5), Action::PassThrough);
}

#[test]
fn what_a_recorder_would_have_said_its_state_with_is_not_the_apps() {
    for status in [200, 204, 299, 404, 405] {
        assert_eq!(reader().on(foreign(status), 5), Action::Send(Request::Start), "{status}");
        let mut never = Follower::new(Policy::default(), 0, 1, Outset::new(true, false, 0));
        assert_eq!(never.on(foreign(status), 5), Action::Fail(Failure::NoRecorder(status)));
        // Its status was asked meanwhile, say: then the head was cut before its state.
        let mut heard = Follower::new(Policy::default(), 0, 1, Outset::new(true, false, 0));
        heard.heard();
        assert_eq!(heard.on(foreign(status), 5), Action::Send(Request::Start), "{status}");
        let mut once = Follower::new(Policy::default(), 0, 1, Outset::new(false, true, 0));
        assert_eq!(once.on(foreign(status), 5), Action::Fail(Failure::Intermediary(status)));
    }
}

#[test]
fn the_recorders_no_is_final_unless_it_is_retryable() {
    assert_eq!(reader().on(own(403, Some("upstream-not-allowed")), 5), Action::Fail(Failure::Refused(403)));
    assert_eq!(reader().on(own(499, Some("of-the-future")), 5), Action::Fail(Failure::Refused(499)));
    assert_eq!(reader().on(own(503, Some("shutting-down")), 5), Action::Send(Request::Start));
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(own(410, Some("superseded")), 5), Action::Fail(Failure::Refused(410)));
}

#[test]
fn a_recorder_that_has_less_than_was_delivered_died_in_between() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    let action = reader.on(own(416, Some("offset-out-of-range")), 5);
    assert_eq!(action, Action::Fail(Failure::Ended(State::Interrupted)));
}

#[test]
fn an_answer_that_does_not_fit_is_an_intermediarys() {
    let other = Event::Head(Head {
        status: 200,
        answer: Answer::Recorded(State::Streaming),
        recording: Some("01ARZ3NDEKTSV4RRFFQ69G5FAX"),
        offset: Some(3),
        length: None,
        error: None,
        retry_after: None,
    });
    let unrecorded = Event::Head(Head {
        status: 200,
        answer: Answer::Unrecorded,
        recording: None,
        offset: None,
        length: None,
        error: None,
        retry_after: None,
    });
    let of_another = Event::Head(Head {
        status: 200,
        answer: Answer::Other,
        recording: Some(ID),
        offset: Some(3),
        length: None,
        error: None,
        retry_after: None,
    });
    assert_eq!(reader().on(of_another, 5), Action::Send(Request::Start));
    for event in [head(State::Streaming, 2, None), other, unrecorded, own(204, None), of_another] {
        let mut reader = streaming(3);
        reader.on(Event::Broken, 0);
        assert_eq!(reader.on(event, 5), Action::Wait, "{event:?}");
        // The next one fits.
        let now = reader.deadline().unwrap();
        reader.on(Event::Tick, now);
        assert_eq!(reader.on(head(State::Streaming, 3, None), now), Action::Accept);
    }
    let mut stays = streaming(3);
    stays.on(Event::Broken, 0);
    let mut action = stays.on(other, 0);
    while action == Action::Wait {
        let now = stays.deadline().unwrap();
        stays.on(Event::Tick, now);
        action = stays.on(other, now);
    }
    assert_eq!(action, Action::Ask);
    assert_eq!(stays.on(alive(9), 130_000), Action::Fail(Failure::Misfit(200)));
}

#[test]
fn a_stalled_body_is_continued_and_patience_doubles() {
    let mut reader = streaming(3);
    assert_eq!(reader.deadline(), None, "nobody pulls: a slow consumer is not a stall");
    let mut now = 1000;
    let mut waits = Vec::new();
    for _ in 0..4 {
        reader.on(Event::Pull, now);
        let due = reader.deadline().unwrap();
        waits.push(due - now);
        now = due;
        let mut action = reader.on(Event::Tick, now);
        if action == Action::Ask {
            action = reader.on(Event::Told(Told::NoWord), now);
        }
        if action == Action::Wait {
            now = reader.deadline().unwrap();
            action = reader.on(Event::Tick, now);
        }
        assert_eq!(action, Action::Send(Request::Continue(3)));
        assert_eq!(reader.on(head(State::Streaming, 3, None), now), Action::Accept);
    }
    assert_eq!(waits, [15_000, 30_000, 60_000, 60_000]);
}

#[test]
fn a_continuation_without_a_head_is_tried_again() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.deadline(), Some(15_000));
    assert_eq!(reader.on(Event::Tick, 15_000), Action::Ask);
    assert_eq!(reader.on(Event::Told(Told::Silence), 15_000), Action::Wait);
}

#[test]
fn waking_up_cuts_a_wait_short_and_doubts_a_silent_connection() {
    let mut waiting = streaming(3);
    waiting.on(Event::Broken, 0);
    waiting.on(Event::Broken, 0);
    assert_eq!(waiting.on(Event::Woken, 1), Action::Send(Request::Continue(3)));
    let mut open = streaming(3);
    open.on(Event::Pull, 0);
    assert_eq!(open.on(Event::Woken, 2_999), Action::Go);
    assert_eq!(open.on(Event::Woken, 3_000), Action::Send(Request::Continue(3)));
}

#[test]
fn a_recording_that_did_not_end_clean_fails_after_its_last_byte() {
    for state in [State::Failed, State::Interrupted] {
        let mut reader = streaming(3);
        reader.on(Event::Broken, 0);
        assert_eq!(reader.on(head(state, 3, Some(2)), 1), Action::Accept);
        reader.on(Event::Chunk(2), 2);
        assert_eq!(reader.on(Event::End, 3), Action::Fail(Failure::Ended(state)));
    }
}

#[test]
fn the_end_of_what_did_not_end_clean_is_not_waited_for() {
    let mut reader = reader();
    assert_eq!(reader.on(head(State::Interrupted, 0, Some(5)), 0), Action::Accept);
    for bytes in [2, 3] {
        assert_eq!(reader.on(Event::Pull, 1), Action::Go);
        assert_eq!(reader.on(Event::Chunk(bytes), 2), Action::Go);
    }
    assert_eq!(reader.on(Event::Pull, 3), Action::Fail(Failure::Ended(State::Interrupted)));
}

#[test]
fn a_clean_end_is_waited_for_so_that_its_connection_can_be_used_again() {
    let mut reader = reader();
    reader.on(head(State::Complete, 0, Some(5)), 0);
    reader.on(Event::Chunk(5), 1);
    assert_eq!(reader.on(Event::Pull, 2), Action::Go);
    assert_eq!(reader.on(Event::End, 3), Action::Finish(State::Complete));
}

#[test]
fn a_stopped_recording_ends_clean_and_says_so() {
    let mut reader = streaming(3);
    reader.on(Event::End, 1);
    assert_eq!(reader.on(head(State::Stopped, 3, Some(0)), 2), Action::Finish(State::Stopped));
}

#[test]
fn attaching_asks_for_that_recording_from_its_first_byte() {
    let mut reader = Follower::attach(Policy::default(), 0, 1, ID);
    assert_eq!((reader.request(), reader.recording()), (Request::Continue(0), Some(ID)));
    assert_eq!(reader.on(head(State::Complete, 0, Some(0)), 1), Action::Accept, "the app needs its response");
    assert_eq!(reader.on(Event::End, 2), Action::Finish(State::Complete));
    let mut gone = Follower::attach(Policy::default(), 0, 1, ID);
    assert_eq!(gone.on(own(410, Some("gone")), 1), Action::Fail(Failure::Refused(410)));
}

#[test]
fn nothing_happens_after_the_end() {
    let mut reader = reader();
    reader.on(head(State::Complete, 0, Some(0)), 0);
    reader.on(Event::End, 1);
    for event in [Event::Tick, Event::Woken, Event::Broken, Event::End, Event::Pull] {
        assert_eq!(reader.on(event, 1_000_000), Action::Go);
    }
    assert_eq!(reader.deadline(), None);
}

#[test]
fn a_state_header_is_read_as_who_speaks() {
    assert_eq!(Answer::parse(Some("unrecorded")), Answer::Unrecorded);
    assert_eq!(Answer::parse(Some("none")), Answer::Own);
    assert_eq!(Answer::parse(Some("streaming")), Answer::Recorded(State::Streaming));
    assert_eq!(Answer::parse(Some("of-the-future")), Answer::Foreign);
    assert_eq!(Answer::parse(None), Answer::Foreign);
}

#[test]
fn a_reader_tells_what_it_follows_and_how_far_it_is() {
    let mut reader = reader();
    assert_eq!((reader.recording(), reader.offset(), reader.attempt()), (None, 0, 0));
    reader.on(head(State::Streaming, 0, None), 0);
    reader.on(Event::Chunk(3), 0);
    reader.on(Event::Chunk(2), 0);
    assert_eq!((reader.recording(), reader.offset(), reader.attempt()), (Some(ID), 5, 0));
    reader.on(Event::Broken, 1);
    reader.on(Event::Broken, 2);
    assert_eq!((reader.request(), reader.attempt()), (Request::Continue(5), 2));
}

#[test]
fn a_request_has_its_time_for_a_head() {
    let mut start = Follower::new(Policy::default(), 1_000, 1, Outset::new(true, true, 0));
    assert_eq!(start.on(Event::Tick, 15_999), Action::Go);
    assert_eq!(start.on(Event::Tick, 16_000), Action::Ask);
    let mut rest = streaming(3);
    rest.on(Event::Broken, 1_000);
    assert_eq!(rest.on(Event::Tick, 15_999), Action::Go);
    assert_eq!(rest.on(Event::Tick, 16_000), Action::Ask);
}

#[test]
fn waking_up_doubts_a_continuation_under_way_and_no_start() {
    let mut rest = streaming(3);
    rest.on(Event::Broken, 1_000);
    assert_eq!(rest.on(Event::Woken, 3_999), Action::Go);
    assert_eq!(rest.on(Event::Woken, 4_000), Action::Send(Request::Continue(3)));
    assert_eq!(reader().on(Event::Woken, 60_000), Action::Go, "it may be working");
}

#[test]
fn a_tick_before_its_time_or_while_nobody_pulls_is_nothing() {
    let mut reader = streaming(3);
    assert_eq!(reader.on(Event::Tick, 60_000), Action::Go, "nobody pulls");
    reader.on(Event::Pull, 60_000);
    assert_eq!(reader.on(Event::Tick, 74_999), Action::Go);
    assert_eq!(reader.on(Event::Tick, 75_000), Action::Send(Request::Continue(3)));
}

#[test]
fn an_empty_chunk_is_no_progress() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    reader.on(head(State::Streaming, 3, None), 0);
    reader.on(Event::Chunk(0), 0);
    assert_eq!(reader.on(Event::Broken, 0), Action::Wait);
}

#[test]
fn a_continuation_that_is_not_found_is_refused() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(own(404, Some("not-found")), 5), Action::Fail(Failure::Refused(404)));
}

#[test]
fn a_start_that_is_out_of_range_is_refused() {
    assert_eq!(reader().on(own(416, Some("offset-out-of-range")), 5), Action::Fail(Failure::Refused(416)));
}

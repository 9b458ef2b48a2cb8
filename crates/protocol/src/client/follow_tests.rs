use super::*;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn reader() -> Follower {
    Follower::new(Policy::default(), 0, 1, Outset { resendable: true, answered: true })
}

fn head(state: State, offset: u64, length: Option<u64>) -> Event<'static> {
    Event::Head(Head {
        status: 200,
        answer: Answer::Recorded(state),
        recording: Some(ID),
        offset: Some(offset),
        length: length.map(|rest| offset + rest),
        error: None,
    })
}

fn own(status: u16, error: Option<&'static str>) -> Event<'static> {
    Event::Head(Head { status, answer: Answer::Own, recording: None, offset: None, length: None, error })
}

fn foreign(status: u16) -> Event<'static> {
    Event::Head(Head {
        status,
        answer: Answer::Foreign,
        recording: None,
        offset: None,
        length: None,
        error: None,
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
    assert_eq!(reader().on(head(State::Complete, 0, None), 0), Action::Fail(Failure::Mismatch));
    assert_eq!(reader().on(head(State::Streaming, 0, Some(3)), 0), Action::Fail(Failure::Mismatch));
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

#[test]
fn it_gives_up_when_attempts_have_failed_for_too_long_and_not_before() {
    let mut reader = streaming(3);
    let mut now = 1_000_000; // a long and healthy body before
    let mut action = reader.on(Event::Broken, now);
    while action != Action::Fail(Failure::Network) {
        if action == Action::Wait {
            now = reader.deadline().unwrap();
            action = reader.on(Event::Tick, now);
        } else {
            assert_eq!(action, Action::Send(Request::Continue(3)));
            action = reader.on(Event::Broken, now);
        }
    }
    assert_eq!(now, 1_000_000 + 120_000);
}

#[test]
fn a_host_that_never_answered_is_given_up_early() {
    let mut reader = Follower::new(Policy::default(), 0, 1, Outset { resendable: true, answered: false });
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
    let mut once = Follower::new(Policy::default(), 0, 1, Outset { resendable: false, answered: true });
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
    let mut once = Follower::new(Policy::default(), 0, 1, Outset { resendable: false, answered: true });
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
    Event::Head(Head { status, answer, recording: None, offset: None, length: None, error: None })
}

/// A start or a continuation, and of the app's requests also one that cannot be sent again.
#[test]
fn a_redirect_is_an_intermediarys_and_is_never_the_apps() {
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(reader().on(redirect(status), 5), Action::Send(Request::Start), "{status}");
        let mut once = Follower::new(Policy::default(), 0, 1, Outset { resendable: false, answered: true });
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
        let mut reader = Follower::new(Policy::default(), 0, 1, Outset { resendable: true, answered });
        let mut now = 0;
        let mut action = reader.on(redirect(307), now);
        while !matches!(action, Action::Fail(_)) {
            now = if action == Action::Wait { reader.deadline().unwrap() } else { now };
            action = reader.on(if action == Action::Wait { Event::Tick } else { redirect(307) }, now);
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
    for event in [foreign(200), foreign(404), own(204, None), own(404, Some("not-found"))] {
        assert_eq!(reader().on(event, 5), Action::PassThrough, "{event:?}");
    }
    let unrecorded = Event::Head(Head {
        status: 401,
        answer: Answer::Unrecorded,
        recording: None,
        offset: None,
        length: None,
        error: None,
    });
    assert_eq!(reader().on(unrecorded, 5), Action::PassThrough);
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
fn a_continuation_that_does_not_fit_is_refused() {
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    assert_eq!(reader.on(head(State::Streaming, 2, None), 5), Action::Fail(Failure::Mismatch));
    let mut reader = streaming(3);
    reader.on(Event::Broken, 0);
    let other = Event::Head(Head {
        status: 200,
        answer: Answer::Recorded(State::Streaming),
        recording: Some("01ARZ3NDEKTSV4RRFFQ69G5FAX"),
        offset: Some(3),
        length: None,
        error: None,
    });
    assert_eq!(reader.on(other, 5), Action::Fail(Failure::Mismatch));
}

#[test]
fn a_stalled_body_is_continued_and_patience_doubles() {
    let mut reader = streaming(3);
    assert_eq!(reader.deadline(), None, "nobody pulls: a slow consumer is no stall");
    let mut now = 1000;
    let mut waits = Vec::new();
    for _ in 0..4 {
        reader.on(Event::Pull, now);
        let due = reader.deadline().unwrap();
        waits.push(due - now);
        now = due;
        let mut action = reader.on(Event::Tick, now);
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
    assert_eq!(reader.on(Event::Tick, 15_000), Action::Wait);
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
    let mut start = Follower::new(Policy::default(), 1_000, 1, Outset { resendable: true, answered: true });
    assert_eq!(start.on(Event::Tick, 75_999), Action::Go);
    assert_eq!(start.on(Event::Tick, 76_000), Action::Send(Request::Start));
    let mut rest = streaming(3);
    rest.on(Event::Broken, 1_000);
    assert_eq!(rest.on(Event::Tick, 15_999), Action::Go);
    assert_eq!(rest.on(Event::Tick, 16_000), Action::Wait);
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
fn a_continuation_is_answered_by_its_recorder_and_from_a_recording() {
    let unrecorded = Event::Head(Head {
        status: 200,
        answer: Answer::Unrecorded,
        recording: None,
        offset: None,
        length: None,
        error: None,
    });
    for (answer, failure) in [
        (unrecorded, Failure::Mismatch),
        (own(204, None), Failure::Mismatch),
        (own(404, Some("not-found")), Failure::Refused(404)),
    ] {
        let mut reader = streaming(3);
        reader.on(Event::Broken, 0);
        assert_eq!(reader.on(answer, 5), Action::Fail(failure), "{answer:?}");
    }
}

#[test]
fn a_start_that_is_out_of_range_is_refused() {
    assert_eq!(reader().on(own(416, Some("offset-out-of-range")), 5), Action::Fail(Failure::Refused(416)));
}

use super::*;
use crate::RequestId;
use crate::recording::End;

const FINGERPRINT: Fingerprint = Fingerprint([1; 32]);
const OTHER: Fingerprint = Fingerprint([2; 32]);

const PLAIN: Stored = Stored {
    id: RecordingId::ZERO,
    state: State::Streaming,
    len: 0,
    fingerprint: FINGERPRINT,
    retired: false,
    restarted: false,
    volatile: false,
    passing: false,
};

fn id(n: u128) -> RecordingId {
    RecordingId::from_parts(1, n)
}

fn stored(state: State) -> Stored {
    Stored { id: id(1), state, len: 10, fingerprint: FINGERPRINT, ..PLAIN }
}

fn progress(state: State) -> Progress {
    let mut progress = Progress::connecting(id(1));
    progress.head();
    progress.chunk(10);
    match state {
        State::Superseded => drop(progress.break_off(End::Supersede)),
        State::Deleted => drop(progress.break_off(End::Delete)),
        State::Streaming => {}
        ended => progress = Progress::recovered(id(1), ended, None, 10, 1),
    }
    progress
}

fn view(state: Option<State>) -> Vec<Stored> {
    state.map(stored).into_iter().collect()
}

fn ask(mode: Mode, fingerprint: Fingerprint) -> Ask {
    Ask::Fetch(Fetch::new(mode, fingerprint))
}

fn serve(from: u64, ending: Ending) -> Decision {
    Decision::Serve { recording: id(1), from, ending }
}

/// The rows of the table: what may be stored as a key's current recording.
const ROWS: [Option<State>; 7] = [
    None,
    Some(State::Connecting),
    Some(State::Streaming),
    Some(State::Complete),
    Some(State::Stopped),
    Some(State::Failed),
    Some(State::Interrupted),
];

const BESIDE: Decision = Decision::Start(Place::Beside);

#[test]
fn every_cell_of_the_modes() {
    use Decision::{NoContent, Refuse, Wait};
    use Ending::{AsRecorded, Broken, Clean};
    let (wait, follow, all) = (Wait(id(1)), serve(0, AsRecorded), serve(0, Clean));
    let broken = serve(0, Broken);
    let in_place = Decision::Start(Place::InPlace);
    let none = Refuse(ErrorCode::NotFound);
    // With the same fingerprint: join, match, match-live. With another: the same three.
    // Whatever the fingerprint: new, restart, resume, replay.
    let table: [[Decision; 10]; 7] = [
        [BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, in_place, NoContent, none],
        [wait, wait, wait, wait, BESIDE, BESIDE, BESIDE, in_place, wait, wait],
        [follow, follow, follow, follow, BESIDE, BESIDE, BESIDE, in_place, follow, follow],
        [all, all, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, in_place, NoContent, all],
        [all, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, in_place, NoContent, all],
        [BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, in_place, NoContent, broken],
        [BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, BESIDE, in_place, NoContent, broken],
    ];
    for (row, expected) in ROWS.into_iter().zip(table) {
        let asks = [
            ask(Mode::Join, FINGERPRINT),
            ask(Mode::Match, FINGERPRINT),
            ask(Mode::MatchLive, FINGERPRINT),
            ask(Mode::Join, OTHER),
            ask(Mode::Match, OTHER),
            ask(Mode::MatchLive, OTHER),
            ask(Mode::New, FINGERPRINT),
            ask(Mode::Restart, FINGERPRINT),
            ask(Mode::Resume, OTHER),
            ask(Mode::Replay, OTHER),
        ];
        for (ask, expected) in asks.iter().zip(expected) {
            assert_eq!(decide(&view(row), None, ask), expected, "{row:?} {ask:?}");
        }
    }
}

/// Several recordings of one key, oldest first.
fn several() -> Vec<Stored> {
    vec![
        Stored { id: id(1), state: State::Complete, ..stored(State::Complete) },
        Stored { id: id(2), state: State::Streaming, restarted: true, ..stored(State::Streaming) },
        Stored { id: id(3), fingerprint: OTHER, ..stored(State::Streaming) },
        Stored { id: id(4), fingerprint: OTHER, ..stored(State::Complete) },
    ]
}

fn from_0(n: u128, ending: Ending) -> Decision {
    Decision::Serve { recording: id(n), from: 0, ending }
}

#[test]
fn of_several_each_request_gets_its_own() {
    let of = |mode, fingerprint| decide(&several(), None, &ask(mode, fingerprint));
    let (follow, all) = (Ending::AsRecorded, Ending::Clean);
    assert_eq!(of(Mode::Join, FINGERPRINT), from_0(3, follow), "the latest live one, by URL alone");
    assert_eq!(of(Mode::Match, FINGERPRINT), from_0(2, follow), "what is live comes first");
    assert_eq!(of(Mode::Match, OTHER), from_0(3, follow));
    assert_eq!(of(Mode::MatchLive, OTHER), from_0(3, follow));
    assert_eq!(of(Mode::Match, Fingerprint([3; 32])), BESIDE);
    assert_eq!(of(Mode::Resume, OTHER), from_0(2, follow), "those that `restart` started first");
    assert_eq!(of(Mode::Replay, OTHER), from_0(2, follow));
    let finished: Vec<_> = several().into_iter().filter(|stored| !stored.state.is_live()).collect();
    assert_eq!(decide(&finished, None, &ask(Mode::Replay, OTHER)), from_0(4, all), "the latest");
    let retired: Vec<_> = finished.iter().map(|stored| Stored { retired: true, ..*stored }).collect();
    assert_eq!(decide(&retired, None, &ask(Mode::Match, OTHER)), BESIDE);
    assert_eq!(decide(&retired, None, &ask(Mode::Replay, OTHER)), Decision::Refuse(ErrorCode::NotFound));
    let passing: Vec<_> = several().into_iter().map(|stored| Stored { passing: true, ..stored }).collect();
    assert_eq!(decide(&passing, None, &ask(Mode::Join, OTHER)), BESIDE, "it is not a recording");
}

#[test]
fn a_fetch_after_a_status_joins_what_that_spoke_of_if_it_is_the_only_live_one() {
    let attach =
        |mode, fingerprint| Ask::Fetch(Fetch { attach: Some(id(1)), ..Fetch::new(mode, fingerprint) });
    let third = Fingerprint([3; 32]);
    let only = [stored(State::Streaming)];
    for mode in [Mode::Match, Mode::MatchLive] {
        assert_eq!(decide(&only, None, &attach(mode, OTHER)), serve(0, Ending::AsRecorded), "{mode:?}");
        let two = [stored(State::Streaming), Stored { id: id(2), fingerprint: OTHER, ..only[0] }];
        assert_eq!(decide(&two, None, &attach(mode, OTHER)), from_0(2, Ending::AsRecorded), "its own first");
        assert_eq!(decide(&two, None, &attach(mode, third)), BESIDE, "not the only one");
        let other = [Stored { id: id(2), ..only[0] }];
        assert_eq!(decide(&other, None, &attach(mode, third)), BESIDE, "another one");
    }
    assert_eq!(decide(&[stored(State::Complete)], None, &attach(Mode::Match, OTHER)), BESIDE, "it has ended");
    let own = [Stored { id: id(2), ..stored(State::Complete) }, Stored { fingerprint: OTHER, ..only[0] }];
    let finished = decide(&own, None, &attach(Mode::Match, FINGERPRINT));
    assert_eq!(finished, from_0(2, Ending::Clean), "its own, finished, before the noted one");
    for mode in [Mode::New, Mode::Restart] {
        assert!(matches!(decide(&only, None, &attach(mode, OTHER)), Decision::Start(_)), "{mode:?}");
    }
}

#[test]
fn a_finished_recording_does_not_answer_what_comes_after_an_event() {
    let after = |mode| Ask::Fetch(Fetch { after_event: true, ..Fetch::new(mode, FINGERPRINT) });
    for mode in [Mode::Join, Mode::Match] {
        for state in [State::Complete, State::Stopped] {
            assert_eq!(decide(&view(Some(state)), None, &after(mode)), BESIDE, "{mode:?} {state:?}");
        }
        let live = decide(&view(Some(State::Streaming)), None, &after(mode));
        assert_eq!(live, serve(0, Ending::AsRecorded), "{mode:?}: the same question, live");
    }
}

#[test]
fn who_has_read_a_volatile_answer_and_asks_again_gets_a_new_one() {
    let asks = |read| Ask::Fetch(Fetch { read, ..Fetch::new(Mode::Match, FINGERPRINT) });
    let volatile = [Stored { volatile: true, ..stored(State::Complete) }];
    assert_eq!(decide(&volatile, None, &asks(Some(id(1)))), BESIDE);
    assert_eq!(decide(&volatile, None, &asks(None)), serve(0, Ending::Clean), "who has not");
    assert_eq!(decide(&volatile, None, &asks(Some(id(2)))), serve(0, Ending::Clean), "who has read another");
    let steady = [stored(State::Complete)];
    assert_eq!(decide(&steady, None, &asks(Some(id(1)))), serve(0, Ending::Clean), "it may be stored");
}

#[test]
fn every_cell_of_the_continuation() {
    let table: [Decision; 7] = [
        Decision::Refuse(ErrorCode::Gone),
        Decision::Wait(id(1)),
        serve(4, Ending::AsRecorded),
        serve(4, Ending::Clean),
        serve(4, Ending::Clean),
        serve(4, Ending::Clean),
        serve(4, Ending::Clean),
    ];
    for (row, expected) in ROWS.into_iter().zip(table) {
        assert_eq!(
            decide(&view(row), None, &Ask::Continue { recording: id(1), offset: 4 }),
            expected,
            "{row:?}"
        );
    }
}

#[test]
fn a_continuation_ends_at_the_stored_end() {
    for row in ROWS.into_iter().flatten().filter(|state| *state != State::Connecting) {
        let at = |offset| decide(&view(Some(row)), None, &Ask::Continue { recording: id(1), offset });
        assert!(matches!(at(10), Decision::Serve { from: 10, .. }), "{row:?}: exactly at the end");
        assert_eq!(at(11), Decision::Refuse(ErrorCode::OffsetOutOfRange), "{row:?}: past it");
    }
}

#[test]
fn a_continuation_of_another_recording_is_superseded_or_gone() {
    let ask = Ask::Continue { recording: id(2), offset: 0 };
    assert_eq!(decide(&view(None), None, &ask), Decision::Refuse(ErrorCode::Gone));
    assert_eq!(decide(&view(Some(State::Streaming)), None, &ask), Decision::Refuse(ErrorCode::Superseded));
    let retired = |state| [Stored { id: id(2), retired: true, ..stored(state) }, stored(State::Streaming)];
    for finished in [State::Complete, State::Stopped, State::Failed, State::Interrupted] {
        let expected = Decision::Serve { recording: id(2), from: 0, ending: Ending::Clean };
        assert_eq!(decide(&retired(finished), None, &ask), expected, "finished before it was superseded");
    }
    let passing = [Stored { id: id(2), passing: true, ..stored(State::Streaming) }];
    assert_eq!(decide(&passing, None, &ask), Decision::Refuse(ErrorCode::Gone), "it is not a recording");
}

#[test]
fn a_known_request_id_never_starts() {
    let outcomes = [
        Outcome::Started(id(1)),
        Outcome::Started(id(2)),
        Outcome::Superseded,
        Outcome::Deleted,
        Outcome::Answered,
        Outcome::AnsweredNotKept,
        Outcome::NoHead(ErrorCode::UpstreamTimeout),
        Outcome::StopAtArrival,
    ];
    for outcome in outcomes {
        for row in ROWS {
            for mode in Mode::ALL {
                let ask = Ask::Fetch(Fetch { request: RequestId::parse("r"), ..Fetch::new(mode, OTHER) });
                let decision = decide(&view(row), Some(outcome), &ask);
                assert!(!matches!(decision, Decision::Start(_)), "{outcome:?} {row:?} {mode:?}");
            }
        }
    }
}

#[test]
fn a_known_request_id_gets_its_outcome_again() {
    let of = |outcome, row| {
        let ask = Ask::Fetch(Fetch { request: RequestId::parse("r"), ..Fetch::new(Mode::Restart, OTHER) });
        decide(&view(row), Some(outcome), &ask)
    };
    let streaming = Some(State::Streaming);
    let joined = [
        Decision::Wait(id(1)),
        serve(0, Ending::AsRecorded),
        serve(0, Ending::Clean),
        serve(0, Ending::Clean),
        serve(0, Ending::Broken),
        serve(0, Ending::Broken),
    ];
    for (row, expected) in ROWS.into_iter().skip(1).zip(joined) {
        assert_eq!(of(Outcome::Started(id(1)), row), expected, "{row:?}");
    }
    let retired = [Stored { retired: true, ..stored(State::Complete) }];
    let ask = Ask::Fetch(Fetch { request: RequestId::parse("r"), ..Fetch::new(Mode::Join, OTHER) });
    let again = decide(&retired, Some(Outcome::Started(id(1))), &ask);
    assert_eq!(again, Decision::Refuse(ErrorCode::Superseded));
    let passing = [Stored { passing: true, ..stored(State::Streaming) }];
    assert_eq!(decide(&passing, Some(Outcome::Started(id(1))), &ask), Decision::Wait(id(1)));
    assert_eq!(of(Outcome::Started(id(2)), streaming), Decision::Refuse(ErrorCode::Gone));
    assert_eq!(of(Outcome::Superseded, streaming), Decision::Refuse(ErrorCode::Superseded));
    assert_eq!(of(Outcome::Deleted, None), Decision::Refuse(ErrorCode::Deleted));
    assert_eq!(of(Outcome::Answered, None), Decision::AnswerAgain);
    assert_eq!(of(Outcome::AnsweredNotKept, None), Decision::Refuse(ErrorCode::AlreadyAnswered));
    assert_eq!(
        of(Outcome::NoHead(ErrorCode::UpstreamTimeout), None),
        Decision::Refuse(ErrorCode::UpstreamTimeout)
    );
    assert_eq!(of(Outcome::StopAtArrival, None), Decision::Refuse(ErrorCode::Stopped));
}

#[test]
fn an_unknown_request_id_is_decided_by_its_mode() {
    let ask = Ask::Fetch(Fetch { request: RequestId::parse("r"), ..Fetch::new(Mode::Join, OTHER) });
    assert_eq!(decide(&view(None), None, &ask), BESIDE);
}

#[test]
fn who_waited_is_served_what_the_recording_has_become() {
    use Decision::Refuse;
    use Ending::{AsRecorded, Broken, Clean};
    for (state, fetch, rest) in [
        (State::Streaming, serve(0, AsRecorded), serve(10, AsRecorded)),
        (State::Complete, serve(0, Clean), serve(10, Clean)),
        (State::Stopped, serve(0, Clean), serve(10, Clean)),
        (State::Failed, serve(0, Broken), serve(10, Clean)),
        (State::Interrupted, serve(0, Broken), serve(10, Clean)),
        (State::Superseded, Refuse(ErrorCode::Superseded), Refuse(ErrorCode::Superseded)),
        (State::Deleted, Refuse(ErrorCode::Deleted), Refuse(ErrorCode::Gone)),
    ] {
        for mode in Mode::ALL {
            assert_eq!(head_came(&progress(state), &ask(mode, OTHER)), fetch, "{mode:?} of {state:?}");
        }
        let from = |offset| Ask::Continue { recording: id(1), offset };
        assert_eq!(head_came(&progress(state), &from(10)), rest, "{state:?}");
        if let Decision::Serve { .. } = rest {
            assert_eq!(
                head_came(&progress(state), &from(11)),
                Refuse(ErrorCode::OffsetOutOfRange),
                "{state:?}"
            );
        }
    }
}

#[test]
fn who_waited_in_vain_is_told_why_and_resume_that_there_is_nothing() {
    let code = ErrorCode::UpstreamUnreachable;
    for mode in Mode::ALL {
        let expected = if mode == Mode::Resume { Decision::NoContent } else { Decision::Refuse(code) };
        assert_eq!(no_head(&ask(mode, OTHER), code), expected, "{mode:?}");
    }
    let continuation = Ask::Continue { recording: id(1), offset: 0 };
    assert_eq!(no_head(&continuation, code), Decision::Refuse(code));
}

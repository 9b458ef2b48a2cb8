use super::*;
use crate::RequestId;
use crate::recording::End;

const FINGERPRINT: Fingerprint = Fingerprint([1; 32]);
const OTHER: Fingerprint = Fingerprint([2; 32]);

fn id(n: u128) -> RecordingId {
    RecordingId::from_parts(1, n)
}

fn stored(state: State) -> Stored {
    Stored { id: id(1), state, len: 10, fingerprint: FINGERPRINT, retired: false, passing: false }
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
    Ask::Fetch { mode, request: None, fingerprint }
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

#[test]
fn every_cell_of_the_modes() {
    use Decision::{NoContent, Refuse, Start, Wait};
    use Ending::{AsRecorded, Broken, Clean};
    let wait = Wait(id(1));
    // join with the same fingerprint, join with another, restart, resume, replay
    let table: [[Decision; 5]; 7] = [
        [Start, Start, Start, NoContent, Refuse(ErrorCode::NotFound)],
        [wait, wait, Start, wait, wait],
        [serve(0, AsRecorded), serve(0, AsRecorded), Start, serve(0, AsRecorded), serve(0, AsRecorded)],
        [serve(0, Clean), Start, Start, NoContent, serve(0, Clean)],
        [serve(0, Clean), Start, Start, NoContent, serve(0, Clean)],
        [Start, Start, Start, NoContent, serve(0, Broken)],
        [Start, Start, Start, NoContent, serve(0, Broken)],
    ];
    for (row, expected) in ROWS.into_iter().zip(table) {
        let asks = [
            ask(Mode::Join, FINGERPRINT),
            ask(Mode::Join, OTHER),
            ask(Mode::Restart, FINGERPRINT),
            ask(Mode::Resume, FINGERPRINT),
            ask(Mode::Replay, OTHER),
        ];
        for (ask, expected) in asks.iter().zip(expected) {
            assert_eq!(decide(&view(row), None, ask), expected, "{row:?} {ask:?}");
        }
    }
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
    assert_eq!(decide(&passing, None, &ask), Decision::Refuse(ErrorCode::Gone), "it is no recording");
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
                let ask = Ask::Fetch { mode, request: RequestId::parse("r"), fingerprint: OTHER };
                let decision = decide(&view(row), Some(outcome), &ask);
                assert_ne!(decision, Decision::Start, "{outcome:?} {row:?} {mode:?}");
            }
        }
    }
}

#[test]
fn a_known_request_id_gets_its_outcome_again() {
    let of = |outcome, row| {
        let ask = Ask::Fetch { mode: Mode::Restart, request: RequestId::parse("r"), fingerprint: OTHER };
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
    let ask = Ask::Fetch { mode: Mode::Join, request: RequestId::parse("r"), fingerprint: OTHER };
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
    let ask = Ask::Fetch { mode: Mode::Join, request: RequestId::parse("r"), fingerprint: OTHER };
    assert_eq!(decide(&view(None), None, &ask), Decision::Start);
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

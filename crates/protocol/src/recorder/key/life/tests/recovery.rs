//! What a dead process left.

use super::*;
use crate::State;

fn row(n: u128, state: State) -> Row {
    Row {
        id: id(n),
        state,
        unrecorded: false,
        restarted: false,
        volatile: false,
        age_ms: None,
        len: 4,
        chunks: 2,
        ended_ms: None,
        retired_ms: None,
    }
}

#[test]
fn what_was_live_is_interrupted_and_what_was_no_recording_yet_leaves_its_ids() {
    let rows = [
        row(1, State::Connecting),
        Row { unrecorded: true, ..row(2, State::Streaming) },
        row(3, State::Streaming),
        Row { ended_ms: Some(6), ..row(4, State::Complete) },
    ];
    let entry = |n, outcome, at_ms| Entry { id: request(&format!("r{n}")), outcome, at_ms };
    let ledger = Ledger::from_entries((1..=4).map(|n| entry(n, Outcome::Started(id(n)), 5)).collect());
    let interrupted = |n| {
        let entry = entry(n, Outcome::NoHead(ErrorCode::Interrupted), 9);
        Change::Request { entry, answer: None }
    };
    let (state, cause) = (State::Interrupted, None);
    assert_eq!(
        recover(&rows, &ledger, 9),
        [
            Change::Remove { id: id(1) },
            Change::Remove { id: id(2) },
            Change::End { id: id(3), state, cause, len: 4, chunks: 2, at_ms: 9 },
            interrupted(1),
            interrupted(2),
        ]
    );
}

//! For any interleaving of cuts, stalls, short ends, intermediaries' answers and wake-ups: what a reader
//! delivers is the recorded bytes, once and in order, and it ends clean only if the recording did.

use durablefetch_protocol::State;
use durablefetch_protocol::follow::{Action, Answer, Event, Failure, Follower, Head, Outset, Request};
use durablefetch_protocol::retry::Policy;
use proptest::prelude::*;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// What the network does to one request, in place of what the recorder would have done.
#[derive(Debug, Clone)]
enum Fate {
    /// The request never arrives.
    Refused,
    /// An intermediary answers.
    Intermediary(u16),
    /// No head ever comes.
    Silence,
    /// The recorder answers; after so many bytes this happens to the body.
    Answered { bytes: u64, then: Then },
}

#[derive(Debug, Clone)]
enum Then {
    Cut,
    CleanEnd,
    Stall,
    /// Whatever the recorder does.
    Nothing,
}

fn fate() -> impl Strategy<Value = Fate> {
    let then = prop_oneof![Just(Then::Cut), Just(Then::CleanEnd), Just(Then::Stall), Just(Then::Nothing)];
    prop_oneof![
        1 => Just(Fate::Refused),
        1 => prop_oneof![Just(502_u16), Just(503), Just(504)].prop_map(Fate::Intermediary),
        1 => Just(Fate::Silence),
        6 => (0_u64..400, then).prop_map(|(bytes, then)| Fate::Answered { bytes, then }),
    ]
}

/// A recording of `total` bytes that appears at one byte a millisecond and ends in `end`.
struct Recorder {
    total: u64,
    end: State,
}

impl Recorder {
    fn stored(&self, now: u64) -> (u64, State) {
        let len = now.min(self.total);
        (len, if len == self.total { self.end } else { State::Streaming })
    }
}

/// The driver: plays network, clock and app. Returns what was delivered and how it ended.
fn drive(recorder: &Recorder, fates: Vec<Fate>, seed: u32, pieces: u64) -> (u64, Action) {
    let mut now = 0;
    let mut delivered = 0_u64;
    let mut fates = fates.into_iter();
    let mut reader = Follower::new(Policy::default(), now, seed, Outset { resendable: true, answered: true });
    let mut action = Action::Send(reader.request());
    for _ in 0..10_000 {
        let Action::Send(request) = action else {
            match action {
                Action::Wait => {
                    now = reader.deadline().expect("a wait has an end");
                    action = reader.on(Event::Tick, now);
                    continue;
                }
                other => return (delivered, other),
            }
        };
        let from = match request {
            Request::Start => 0,
            Request::Continue(offset) => {
                assert_eq!(offset, delivered, "a continuation begins at the byte held");
                offset
            }
        };
        now += 3;
        let calm = Fate::Answered { bytes: u64::MAX, then: Then::Nothing };
        action = match fates.next().unwrap_or(calm) {
            Fate::Refused => reader.on(Event::Broken, now),
            Fate::Intermediary(status) => reader.on(
                Event::Head(Head {
                    status,
                    answer: Answer::Foreign,
                    recording: None,
                    offset: None,
                    length: None,
                    error: None,
                }),
                now,
            ),
            Fate::Silence => {
                now = reader.deadline().expect("asking has a deadline");
                reader.on(Event::Tick, now)
            }
            Fate::Answered { bytes, then } => {
                let (len, state) = recorder.stored(now);
                // A start replays a failed recording and breaks; a continuation gives its rest and ends clean.
                let clean = !state.is_live() && (state.ends_clean() || request != Request::Start);
                let head = Head {
                    status: 200,
                    answer: Answer::Recorded(state),
                    recording: Some(ID),
                    offset: Some(from),
                    length: (!state.is_live()).then_some(len),
                    error: None,
                };
                match reader.on(Event::Head(head), now) {
                    Action::Accept => {
                        let body = Body { recorder, from, bytes, then, clean };
                        body.play(&mut reader, &mut now, &mut delivered, pieces)
                    }
                    other => other,
                }
            }
        };
    }
    panic!("it never ended");
}

struct Body<'a> {
    recorder: &'a Recorder,
    from: u64,
    bytes: u64,
    then: Then,
    /// This body ends clean, whatever became of the recording.
    clean: bool,
}

impl Body<'_> {
    fn play(self, reader: &mut Follower, now: &mut u64, delivered: &mut u64, pieces: u64) -> Action {
        let mut sent = 0;
        loop {
            match reader.on(Event::Pull, *now) {
                Action::Go => {}
                // All that there is has come, and it is known not to be the whole.
                end => return end,
            }
            if sent >= self.bytes {
                match self.then {
                    Then::Cut => return reader.on(Event::Broken, *now),
                    Then::CleanEnd => return reader.on(Event::End, *now),
                    Then::Stall => {
                        *now = reader.deadline().expect("a pulled body has a deadline");
                        return reader.on(Event::Tick, *now);
                    }
                    Then::Nothing => {}
                }
            }
            let (len, state) = self.recorder.stored(*now);
            let left = (len - self.from - sent).min(self.bytes.saturating_sub(sent).max(1)).min(pieces);
            if left > 0 {
                sent += left;
                *delivered += left;
                assert_eq!(reader.on(Event::Chunk(left as usize), *now), Action::Go);
            } else if state.is_live() {
                *now += 1;
            } else if state.ends_clean() || self.clean {
                return reader.on(Event::End, *now);
            } else {
                return reader.on(Event::Broken, *now);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn delivered_bytes_are_the_recorded_ones_and_ends_are_true(
        total in 0_u64..2000,
        end in prop_oneof![
            Just(State::Complete), Just(State::Stopped), Just(State::Failed), Just(State::Interrupted)
        ],
        fates in proptest::collection::vec(fate(), 0..30),
        seed in any::<u32>(),
        pieces in 1_u64..200,
    ) {
        let (delivered, action) = drive(&Recorder { total, end }, fates, seed, pieces);
        match action {
            Action::Finish(state) => {
                prop_assert_eq!(state, end);
                prop_assert!(end.ends_clean());
                prop_assert_eq!(delivered, total);
            }
            Action::Fail(Failure::Ended(state)) => {
                prop_assert_eq!(state, end);
                prop_assert!(!end.ends_clean());
                prop_assert_eq!(delivered, total, "a failed recording gives all it has first");
            }
            // Attempts failed for two minutes on end.
            Action::Fail(Failure::Network | Failure::Intermediary(_)) => prop_assert!(delivered <= total),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_events_in_any_order_never_panic_and_never_loop(
        events in proptest::collection::vec((0_u8..8, 0_u64..100_000, any::<u16>()), 0..200),
        seed in any::<u32>(),
        resendable in any::<bool>(),
    ) {
        let mut now = 0;
        let mut reader = Follower::new(Policy::default(), now, seed, Outset { resendable, answered: false });
        for (kind, later, number) in events {
            now += later;
            let head = |answer| Event::Head(Head {
                status: number % 600,
                answer,
                recording: (number % 3 > 0).then_some(ID),
                offset: Some(if number % 2 == 0 { reader.offset() } else { u64::from(number) }),
                length: (number % 5 > 0).then_some(u64::from(number)),
                error: None,
            });
            let event = match kind {
                0 => head(Answer::Recorded(State::ALL[usize::from(number) % 8])),
                1 => head(Answer::Foreign),
                2 => Event::Pull,
                3 => Event::Chunk(usize::from(number)),
                4 => Event::End,
                5 => Event::Broken,
                6 => Event::Woken,
                _ => Event::Tick,
            };
            let before = reader.offset();
            let action = reader.on(event, now);
            prop_assert!(reader.offset() >= before, "offsets never go back");
            if let Action::Send(Request::Continue(offset)) = action {
                prop_assert_eq!(offset, reader.offset());
            }
            if action == Action::Wait {
                prop_assert!(reader.deadline().is_some_and(|due| due >= now));
            }
        }
    }
}

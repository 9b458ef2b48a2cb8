//! For any interleaving of cuts, stalls, short ends, held heads and bodies, intermediaries' answers and statuses that fail
//! or lie: what a reader delivers is the recorded bytes, once and in order, it ends clean only if the recording did, what
//! is alive is not given up, and what is dead is not waited for.

use durablefetch_protocol::State;
use durablefetch_protocol::follow::{Action, Answer, Event, Failure, Follower, Head, Outset, Request, Told};
use durablefetch_protocol::retry::Policy;
use proptest::prelude::*;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// What the network does to one request, in place of what the recorder would have done.
#[derive(Debug, Clone)]
enum Fate {
    /// The request never arrives, which shows at once.
    Refused,
    /// The same, and nothing shows.
    Lost,
    /// An intermediary answers.
    Intermediary(u16),
    /// The recorder is shutting down.
    ShuttingDown,
    /// It arrives, and no head ever comes.
    Silence,
    /// The same until there is a byte: a proxy that sends the head with it.
    HeadWithByte,
    /// What was asked for before comes out of a cache: another recording, or another offset.
    Cached { other: bool },
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

/// What the network does to a status call.
#[derive(Debug, Clone, Copy)]
enum Word {
    True,
    /// It is lost.
    Lost,
    /// No connection is free.
    Crowded,
    /// The token is missing, or the recorder does not know the question.
    None,
    /// It is what was true so many milliseconds ago.
    Old(u64),
}

fn fate() -> impl Strategy<Value = Fate> {
    let then = prop_oneof![Just(Then::Cut), Just(Then::CleanEnd), Just(Then::Stall), Just(Then::Nothing)];
    prop_oneof![
        1 => Just(Fate::Refused),
        1 => Just(Fate::Lost),
        1 => prop_oneof![Just(200_u16), Just(404), Just(502), Just(503), Just(504)].prop_map(Fate::Intermediary),
        1 => Just(Fate::ShuttingDown),
        1 => Just(Fate::Silence),
        1 => Just(Fate::HeadWithByte),
        1 => any::<bool>().prop_map(|other| Fate::Cached { other }),
        6 => (0_u64..400, then).prop_map(|(bytes, then)| Fate::Answered { bytes, then }),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        4 => Just(Word::True),
        1 => Just(Word::Lost),
        1 => Just(Word::Crowded),
        1 => Just(Word::None),
        1 => (0_u64..500_000).prop_map(Word::Old),
    ]
}

/// A recording whose head appears at a time, then a byte in so many milliseconds up to `total`, and then its end.
#[derive(Debug, Clone)]
struct Recorder {
    head_at: u64,
    pace: u64,
    total: u64,
    end: State,
    /// When a start has arrived.
    arrived: Option<u64>,
}

impl Recorder {
    fn stored(&self, now: u64) -> (u64, State) {
        let Some(since) = now.checked_sub(self.head_at) else { return (0, State::Connecting) };
        let len = (since / self.pace).min(self.total);
        (len, if len == self.total { self.end } else { State::Streaming })
    }

    /// When something is to be seen of it next.
    fn next(&self, now: u64) -> u64 {
        if now < self.head_at { self.head_at } else { now + self.pace - (now - self.head_at) % self.pace }
    }

    fn told(&self, word: Word, now: u64) -> Told {
        let at = match word {
            Word::Lost => return Told::Silence,
            Word::Crowded => return Told::Crowded,
            Word::None => return Told::NoWord,
            Word::Old(ago) => now.saturating_sub(ago),
            Word::True => now,
        };
        if self.arrived.is_none_or(|arrived| at < arrived) {
            return Told::Is(None, 0);
        }
        let (len, state) = self.stored(at);
        Told::Is(Some(state), len)
    }
}

/// Plays network, clock and app.
struct World {
    recorder: Recorder,
    fates: std::vec::IntoIter<Fate>,
    /// What there is after the fates.
    after: Fate,
    words: std::vec::IntoIter<Word>,
    /// What there is after the words.
    word: Word,
    pieces: u64,
    now: u64,
    delivered: u64,
    requests: u32,
    asked: u32,
    reader: Follower,
}

impl World {
    fn new(recorder: Recorder, fates: Vec<Fate>, words: Vec<Word>, seed: u32) -> Self {
        let reader = Follower::new(Policy::default(), 0, seed, Outset::new(true, true, 0));
        Self {
            recorder,
            fates: fates.into_iter(),
            after: Fate::Answered { bytes: u64::MAX, then: Then::Nothing },
            words: words.into_iter(),
            word: Word::True,
            pieces: u64::MAX,
            now: 0,
            delivered: 0,
            requests: 0,
            asked: 0,
            reader,
        }
    }

    /// Until it is over: what it came to.
    fn run(&mut self) -> Action {
        let mut action = Action::Send(self.reader.request());
        for _ in 0..20_000 {
            action = match action {
                Action::Send(request) => self.send(request),
                Action::Wait => self.wait(),
                // A last question, with nothing open.
                Action::Ask => self.ask(),
                over => return over,
            };
        }
        panic!("it never ended");
    }

    fn wait(&mut self) -> Action {
        self.now = self.reader.deadline().expect("a wait has an end");
        self.reader.on(Event::Tick, self.now)
    }

    fn ask(&mut self) -> Action {
        self.asked += 1;
        let word = self.words.next().unwrap_or(self.word);
        self.now += if matches!(word, Word::Lost | Word::Crowded) { 10_000 } else { 2 };
        let told = self.recorder.told(word, self.now);
        self.reader.on(Event::Told(told), self.now)
    }

    /// The clock goes to this moment, or to the reader's deadline if that comes first. What it says to that.
    fn until(&mut self, then: Option<u64>) -> Action {
        let due = self.reader.deadline();
        if let Some(then) = then
            && due.is_none_or(|due| then < due)
        {
            self.now = self.now.max(then);
            return Action::Go;
        }
        self.now = self.now.max(due.expect("an open request has a deadline"));
        match self.reader.on(Event::Tick, self.now) {
            Action::Ask => self.ask(),
            action => action,
        }
    }

    fn send(&mut self, request: Request) -> Action {
        self.requests += 1;
        self.now += 3;
        let from = match request {
            Request::Start => 0,
            Request::Continue(offset) => {
                assert_eq!(offset, self.delivered, "a continuation begins at the byte held");
                offset
            }
        };
        let fate = self.fates.next().unwrap_or(self.after.clone());
        let arrives = matches!(fate, Fate::Silence | Fate::HeadWithByte | Fate::Answered { .. });
        if arrives {
            self.recorder.arrived.get_or_insert(self.now);
        }
        let head = Head {
            status: 200,
            answer: Answer::Foreign,
            recording: None,
            offset: None,
            length: None,
            error: None,
            retry_after: None,
        };
        match fate {
            Fate::Refused => self.reader.on(Event::Broken, self.now),
            Fate::Intermediary(status) => self.reader.on(Event::Head(Head { status, ..head }), self.now),
            Fate::ShuttingDown => {
                let (error, retry_after) = (Some("shutting-down"), Some(1));
                let head = Head { status: 503, answer: Answer::Own, error, retry_after, ..head };
                self.reader.on(Event::Head(head), self.now)
            }
            Fate::Cached { other } => {
                let recording = Some(if other { "01ARZ3NDEKTSV4RRFFQ69G5FAX" } else { ID });
                // Of a start, the first bytes of anything fit.
                let offset = Some(if other && from > 0 { from } else { from + 1 });
                let answer = Answer::Recorded(State::Streaming);
                self.reader.on(Event::Head(Head { answer, recording, offset, ..head }), self.now)
            }
            Fate::Lost | Fate::Silence => self.silence(None),
            Fate::HeadWithByte | Fate::Answered { .. } => {
                let stored = |world: &Self| world.recorder.stored(world.now);
                let shows = |world: &Self| match (&fate, stored(world)) {
                    (Fate::HeadWithByte, (len, state)) => len > from || !state.is_live(),
                    (_, (_, state)) => state != State::Connecting,
                };
                if !shows(self)
                    && let action @ (Action::Send(_) | Action::Wait | Action::Fail(_)) =
                        self.silence(Some(&shows))
                {
                    return action;
                }
                let (len, state) = stored(self);
                // A start replays a failed recording and breaks; a continuation gives its rest and ends clean.
                let clean = !state.is_live() && (state.ends_clean() || request != Request::Start);
                let head = Head {
                    answer: Answer::Recorded(state),
                    recording: Some(ID),
                    offset: Some(from),
                    length: (!state.is_live()).then_some(len),
                    ..head
                };
                let (bytes, then) = match fate {
                    Fate::Answered { bytes, then } => (bytes, then),
                    _ => (u64::MAX, Then::Nothing),
                };
                match self.reader.on(Event::Head(head), self.now) {
                    Action::Accept => self.body(from, bytes, &then, clean),
                    other => other,
                }
            }
        }
    }

    /// No head until then, if ever; what the reader does about it, if it does something before that.
    fn silence(&mut self, until: Option<&dyn Fn(&Self) -> bool>) -> Action {
        loop {
            let next = until.map(|_| self.recorder.next(self.now));
            match self.until(next) {
                Action::Go if until.is_some_and(|shows| shows(self)) => return Action::Go,
                Action::Go => {}
                action => return action,
            }
        }
    }

    fn body(&mut self, from: u64, bytes: u64, then: &Then, clean: bool) -> Action {
        let mut sent = 0;
        loop {
            match self.reader.on(Event::Pull, self.now) {
                Action::Go => {}
                // All that there is has come, and it is known not to be the whole.
                end => return end,
            }
            if sent >= bytes {
                match then {
                    Then::Cut => return self.reader.on(Event::Broken, self.now),
                    Then::CleanEnd => return self.reader.on(Event::End, self.now),
                    Then::Stall => match self.until(None) {
                        Action::Go => continue,
                        action => return action,
                    },
                    Then::Nothing => {}
                }
            }
            let (len, state) = self.recorder.stored(self.now);
            let left = (len - from - sent).min(bytes.saturating_sub(sent).max(1)).min(self.pieces);
            if left > 0 {
                sent += left;
                self.delivered += left;
                assert_eq!(self.reader.on(Event::Chunk(left as usize), self.now), Action::Go);
            } else if state.is_live() {
                match self.until(Some(self.recorder.next(self.now))) {
                    Action::Go => {}
                    action => return action,
                }
            } else if state.ends_clean() || clean {
                return self.reader.on(Event::End, self.now);
            } else {
                return self.reader.on(Event::Broken, self.now);
            }
        }
    }
}

fn end() -> impl Strategy<Value = State> {
    prop_oneof![Just(State::Complete), Just(State::Stopped), Just(State::Failed), Just(State::Interrupted)]
}

/// One whose head takes up to a quarter of an hour, whose bytes come every millisecond or every few minutes.
fn recorder() -> impl Strategy<Value = Recorder> {
    let head_at = prop_oneof![Just(0_u64), 0_u64..1000, 0_u64..900_000];
    let bytes = prop_oneof![(1_u64..3, 0_u64..2000), (1_u64..30_000, 0_u64..40), (1_u64..400_000, 0_u64..6)];
    (head_at, bytes, end()).prop_map(|(head_at, (pace, total), end)| Recorder {
        head_at,
        pace,
        total,
        end,
        arrived: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn delivered_bytes_are_the_recorded_ones_and_ends_are_true(
        recorder in recorder(),
        fates in proptest::collection::vec(fate(), 0..30),
        words in proptest::collection::vec(word(), 0..30),
        seed in any::<u32>(),
        pieces in 1_u64..200,
    ) {
        let Recorder { total, end, .. } = recorder;
        let is_held =
            |fate: &&Fate| !matches!(fate, Fate::Refused | Fate::Intermediary(_) | Fate::ShuttingDown);
        let held = fates.iter().filter(is_held).count();
        let mut world = World { pieces, ..World::new(recorder, fates, words, seed) };
        let action = world.run();
        let delivered = world.delivered;
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
            // Three requests in a row brought nothing of what there was.
            Action::Fail(Failure::Held) => prop_assert!(held > 0 || world.asked > 0),
            // Attempts failed for two minutes on end.
            Action::Fail(Failure::Network | Failure::Intermediary(_) | Failure::Misfit(_)) => {
                prop_assert!(delivered <= total && world.now >= 60_000, "{:?}", action);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// Whatever its head and its bytes take, and also where a proxy holds each head until there is a byte.
    #[test]
    fn what_is_alive_is_never_called_dead(recorder in recorder(), holds in any::<bool>(), seed in any::<u32>()) {
        let Recorder { total, end, pace, head_at, .. } = recorder;
        let mut world = World::new(recorder, Vec::new(), Vec::new(), seed);
        if holds {
            world.after = Fate::HeadWithByte;
        }
        let expected = if end.ends_clean() { Action::Finish(end) } else { Action::Fail(Failure::Ended(end)) };
        prop_assert_eq!(world.run(), expected);
        prop_assert_eq!(world.delivered, total);
        // It is asked once a minute at most, but for the first three of each silence.
        let most = |silence: u64| silence / 60_000 + 3;
        prop_assert!(u64::from(world.asked) <= most(head_at) + (total + 1) * most(pace), "{}", world.asked);
        prop_assert!(u64::from(world.requests) <= total + 3, "{}", world.requests);
    }

    /// After some time nothing arrives any more, or nothing comes back. `told`: a proxy passes status calls all the same.
    #[test]
    fn what_is_dead_is_never_waited_for(
        recorder in recorder(),
        calm in 0_u64..60,
        after in prop_oneof![
            Just(Fate::Refused), Just(Fate::Lost), Just(Fate::Silence), Just(Fate::Intermediary(502)),
            Just(Fate::Answered { bytes: 0, then: Then::Stall })
        ],
        told in any::<bool>(),
        seed in any::<u32>(),
    ) {
        // What has ended, or has more, is what is held back.
        let recorder = Recorder { head_at: 0, pace: recorder.pace.min(1000), total: recorder.total.max(1), ..recorder };
        let total = recorder.total;
        let begins = Fate::Answered { bytes: calm, then: Then::Stall };
        let mut world = World { after, ..World::new(recorder, vec![begins], Vec::new(), seed) };
        world.word = if told { Word::True } else { Word::Lost };
        let action = world.run();
        let in_calm = 2_000 + total * 1000;
        match action {
            Action::Fail(Failure::Held | Failure::Network | Failure::Intermediary(502)) => {}
            // All of it had come.
            Action::Finish(_) | Action::Fail(Failure::Ended(_)) => prop_assert_eq!(world.delivered, total),
            other => prop_assert!(false, "{:?}", other),
        }
        // The longest: every body is opened, silent, and asked about in vain, which costs nothing but is a head each time.
        prop_assert!(world.now <= in_calm + 6 * 60_000, "{} ms, {:?}", world.now - in_calm, action);
    }

    #[test]
    fn any_events_in_any_order_never_panic_and_never_loop(
        events in proptest::collection::vec((0_u8..9, 0_u64..100_000, any::<u16>()), 0..200),
        seed in any::<u32>(),
        (resendable, hard, direct) in any::<(bool, bool, bool)>(),
    ) {
        let mut now = 0;
        let policy = Policy { hard, direct, ..Policy::default() };
        let mut reader = Follower::new(policy, now, seed, Outset::new(resendable, false, 0));
        for (kind, later, number) in events {
            now += later;
            let head = |answer| Event::Head(Head {
                status: number % 600,
                answer,
                recording: (number % 3 > 0).then_some(ID),
                offset: Some(if number % 2 == 0 { reader.offset() } else { u64::from(number) }),
                length: (number % 5 > 0).then_some(u64::from(number)),
                error: None,
                retry_after: None,
            });
            let state = State::ALL[usize::from(number) % 8];
            let event = match kind {
                0 => head(Answer::Recorded(state)),
                1 => head(Answer::Foreign),
                2 => Event::Pull,
                3 => Event::Chunk(usize::from(number)),
                4 => Event::End,
                5 => Event::Broken,
                6 => Event::Woken,
                7 => Event::Told(match number % 5 {
                    0 => Told::Silence,
                    1 => Told::NoWord,
                    2 => Told::Crowded,
                    3 => Told::Is(None, 0),
                    _ => Told::Is(Some(state), reader.offset() + u64::from(number % 2)),
                }),
                _ => Event::Tick,
            };
            let before = reader.offset();
            let action = reader.on(event, now);
            prop_assert!(reader.offset() >= before, "offsets never go back");
            if let Action::Send(Request::Continue(offset)) = action {
                prop_assert_eq!(offset, reader.offset());
            }
            if matches!(action, Action::Wait | Action::Ask) {
                prop_assert!(reader.deadline().is_some_and(|due| due >= now));
            }
        }
    }
}

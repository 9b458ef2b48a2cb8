//! The reader state machine: how a client follows one recording through cuts, stalls and lying ends.
//!
//! The client's driver reports what happens ([`Event`]) with the time, does what it is told ([`Action`]) and
//! comes back with [`Event::Tick`] when [`Follower::deadline`] has passed. It keeps the bytes; this counts them.
//!
//! ```text
//!            Send(Start)                Accept                    End, Broken, stall, wake
//!   new ────────────────▶ asking ───────────────▶ open ─────────────────────────────────────┐
//!                           ▲  │ 5xx, no answer     ▲                                        │
//!                           │  ▼                    │ Accept                                 ▼
//!                         waiting ──Send(again)──▶ asking ◀──────────Send(Continue)───── (at once, or
//!                                                   │                                     waiting first)
//!                                                   ▼
//!                                     Finish · Fail · PassThrough
//! ```
//!
//! **An end is believed** when a head said a terminal state and the recording's whole length, and all of it
//! has come. How a connection closes says nothing: an intermediary that ends a body cleanly in its middle, or
//! cuts it after its last byte, only causes another request, or none (`docs/decisions/0001-length-header.md`).
//!
//! One file, although it is a long one: the transitions of one machine are read side by side.

use super::retry::{Jitter, Policy};
use crate::words::{ErrorCode, State, name};

/// A wake-up is a reason to doubt a connection that has been silent for this long.
const DOUBT_AFTER_MS: u64 = 3_000;

/// An event this long after the deadline means that the machine slept; the time asleep is nobody's fault.
const SLEPT_MS: u64 = 5_000;

/// A body that is cut before it has brought this many bytes, and within this time, does not count as progress.
const PROGRESS_BYTES: u64 = 16 * 1024;
const PROGRESS_MS: u64 = 1_000;
/// This many of these in a row are continued at once.
const SCRAPS: u32 = 8;

/// What a response says of itself in `durablefetch-state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A recording in this state.
    Recorded(State),
    /// An upstream's answer, passed through.
    Unrecorded,
    /// The recorder's own answer: an error or 204.
    Own,
    /// No such header, or a value this version does not know: some intermediary, or a recorder of 0.1.0.
    Foreign,
    /// A redirect. A recorder never sends one, so an intermediary did. The client does not follow it: the server behind
    /// it would get the token and the request.
    Redirect,
}

impl Answer {
    /// Reads the header's value.
    #[must_use]
    pub fn parse(value: Option<&str>) -> Self {
        match value {
            Some(name::UNRECORDED) => Self::Unrecorded,
            Some(name::NONE) => Self::Own,
            Some(state) => State::parse(state).map_or(Self::Foreign, Self::Recorded),
            None => Self::Foreign,
        }
    }

    /// The same for an answer with this status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        match (self, status) {
            (Self::Foreign, 301 | 302 | 303 | 307 | 308) => Self::Redirect,
            _ => self,
        }
    }
}

/// Response headers, as far as following is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `durablefetch-state`.
    pub answer: Answer,
    /// `durablefetch-recording`.
    pub recording: Option<&'a str>,
    /// `durablefetch-offset`.
    pub offset: Option<u64>,
    /// `durablefetch-length`.
    pub length: Option<u64>,
    /// `durablefetch-error`.
    pub error: Option<&'a str>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Response headers came for the request last sent.
    Head(Head<'a>),
    /// Somebody wants the next bytes; from now on silence counts. Fails where there are none and will be none.
    Pull,
    /// This many bytes came and were handed on.
    Chunk(usize),
    /// The body ended as HTTP says a body ends.
    End,
    /// The request or the body failed.
    Broken,
    /// The network came back, or the page was shown or resumed.
    Woken,
    /// The deadline has passed.
    Tick,
}

/// The request to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The app's own request, always with the same request id.
    Start,
    /// A continuation at this offset.
    Continue(u64),
}

/// What the driver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing new: go on reading or waiting.
    Go,
    /// Abort what is open and send this.
    Send(Request),
    /// Abort what is open; the next attempt is due at the deadline.
    Wait,
    /// Take this response's body as the source of bytes. The first time, this is the app's response.
    Accept,
    /// Hand this response to the app as it is; following is over.
    PassThrough,
    /// The body is whole, or was stopped: a clean end.
    Finish(State),
    /// The body, or the start, is given up.
    Fail(Failure),
}

/// Why it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The recorder could not be reached for too long.
    Network,
    /// This host has never answered.
    Unreachable,
    /// Some intermediary kept answering instead of the recorder, last with this status.
    Intermediary(u16),
    /// Some intermediary kept sending requests elsewhere.
    Redirected,
    /// The recorder said no, with this status; its code is in the head.
    Refused(u16),
    /// Everything there is was delivered, and the recording ended in this state.
    Ended(State),
    /// An answer does not fit what was asked: another recording or offset.
    Mismatch,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// A request is sent, no head has come.
    Asking { since: u64 },
    /// A body is open. Deadline only while somebody pulls.
    /// `ended` is the terminal state and whole length that the head told, if it did.
    Open { ended: Option<(State, u64)>, pulling: bool },
    /// Between two attempts.
    Waiting { until: u64 },
    /// Told to finish, fail or pass through.
    Over,
}

/// What is known before the first request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outset {
    /// The app's request body can be sent again.
    pub resendable: bool,
    /// The host has answered before, to anybody. One that has not is given up much sooner.
    pub answered: bool,
}

/// One app-side response, followed through as many requests as it takes.
#[derive(Debug)]
pub struct Follower {
    policy: Policy,
    jitter: Jitter,
    phase: Phase,
    request: Request,
    /// See [`Outset`].
    resendable: bool,
    /// See [`Outset`]; true from the first answer on.
    answered: bool,
    recording: Option<Box<str>>,
    offset: u64,
    attempt: u32,
    /// When the body was opened, and at which offset.
    opened: (u64, u64),
    /// Bodies in a row that were cut before they had made progress to speak of.
    scraps: u32,
    /// When attempts began to fail; none while all is well.
    trouble: Option<u64>,
    stall_ms: u64,
    last_activity: u64,
}

impl Follower {
    /// A reader that has yet to start; the first thing to do is to send [`Follower::request`].
    #[must_use]
    pub fn new(policy: Policy, now: u64, seed: u32, outset: Outset) -> Self {
        let Outset { resendable, answered } = outset;
        Self {
            policy,
            jitter: Jitter::new(seed),
            phase: Phase::Asking { since: now },
            request: Request::Start,
            resendable,
            answered,
            recording: None,
            offset: 0,
            attempt: 0,
            opened: (now, 0),
            scraps: 0,
            trouble: None,
            stall_ms: u64::from(policy.stall_after_ms),
            last_activity: now,
        }
    }

    /// A reader that attaches to a recording it knows of, from its first byte, and starts nothing.
    #[must_use]
    pub fn attach(policy: Policy, now: u64, seed: u32, recording: &str) -> Self {
        Self {
            request: Request::Continue(0),
            recording: Some(recording.into()),
            ..Self::new(policy, now, seed, Outset { resendable: true, answered: true })
        }
    }

    /// The request last to be sent.
    #[must_use]
    pub const fn request(&self) -> Request {
        self.request
    }

    /// Bytes delivered.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Attempts since the last delivered byte.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The recording that is followed, once known.
    #[must_use]
    pub fn recording(&self) -> Option<&str> {
        self.recording.as_deref()
    }

    /// When to come back with [`Event::Tick`]; none where only events matter.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Asking { since } => Some(since + self.patience()),
            Phase::Open { pulling: true, .. } => Some(self.last_activity + self.stall_ms),
            Phase::Waiting { until } => Some(until),
            Phase::Open { pulling: false, .. } | Phase::Over => None,
        }
    }

    /// What to do about an event. `now` never goes back.
    pub fn on(&mut self, event: Event<'_>, now: u64) -> Action {
        // Whatever comes this late: after a night with the lid closed that is as often the end of a request as a tick.
        if let Some(due) = self.deadline() {
            self.forgive(now.saturating_sub(due), now);
        }
        match (self.phase, event) {
            (Phase::Over, _) => Action::Go,
            (Phase::Asking { .. }, Event::Head(head)) => self.on_head(&head, now),
            (Phase::Asking { .. }, Event::Broken) => self.broken(Failure::Network, now),
            (Phase::Asking { since }, Event::Tick) if now >= since + self.patience() => {
                self.broken(Failure::Network, now)
            }
            (Phase::Asking { since }, Event::Woken) => match self.request {
                Request::Continue(_) if now >= since + DOUBT_AFTER_MS => self.send(now),
                _ => Action::Go,
            },
            (Phase::Waiting { until }, Event::Tick) if now >= until => self.send(now),
            (Phase::Waiting { .. }, Event::Woken) => self.send(now),
            (Phase::Open { .. }, event) => self.on_body(event, now),
            (Phase::Asking { .. } | Phase::Waiting { .. }, _) => Action::Go,
        }
    }

    fn on_body(&mut self, event: Event<'_>, now: u64) -> Action {
        let Phase::Open { ended, pulling } = &mut self.phase else { return Action::Go };
        let whole = ended.filter(|(_, length)| *length == self.offset);
        match event {
            Event::Pull => {
                // All of a recording that broke is here. What follows is a reset, and some proxies swallow it.
                if let Some((state, _)) = whole.filter(|(state, _)| !state.ends_clean()) {
                    return self.believe(state);
                }
                if !*pulling {
                    *pulling = true;
                    self.last_activity = now;
                }
                Action::Go
            }
            Event::Chunk(bytes) => {
                *pulling = false;
                if bytes > 0 {
                    self.offset += bytes as u64;
                    self.attempt = 0;
                    self.stall_ms = u64::from(self.policy.stall_after_ms);
                    self.last_activity = now;
                }
                Action::Go
            }
            Event::End | Event::Broken => match (whole, event) {
                (Some((state, _)), _) => self.believe(state),
                // A live body that ended, or one that ended short: ask.
                (None, Event::End) => self.again(now),
                (None, _) => self.broken(Failure::Network, now),
            },
            Event::Tick if *pulling && now >= self.last_activity + self.stall_ms => {
                self.stall_ms = (self.stall_ms * 2).min(u64::from(self.policy.stall_max_ms));
                self.again(now)
            }
            Event::Woken if *pulling && now >= self.last_activity + DOUBT_AFTER_MS => self.again(now),
            Event::Head(_) | Event::Woken | Event::Tick => Action::Go,
        }
    }

    fn on_head(&mut self, head: &Head<'_>, now: u64) -> Action {
        let starting = self.request == Request::Start;
        match head.answer {
            Answer::Foreign if starting && (head.status < 500 || !self.resendable) => self.pass(),
            Answer::Foreign => self.broken(Failure::Intermediary(head.status), now),
            Answer::Redirect => self.broken(Failure::Redirected, now),
            Answer::Unrecorded if starting => self.pass(),
            Answer::Own => match head.error.map(ErrorCode::parse) {
                Some(Some(code)) if code.is_retryable() => self.broken(Failure::Refused(head.status), now),
                Some(Some(ErrorCode::NotFound)) | None if starting => self.pass(),
                // What was delivered is not stored: the recorder died before it had written it.
                Some(Some(ErrorCode::OffsetOutOfRange)) if !starting => self.believe(State::Interrupted),
                Some(_) => self.fail(Failure::Refused(head.status)),
                None => self.fail(Failure::Mismatch),
            },
            Answer::Unrecorded => self.fail(Failure::Mismatch),
            Answer::Recorded(state) => self.on_recorded(head, state, now),
        }
    }

    fn on_recorded(&mut self, head: &Head<'_>, state: State, now: u64) -> Action {
        let Some(recording) = head.recording else { return self.fail(Failure::Mismatch) };
        let same = self.recording.as_deref().is_none_or(|ours| ours == recording);
        if !same || head.offset != Some(self.offset) {
            return self.fail(Failure::Mismatch);
        }
        let ended = match head.length {
            Some(length) if !state.is_live() && length >= self.offset => Some((state, length)),
            None if state.is_live() => None,
            _ => return self.fail(Failure::Mismatch),
        };
        self.recording.get_or_insert_with(|| recording.into());
        self.answered = true;
        self.trouble = None;
        self.last_activity = now;
        // The app's response has yet to be made from the first head; a later one at the end says it all.
        if let Some((state, length)) = ended
            && self.offset > 0
            && length == self.offset
        {
            return self.believe(state);
        }
        self.opened = (now, self.offset);
        self.phase = Phase::Open { ended, pulling: false };
        Action::Accept
    }

    /// A terminal state at the end of everything.
    fn believe(&mut self, state: State) -> Action {
        self.phase = Phase::Over;
        if state.ends_clean() { Action::Finish(state) } else { Action::Fail(Failure::Ended(state)) }
    }

    fn pass(&mut self) -> Action {
        self.phase = Phase::Over;
        Action::PassThrough
    }

    fn fail(&mut self, failure: Failure) -> Action {
        self.phase = Phase::Over;
        Action::Fail(failure)
    }

    /// An attempt failed: another, unless attempts have failed for too long or the start cannot be repeated.
    fn broken(&mut self, failure: Failure, now: u64) -> Action {
        let since = *self.trouble.get_or_insert(now);
        let limit = if self.answered { self.policy.give_up_after_ms } else { self.policy.first_answer_ms };
        let repeatable = self.resendable || self.recording.is_some();
        if !repeatable || now - since >= u64::from(limit) {
            let unreachable = !self.answered && failure == Failure::Network;
            return self.fail(if unreachable { Failure::Unreachable } else { failure });
        }
        let action = self.again(now);
        if let Phase::Waiting { until } = &mut self.phase {
            // The last attempt is made when time is up, not never.
            *until = (*until).min(since + u64::from(limit));
        }
        action
    }

    /// Sends another request: at once the first time, then after a growing delay. If one body after the other is cut
    /// after a few bytes, the first one is delayed too.
    fn again(&mut self, now: u64) -> Action {
        self.request = if self.recording.is_some() { Request::Continue(self.offset) } else { Request::Start };
        if self.attempt == 0 {
            let (since, from) = self.opened;
            let progresses = self.offset - from >= PROGRESS_BYTES || now >= since + PROGRESS_MS;
            self.scraps = if progresses { 0 } else { self.scraps.saturating_add(1) };
        }
        let attempt = self.attempt.max(u32::from(self.scraps > SCRAPS));
        let delay = self.policy.delay(attempt, self.jitter.next_u32());
        self.attempt = self.attempt.saturating_add(1);
        if delay == 0 {
            return self.send(now);
        }
        self.phase = Phase::Waiting { until: now + delay };
        Action::Wait
    }

    fn send(&mut self, now: u64) -> Action {
        self.phase = Phase::Asking { since: now };
        Action::Send(self.request)
    }

    /// How long a request may go without a head. A continuation is answered from what is stored, at once.
    fn patience(&self) -> u64 {
        match self.request {
            Request::Start => u64::from(self.policy.head_after_ms),
            Request::Continue(_) => u64::from(self.policy.stall_after_ms),
        }
    }

    /// So long after the deadline: the machine slept, and that time does not count towards giving up.
    fn forgive(&mut self, late: u64, now: u64) {
        if let Some(since) = self.trouble.as_mut().filter(|_| late >= SLEPT_MS) {
            // Several events may be late for one and the same deadline.
            *since = (*since + late).min(now);
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;

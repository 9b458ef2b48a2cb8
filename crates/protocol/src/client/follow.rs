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
//! **Silence is asked about.** Where no head comes, where a body stays silent after it was continued, and before it gives
//! up, the machine asks for the status ([`Action::Ask`]) of just this recording or request. What is alive and has
//! nothing more is waited for, however long; where there is more, something holds it back.
//!
//! **An end is believed** when a head said a terminal state and the recording's whole length, and all of it
//! has come. How a connection closes says nothing: an intermediary that ends a body cleanly in its middle, or
//! cuts it after its last byte, only causes another request, or none (`docs/decisions/0001-length-header.md`).
//!
//! One file, although it is a long one: the transitions of one machine are read side by side.

pub use super::dialogue::{Action, Answer, Event, Failure, Head, Outset, Request, Told};
use super::retry::{Jitter, Policy};
use crate::words::{ErrorCode, State};

/// A wake-up is a reason to doubt a connection that has been silent for this long.
const DOUBT_AFTER_MS: u64 = 3_000;

/// An event this long after the deadline means that the machine slept; the time asleep is nobody's fault.
const SLEPT_MS: u64 = 5_000;

/// A body that is cut before it has brought this many bytes, and within this time, does not count as progress.
const PROGRESS_BYTES: u64 = 16 * 1024;
const PROGRESS_MS: u64 = 1_000;
/// This many of these in a row are continued at once.
const SCRAPS: u32 = 8;

/// How long a status is waited for. The driver gives up earlier.
const ANSWER_MS: u64 = 30_000;
/// After this many requests in a row that brought nothing of what the recorder has, something holds it back.
const STRIKES: u32 = 3;
/// For so long after a recorder has said that it is shutting down the next one is looked for at short intervals.
const RESTART_MS: u64 = 60_000;

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// A request was sent then, no head has come. Since then, and for so long, it is not asked about.
    Asking { sent: u64, since: u64, patience: u64 },
    /// A body is open. Deadline only while somebody pulls.
    /// `ended` is the terminal state and whole length that the head told, if it did.
    Open { ended: Option<(State, u64)>, pulling: bool },
    /// Between two attempts.
    Waiting { until: u64 },
    /// Nothing is open. It is asked once more before all is given up for this.
    Doubting(Failure),
    /// Told to finish, fail or pass through.
    Over,
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
    /// See [`Outset`].
    upload_ms: u64,
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
    /// When the status was asked for, while its answer is awaited.
    asked: Option<u64>,
    /// Statuses tell nothing of the start.
    blind: bool,
    /// Requests in a row that brought nothing although there is something.
    strikes: u32,
    /// When the recorder last said that it is shutting down.
    shutting_down: Option<u64>,
}

impl Follower {
    /// A reader that has yet to start; the first thing to do is to send [`Follower::request`].
    #[must_use]
    pub fn new(policy: Policy, now: u64, seed: u32, outset: Outset) -> Self {
        let Outset { resendable, answered, upload_ms } = outset;
        let patience = u64::from(policy.stall_after_ms);
        Self {
            policy,
            jitter: Jitter::new(seed),
            phase: Phase::Asking { sent: now, since: now, patience },
            request: Request::Start,
            resendable,
            answered,
            upload_ms: u64::from(upload_ms),
            recording: None,
            offset: 0,
            attempt: 0,
            opened: (now, 0),
            scraps: 0,
            trouble: None,
            stall_ms: patience,
            last_activity: now,
            asked: None,
            blind: false,
            strikes: 0,
            shutting_down: None,
        }
    }

    /// A reader that attaches to a recording it knows of, from its first byte, and starts nothing.
    #[must_use]
    pub fn attach(policy: Policy, now: u64, seed: u32, recording: &str) -> Self {
        Self {
            request: Request::Continue(0),
            recording: Some(recording.into()),
            ..Self::new(policy, now, seed, Outset::new(true, true, 0))
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
        if let Some(asked) = self.asked {
            return Some(asked + ANSWER_MS);
        }
        match self.phase {
            Phase::Asking { sent, since, patience } => Some(self.doubtful(sent, since + patience)),
            Phase::Open { pulling: true, .. } => Some(self.last_activity + self.stall_ms),
            Phase::Waiting { until } => Some(until),
            Phase::Open { pulling: false, .. } | Phase::Doubting(_) | Phase::Over => None,
        }
    }

    /// The recorder has answered this page, be it something else: what stands in its place now is not a stranger's.
    pub fn heard(&mut self) {
        self.answered = true;
    }

    /// What to do about an event. `now` never goes back.
    pub fn on(&mut self, event: Event<'_>, now: u64) -> Action {
        // Whatever comes this late: after a night with the lid closed that is as often the end of a request as a tick.
        if let Some(due) = self.deadline() {
            self.forgive(now.saturating_sub(due), now);
        }
        match (self.phase, event) {
            (Phase::Over, _) => Action::Go,
            (_, Event::Told(told)) if self.asked.is_some() => self.on_told(told, now),
            (_, Event::Tick) if let Some(asked) = self.asked => {
                if now >= asked + ANSWER_MS {
                    self.on_told(Told::Silence, now)
                } else {
                    Action::Go
                }
            }
            (Phase::Asking { .. }, Event::Head(head)) => self.on_head(&head, now),
            (Phase::Asking { .. }, Event::Broken) => self.broken(Failure::Network, now),
            (Phase::Asking { sent, since, patience }, Event::Tick)
                if now >= self.doubtful(sent, since + patience) =>
            {
                let as_before = self.blind || self.is_hard();
                let over = self.recording.is_some() || now >= self.doubtful(sent, u64::MAX);
                if as_before && over { self.broken(Failure::Network, now) } else { self.ask(now) }
            }
            (Phase::Asking { sent, .. }, Event::Woken) => match self.request {
                Request::Continue(_) if now >= sent + DOUBT_AFTER_MS => self.send(now),
                _ => Action::Go,
            },
            (Phase::Waiting { until }, Event::Tick) if now >= until => self.send(now),
            (Phase::Waiting { .. }, Event::Woken) => self.send(now),
            (Phase::Open { .. }, event) => self.on_body(event, now),
            (Phase::Asking { .. } | Phase::Waiting { .. } | Phase::Doubting(_), _) => Action::Go,
        }
    }

    /// When a request without a head is doubted: then, or when a start has had all its time where statuses tell nothing
    /// of it, or do not count.
    fn doubtful(&self, sent: u64, then: u64) -> u64 {
        if self.recording.is_some() {
            return then;
        }
        let then = then.saturating_add(self.upload_ms);
        let all = sent + u64::from(self.policy.head_after_ms) + self.upload_ms;
        match (self.blind, self.policy.hard) {
            (true, _) => all,
            (false, true) => then.min(all),
            (false, false) => then,
        }
    }

    /// What to do about what a status says.
    fn on_told(&mut self, told: Told, now: u64) -> Action {
        self.asked = None;
        let told = match told {
            // Less than has come: that is a copy from before, and proves nothing.
            Told::Is(Some(state), stored) if state.is_live() && stored < self.offset => Told::NoWord,
            told => told,
        };
        self.answered |= matches!(told, Told::Is(..) | Told::NoWord);
        let waits = match told {
            Told::Is(Some(state), stored) => state.is_live() && stored == self.offset,
            told => told == Told::Crowded,
        };
        match (self.phase, told) {
            (Phase::Asking { sent, patience, .. }, _) if waits => {
                if !self.is_hard() {
                    self.trouble = None;
                }
                let patience = (patience * 2).min(u64::from(self.policy.stall_max_ms));
                self.phase = Phase::Asking { sent, since: now, patience };
                Action::Go
            }
            (Phase::Open { .. }, _) if waits => {
                self.last_activity = now;
                Action::Go
            }
            (Phase::Doubting(_), _) if waits => {
                self.trouble = None;
                self.again(now)
            }
            (Phase::Asking { .. } | Phase::Open { .. }, Told::Is(..)) => self.strike(now),
            (Phase::Open { .. }, _) => self.again(now),
            (Phase::Asking { .. }, Told::NoWord) if self.recording.is_none() => {
                self.blind = true;
                Action::Go
            }
            (Phase::Asking { since, .. }, _) => {
                let since = *self.trouble.get_or_insert(since);
                if now - since >= self.limit(Failure::Network) {
                    return self.fail(Failure::Network);
                }
                self.broken(Failure::Network, now)
            }
            // It never arrived.
            (Phase::Doubting(_), Told::Is(None, _)) if self.recording.is_none() => {
                self.trouble = None;
                self.strike(now)
            }
            (Phase::Doubting(Failure::Network), Told::Is(..)) => self.fail(Failure::Held),
            (Phase::Doubting(failure), _) => self.fail(failure),
            (Phase::Waiting { .. } | Phase::Over, _) => Action::Go,
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
                    self.strikes = 0;
                    self.asked = None;
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
                // Try another connection first. If that is silent too, the recording may just have nothing new.
                match ended {
                    _ if self.attempt == 0 => self.again(now),
                    // It has: the head said so.
                    Some((_, length)) if *length > self.offset => self.strike(now),
                    _ => self.ask(now),
                }
            }
            Event::Woken if *pulling && now >= self.last_activity + DOUBT_AFTER_MS => self.again(now),
            Event::Head(_) | Event::Woken | Event::Tick | Event::Told(_) => Action::Go,
        }
    }

    fn on_head(&mut self, head: &Head<'_>, now: u64) -> Action {
        let starting = self.request == Request::Start;
        match head.answer {
            // A recorder says its state, so this is not of the upstream.
            Answer::Foreign if head.is_of_a_stranger() && starting && !self.answered => {
                self.fail(Failure::NoRecorder(head.status))
            }
            Answer::Foreign if starting && !head.is_of_a_stranger() && head.status < 500 => self.pass(),
            Answer::Foreign if starting && !self.resendable && head.status >= 500 => self.pass(),
            Answer::Foreign => self.broken(Failure::Intermediary(head.status), now),
            Answer::Redirect => self.broken(Failure::Redirected, now),
            Answer::Other => self.broken(Failure::Misfit(head.status), now),
            Answer::Unrecorded if starting => self.pass(),
            Answer::Own => match head.error.map(ErrorCode::parse) {
                Some(Some(code)) if code.is_retryable() => self.refused(head, code, now),
                Some(Some(ErrorCode::NotFound)) | None if starting => self.pass(),
                // What was delivered is not stored: the recorder died before it had written it.
                Some(Some(ErrorCode::OffsetOutOfRange)) if !starting => self.believe(State::Interrupted),
                Some(_) => self.fail(Failure::Refused(head.status)),
                None => self.broken(Failure::Misfit(head.status), now),
            },
            Answer::Unrecorded => self.broken(Failure::Misfit(head.status), now),
            Answer::Recorded(state) => self.on_recorded(head, state, now),
        }
    }

    fn on_recorded(&mut self, head: &Head<'_>, state: State, now: u64) -> Action {
        let known = |recording: &&str| self.recording.as_deref().is_none_or(|ours| ours == *recording);
        let ended = match head.length {
            Some(length) if !state.is_live() && length >= self.offset => Some(Some((state, length))),
            None if state.is_live() => Some(None),
            _ => None,
        };
        // Not what was asked for: something in between keeps answers, or mixes them up.
        let (Some(recording), Some(ended), true) =
            (head.recording.filter(known), ended, head.offset == Some(self.offset))
        else {
            return self.broken(Failure::Misfit(head.status), now);
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
        self.enter(Phase::Open { ended, pulling: false });
        Action::Accept
    }

    /// A terminal state at the end of everything.
    fn believe(&mut self, state: State) -> Action {
        self.enter(Phase::Over);
        if state.ends_clean() { Action::Finish(state) } else { Action::Fail(Failure::Ended(state)) }
    }

    fn pass(&mut self) -> Action {
        self.enter(Phase::Over);
        Action::PassThrough
    }

    fn fail(&mut self, failure: Failure) -> Action {
        self.enter(Phase::Over);
        let unreachable = !self.answered && failure == Failure::Network;
        Action::Fail(if unreachable { Failure::Unreachable } else { failure })
    }

    /// Whatever was asked is about what was before.
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.asked = None;
    }

    fn ask(&mut self, now: u64) -> Action {
        self.asked = Some(now);
        Action::Ask
    }

    /// Whether the app's own limit holds whatever the status says. Not of a rest: Firefox tells of no head before there is a byte,
    /// so what is silent there looks as if it had no answer.
    fn is_hard(&self) -> bool {
        self.policy.hard && self.recording.is_none()
    }

    /// For how long attempts may fail in a row.
    fn limit(&self, failure: Failure) -> u64 {
        // The upstream can be asked without it.
        let passed = self.policy.direct
            && self.recording.is_none()
            && matches!(failure, Failure::Intermediary(502..=504));
        let policy = &self.policy;
        u64::from(if self.answered && !passed { policy.give_up_after_ms } else { policy.first_answer_ms })
    }

    fn is_repeatable(&self) -> bool {
        self.resendable || self.recording.is_some()
    }

    /// An attempt failed: another, unless attempts have failed for too long or the start cannot be repeated.
    fn broken(&mut self, failure: Failure, now: u64) -> Action {
        let since = *self.trouble.get_or_insert(now);
        let limit = self.limit(failure);
        if !self.is_repeatable() {
            return self.fail(failure);
        }
        if now - since >= limit {
            // A recorder that says no by itself has been heard, and one that was never there has nothing to say.
            if !self.answered || self.policy.hard || matches!(failure, Failure::Refused(_)) {
                return self.fail(failure);
            }
            self.enter(Phase::Doubting(failure));
            return self.ask(now);
        }
        let action = self.again(now);
        if let Phase::Waiting { until } = &mut self.phase {
            // The last attempt is made when time is up, not never.
            *until = (*until).min(since + limit);
        }
        action
    }

    /// The recorder says no for now, and for how long. One that is shutting down is waited for, however long it takes, and
    /// so is the one that comes after it.
    fn refused(&mut self, head: &Head<'_>, code: ErrorCode, now: u64) -> Action {
        self.answered = true;
        if code == ErrorCode::ShuttingDown {
            self.shutting_down = Some(now);
            if !self.policy.hard {
                self.trouble = None;
            }
        }
        if head.retry_after.is_some() {
            self.attempt = self.attempt.max(1);
        }
        let action = self.broken(Failure::Refused(head.status), now);
        let limit = self.limit(Failure::Refused(head.status));
        // It counts whole seconds: too long for a successor that is there in a moment.
        let asked = head.retry_after.filter(|_| code != ErrorCode::ShuttingDown);
        if let (Phase::Waiting { until }, Some(seconds)) = (&mut self.phase, asked) {
            let last = self.trouble.unwrap_or(now) + limit;
            *until = (*until).max(now.saturating_add(seconds.saturating_mul(1000))).min(last);
        }
        action
    }

    /// The recorder has more, or has never heard of the request: once more, at once.
    fn strike(&mut self, now: u64) -> Action {
        self.strikes += 1;
        if self.strikes >= STRIKES || !self.is_repeatable() {
            return self.fail(Failure::Held);
        }
        self.stall_ms = u64::from(self.policy.stall_after_ms);
        self.attempt = self.attempt.saturating_add(1);
        self.request = self.next_request();
        self.send(now)
    }

    fn next_request(&self) -> Request {
        if self.recording.is_some() { Request::Continue(self.offset) } else { Request::Start }
    }

    /// Sends another request: at once the first time, then after a growing delay. If one body after the other is cut
    /// after a few bytes, the first one is delayed too.
    fn again(&mut self, now: u64) -> Action {
        self.request = self.next_request();
        if self.attempt == 0 {
            let (since, from) = self.opened;
            let progresses = self.offset - from >= PROGRESS_BYTES || now >= since + PROGRESS_MS;
            self.scraps = if progresses { 0 } else { self.scraps.saturating_add(1) };
        }
        let mut attempt = self.attempt.max(u32::from(self.scraps > SCRAPS));
        if self.shutting_down.is_some_and(|said| now < said + RESTART_MS) {
            attempt = attempt.min(1);
        }
        let delay = self.policy.delay(attempt, self.jitter.next_u32());
        self.attempt = self.attempt.saturating_add(1);
        if delay == 0 {
            return self.send(now);
        }
        self.enter(Phase::Waiting { until: now + delay });
        Action::Wait
    }

    fn send(&mut self, now: u64) -> Action {
        let patience = u64::from(self.policy.stall_after_ms);
        self.enter(Phase::Asking { sent: now, since: now, patience });
        Action::Send(self.request)
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

#[cfg(test)]
#[path = "refused_tests.rs"]
mod refused_tests;

//! What a driver and its [`Follower`](super::follow::Follower) say to each other.

use crate::words::{State, name};

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
    /// An answer to another request, by the id that it repeats.
    Other,
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
    /// `retry-after`, in seconds.
    pub retry_after: Option<u64>,
}

impl Head<'_> {
    /// Whether this is what a server that knows nothing of recorders says where one should be.
    #[must_use]
    pub fn is_of_a_stranger(&self) -> bool {
        self.answer == Answer::Foreign && matches!(self.status, 200..=299 | 404 | 405)
    }
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
    /// What a status said; the answer to [`Action::Ask`].
    Told(Told),
    /// The deadline has passed.
    Tick,
}

/// What the recorder says of the recording that is followed or, before that is known, of the request that starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is in this state, with so many bytes. No state: it never arrived, or has gone.
    Is(Option<State>, u64),
    /// It was answered, and not with that: the recorder is of an earlier version or wants another token, or the answer is
    /// about something else.
    NoWord,
    /// Nobody answered.
    Silence,
    /// Nobody answered, while so many bodies were open that no connection may have been left.
    Crowded,
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
    /// Ask for the status of the recording or, where that is not known yet, of the request, and report what it says.
    /// What is open stays open. A question from before is to be forgotten.
    Ask,
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
    /// Some intermediary passes status calls and holds everything else back.
    Held,
    /// What answers, with this status, is not a recorder, and none has ever answered here.
    NoRecorder(u16),
    /// Some intermediary kept answering with what was asked for before or by others, last with this status.
    Misfit(u16),
    /// Some intermediary kept sending requests elsewhere.
    Redirected,
    /// The recorder said no, with this status; its code is in the head.
    Refused(u16),
    /// Everything there is was delivered, and the recording ended in this state.
    Ended(State),
}

/// What is known before the first request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outset {
    /// The app's request body can be sent again.
    pub resendable: bool,
    /// The host has answered before, to anybody. One that has not is given up much sooner.
    pub answered: bool,
    /// How long the app's request body may be on its way, besides the time for a head.
    pub upload_ms: u32,
}

impl Outset {
    /// For a request body of so many bytes. Over a line that carries less than 16 KiB a second, what is not there yet is
    /// taken for lost.
    #[must_use]
    pub const fn new(resendable: bool, answered: bool, body: u32) -> Self {
        let upload_ms = if body / 16 < UPLOAD_MAX_MS { body / 16 } else { UPLOAD_MAX_MS };
        Self { resendable, answered, upload_ms }
    }
}

/// As long as a recorder waits for a body.
const UPLOAD_MAX_MS: u32 = 600_000;

//! One request: which process answers it.

use super::{Holder, Owner};

/// How often a request looks for the process that has its key before it is told to come again.
const ROUNDS: u32 = 3;
/// Before the second look, in milliseconds; four times as long before each further one. What is changing hands has
/// arrived by then.
const PAUSE_MS: u64 = 10;

/// A request, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// It starts nothing: it claims the key only where to answer takes it.
    pub only_reads: bool,
    /// It may be made once more where nobody knows whether it was made: it only reads, or it has a request id.
    pub is_repeatable: bool,
    /// Another process has passed it on. It goes no further.
    pub is_forwarded: bool,
}

/// What a process knows of a key without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It has the key.
    Here,
    /// This one had it last.
    Elsewhere(Owner),
    /// Nothing.
    Nothing,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Answer it: the key is here.
    Serve,
    /// Answer it with what is stored, as it stands: nobody has the key. [`Heard::TakesKey`] where it cannot be.
    Read,
    /// Read who has the key, after so long; [`Heard::Place`].
    Look {
        /// In milliseconds.
        after_ms: u64,
    },
    /// Take the key if nobody has it; [`Heard::Claimed`].
    Claim,
    /// Pass it on to this process, marked; [`Heard::NotThere`] and [`Heard::Lost`], or the answer is passed back.
    Forward(Owner),
    /// Find out whether this process lives; [`Heard::Lives`].
    Probe(Owner),
    /// Take over what this dead process had; [`Heard::Claimed`].
    TakeOver(Owner),
    /// Tell the process that has passed it on that the key is not here.
    NotHere,
    /// Tell the client to come again. Nothing was started.
    Later,
    /// Break the client's connection off: whether the request was made is not known, and it cannot be made again.
    Break,
}

/// What has come of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Who has the key.
    Place(Option<Holder>),
    /// Nobody has the key, and to answer takes it: a dead process has left something of it live, or the answer is to be noted.
    TakesKey,
    /// Whether the key is this process's from now on, with what a dead one has left brought in order.
    Claimed(bool),
    /// The process that it was passed on to does not have the key.
    NotThere,
    /// No answer came, or the process could not be reached. `may_be_made`: it may have read the request.
    Lost {
        /// Whether the request may have been made.
        may_be_made: bool,
    },
    /// Whether the process lives.
    Lives(bool),
}

/// Finds the process that answers a request.
#[derive(Debug, Clone)]
pub struct Asking {
    me: Owner,
    request: Request,
    /// Whether this process takes what nobody has.
    claims: bool,
    rounds: u32,
    /// Whom it was passed on to, or who is in question.
    other: Option<Owner>,
}

impl Asking {
    /// A request that has come to the process `me`. `claims`: whether that takes what nobody has; one that drains does not.
    #[must_use]
    pub const fn new(me: Owner, request: Request, claims: bool) -> Self {
        Self { me, request, claims, rounds: 0, other: None }
    }

    /// The first step.
    #[must_use]
    pub fn begin(&mut self, known: Known) -> Step {
        match known {
            Known::Here => Step::Serve,
            Known::Elsewhere(owner) => self.pass(owner),
            Known::Nothing => Step::Look { after_ms: 0 },
        }
    }

    /// The next step.
    #[must_use]
    pub fn on(&mut self, heard: Heard) -> Step {
        match heard {
            Heard::Place(Some(holder)) if holder.owner == self.me => Step::Serve,
            Heard::Place(Some(holder)) => self.pass(holder.owner),
            Heard::Place(None) if self.request.is_forwarded => Step::NotHere,
            Heard::Place(None) if self.request.only_reads => Step::Read,
            Heard::Place(None) | Heard::TakesKey if self.claims => Step::Claim,
            Heard::Claimed(true) => Step::Serve,
            Heard::Lost { may_be_made } => match self.other {
                _ if may_be_made && !self.request.is_repeatable => Step::Break,
                Some(owner) => Step::Probe(owner),
                None => self.again(),
            },
            Heard::Lives(false) => match self.other {
                Some(owner) if self.claims => Step::TakeOver(owner),
                _ => self.again(),
            },
            Heard::Place(None)
            | Heard::TakesKey
            | Heard::Claimed(false)
            | Heard::NotThere
            | Heard::Lives(true) => self.again(),
        }
    }

    fn pass(&mut self, owner: Owner) -> Step {
        if self.request.is_forwarded {
            return Step::NotHere;
        }
        self.other = Some(owner);
        Step::Forward(owner)
    }

    fn again(&mut self) -> Step {
        if self.request.is_forwarded {
            return Step::NotHere;
        }
        self.rounds += 1;
        if self.rounds > ROUNDS {
            return Step::Later;
        }
        Step::Look { after_ms: PAUSE_MS << (2 * (self.rounds - 1)) }
    }
}

//! One process: whether it takes what nobody has, and how it leaves.

use super::Owner;

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes connections, and what nobody has.
    Serving,
    /// A successor does. It has what still lives in it, claims nothing, and passes the rest on.
    Drains,
    /// It was told to end, and nobody takes its place.
    Ends,
}

/// How long a process drains, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Where it was told to end.
    pub alone_ms: u64,
    /// Where a successor has taken its place: nobody waits for the end.
    pub succeeded_ms: u64,
}

/// What a process sees of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Keys that live in it.
    pub keys: usize,
    /// Recordings in flight.
    pub live: usize,
    /// The service manager has been told who its main process is from now on, or there is none to be told.
    pub is_announced: bool,
    /// Other processes that drain.
    pub others: usize,
}

/// What it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing but what it does anyway, until something changes or this time has come, milliseconds since 1970.
    Wait {
        /// `None`: until something changes.
        until_ms: Option<u64>,
    },
    /// End what is in flight: it has had its time.
    Interrupt,
    /// Nothing lives in it any more: let go of connections, and leave.
    Leave,
}

/// A process, from the moment it serves.
#[derive(Debug, Clone)]
pub struct Process {
    me: Owner,
    drain: Drain,
    standing: Standing,
    /// When it is to have ended.
    until_ms: Option<u64>,
}

impl Process {
    /// One that serves.
    #[must_use]
    pub const fn new(me: Owner, drain: Drain) -> Self {
        Self { me, drain, standing: Standing::Serving, until_ms: None }
    }

    /// Which one.
    #[must_use]
    pub const fn me(&self) -> Owner {
        self.me
    }

    /// Where it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether it takes what nobody has.
    #[must_use]
    pub fn claims(&self) -> bool {
        self.standing == Standing::Serving
    }

    /// A successor asks for its place. One that serves gives it away once, in one transaction that lists what still lives
    /// in it; [`Process::succeeded`] follows where that is committed.
    #[must_use]
    pub fn may_be_succeeded(&self, by: Owner) -> bool {
        self.claims() && by != self.me
    }

    /// The store says that another one serves.
    pub fn succeeded(&mut self, now_ms: u64) {
        if self.standing == Standing::Serving {
            self.standing = Standing::Drains;
            self.until_ms = Some(now_ms.saturating_add(self.drain.succeeded_ms));
        }
    }

    /// The one that serves is dead. True where this one takes its place: where the store says that it has taken it,
    /// [`Process::serves_again`] follows.
    #[must_use]
    pub fn takes_the_place_of(&self, dead: Owner) -> bool {
        self.standing == Standing::Drains && dead != self.me
    }

    /// The store says that this one serves.
    pub fn serves_again(&mut self) {
        if self.standing == Standing::Drains {
            self.standing = Standing::Serving;
            self.until_ms = None;
        }
    }

    /// It is told to end, or the one that serves has been and nobody is in its place.
    pub fn told_to_end(&mut self, now_ms: u64) {
        if self.standing != Standing::Ends {
            let by_then = now_ms.saturating_add(self.drain.alone_ms);
            self.until_ms = Some(self.until_ms.map_or(by_then, |until| until.min(by_then)));
        }
        self.standing = Standing::Ends;
    }

    /// What it does next.
    #[must_use]
    pub fn next(&self, seen: Seen, now_ms: u64) -> Next {
        let is_over = self.until_ms.is_some_and(|until| until <= now_ms);
        match self.standing {
            Standing::Serving => Next::Wait { until_ms: None },
            _ if is_over && seen.live > 0 => Next::Interrupt,
            // Who leaves before that is known takes the service down with it.
            Standing::Drains if seen.keys == 0 && seen.is_announced => Next::Leave,
            Standing::Drains if is_over && seen.is_announced => Next::Leave,
            // A service manager takes the end of its main process for the end of all.
            Standing::Ends if seen.live == 0 && (seen.others == 0 || is_over) => Next::Leave,
            _ => Next::Wait { until_ms: self.until_ms.filter(|_| !is_over) },
        }
    }
}

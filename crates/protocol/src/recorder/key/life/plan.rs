//! What can happen to a key, and what is done about it.

use super::Standing;
use crate::ledger::Entry;
use crate::recorder::access::allowance::Allowance;
use crate::recorder::key::admission::{Decision, Named};
use crate::recording::{End, Start};
use crate::{Ask, ErrorCode, Fingerprint, RecordingId, RequestId, State};

/// What can happen to a key.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A fetch or a continuation has come; a recording that it starts gets the id `new`.
    Ask {
        /// What is asked for.
        ask: &'a Ask,
        /// A fresh id.
        new: RecordingId,
    },
    /// The upstream's head is here.
    Answered {
        /// Whose.
        id: RecordingId,
        /// Whether the answer is recorded; it is passed through otherwise.
        recorded: bool,
        /// See [`Head::volatile`](crate::response_head::Head::volatile).
        volatile: bool,
    },
    /// The upstream is let go of, and every byte that counts is written.
    Ended {
        /// Whose.
        id: RecordingId,
        /// How it ends: what was decided first.
        end: End,
        /// What of it is in storage.
        keep: Keep,
    },
    /// Storage took neither the end nor an end that says so.
    Unwritable {
        /// Whose.
        id: RecordingId,
        /// Why.
        code: ErrorCode,
    },
    /// A start was given up before the upstream could have heard of it: its ids may start again.
    GivenUp {
        /// Which.
        id: RecordingId,
        /// Why.
        code: ErrorCode,
    },
    /// A `stop` has come.
    Stop {
        /// What it names.
        named: Named,
        /// The request id that it names, if any.
        request: Option<&'a RequestId>,
    },
    /// A `delete` has come.
    Delete {
        /// What it names.
        named: Named,
        /// The request id that it names, if any.
        request: Option<&'a RequestId>,
    },
    /// The last reader of a recording has left it.
    Left {
        /// Which.
        id: RecordingId,
    },
    /// These recordings were used at these times, and storage does not know.
    Used {
        /// Which, and when, milliseconds since 1970.
        used: &'a [(RecordingId, u64)],
    },
    /// Time has passed: see [`KeyLife::due_ms`](super::KeyLife::due_ms).
    Due {
        /// How long recordings are kept.
        keep: KeepFor,
    },
    /// Room is needed, and this recording was unused for longest.
    Evict {
        /// Which.
        id: RecordingId,
        /// Whether it goes even if somebody reads it. Its readers go on to its end.
        even_if_read: bool,
    },
    /// Another process owns the key from now on.
    Fenced,
}

/// How long a recording is kept. A live one is kept, however long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepFor {
    /// After its last use, in milliseconds.
    pub unused_ms: u64,
    /// After its end, in milliseconds, whatever uses it.
    pub age_ms: u64,
}

/// What is in storage of a recording that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All that was published.
    All,
    /// Nothing: there was no room for it.
    Nothing,
}

/// What is known of a recording when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// Its id.
    pub id: RecordingId,
    /// Of the request that starts it.
    pub fingerprint: Fingerprint,
    /// Whether a `restart` starts it.
    pub restarted: bool,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// What its scope may have.
    pub allowance: Allowance,
}

/// One row that is written. The changes of a plan are one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A recording begins, connecting.
    Insert(Begin),
    /// Its head is here, and it streams; the driver writes the head with it.
    Head {
        /// Whose.
        id: RecordingId,
        /// See [`Head::volatile`](crate::response_head::Head::volatile).
        volatile: bool,
    },
    /// Its answer is passed through: nothing of it outlives the process but its request ids.
    Unrecord {
        /// Whose.
        id: RecordingId,
    },
    /// It has ended.
    End {
        /// Which.
        id: RecordingId,
        /// How.
        state: State,
        /// Why it failed.
        cause: Option<ErrorCode>,
        /// Bytes stored.
        len: u64,
        /// Chunks published.
        chunks: u64,
        /// When, milliseconds since 1970. It counts as a use.
        at_ms: u64,
    },
    /// A later one has started since it ended: it answers continuations only.
    Retire {
        /// Which.
        id: RecordingId,
        /// Since when, milliseconds since 1970.
        at_ms: u64,
    },
    /// It was used.
    Use {
        /// Which.
        id: RecordingId,
        /// When, milliseconds since 1970.
        at_ms: u64,
    },
    /// It is gone, and its bytes with it.
    Remove {
        /// Which.
        id: RecordingId,
    },
    /// What became of a request id.
    Request {
        /// The id and what became of it.
        entry: Entry,
        /// The recording whose head and bytes are kept as the answer to it; it is removed in the same transaction.
        answer: Option<RecordingId>,
    },
    /// A request id is forgotten.
    Forget {
        /// Which.
        id: RequestId,
    },
}

/// What a driver does once the changes are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Ask the upstream and publish what comes.
    Pump(RecordingId),
    /// Decide this end, if none is decided, and let go of the upstream; readers see it once it is committed.
    Close(RecordingId, End),
    /// Break the readers now, whatever end is decided, and let go of the upstream.
    Break(RecordingId, End),
    /// Show this end to readers, and to requests that wait for the head.
    Seal(RecordingId, End),
    /// Show the head to the requests that wait for it.
    Tell(RecordingId, Start),
    /// Let go of the bytes: nobody reads them.
    Discard(RecordingId),
}

/// What the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// What becomes of a fetch or continuation that starts nothing.
    Decided(Decision),
    /// It starts this recording, and waits for its head.
    Started(RecordingId),
    /// `stop`: what is live is being closed. Each one whose end is decided by it is stopped.
    Stopping,
    /// `stop`: the id is remembered, and will be stopped when it arrives.
    Remembered,
    /// `stop`: no such thing is live.
    NothingToStop,
    /// `delete`: it is gone, or was not there.
    Deleted,
}

/// What becomes true of the machine.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Start(Begin),
    Stand(RecordingId, Standing),
    Volatile(RecordingId),
    Left(RecordingId),
    Drop(RecordingId),
    Set(Entry),
    Forget(RequestId),
    Empty,
}

/// What is to be done about an event. Dropping it leaves all as it was.
#[derive(Debug, Clone)]
#[must_use = "nothing has happened until it is committed and applied"]
pub struct Plan {
    /// What is to be committed, as one transaction, before the plan is applied. Empty: it is applied at once.
    pub changes: Vec<Change>,
    /// What the caller is told, once the plan is applied.
    pub reply: Reply,
    pub(super) steps: Vec<Step>,
    pub(super) effects: Vec<Effect>,
}

impl Effect {
    /// The recording that it is about.
    #[must_use]
    pub const fn recording(self) -> RecordingId {
        match self {
            Self::Pump(id)
            | Self::Close(id, _)
            | Self::Break(id, _)
            | Self::Seal(id, _)
            | Self::Tell(id, _)
            | Self::Discard(id) => id,
        }
    }
}

impl Plan {
    /// Whether there will be something to do once it is applied.
    #[must_use]
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// How many live recordings it breaks off: they are in flight for a moment longer, and no more after it.
    #[must_use]
    pub fn breaks(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::Break(..))).count()
    }

    pub(super) const fn new(reply: Reply) -> Self {
        Self { changes: Vec::new(), reply, steps: Vec::new(), effects: Vec::new() }
    }

    pub(super) fn start(&mut self, begin: Begin) {
        self.changes.push(Change::Insert(begin));
        self.steps.push(Step::Start(begin));
        self.effects.push(Effect::Pump(begin.id));
    }

    pub(super) fn stand(&mut self, id: RecordingId, standing: Standing) {
        self.steps.push(Step::Stand(id, standing));
    }

    /// The recording is gone. Its bytes are let go of by the end of its pump, or by [`Plan::discard`].
    pub(super) fn remove(&mut self, id: RecordingId) {
        self.changes.push(Change::Remove { id });
        self.steps.push(Step::Drop(id));
    }

    /// The recording is gone, and its bytes are once nobody reads them.
    pub(super) fn discard(&mut self, id: RecordingId) {
        self.remove(id);
        self.effects.push(Effect::Discard(id));
    }

    pub(super) fn set(&mut self, entry: Entry, answer: Option<RecordingId>) {
        self.steps.push(Step::Set(entry.clone()));
        self.changes.push(Change::Request { entry, answer });
    }

    pub(super) fn forget(&mut self, id: RequestId) {
        self.steps.push(Step::Forget(id.clone()));
        self.changes.push(Change::Forget { id });
    }
}

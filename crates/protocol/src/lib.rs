//! The durablefetch protocol, sans IO: no clock, no sockets, no storage, no JavaScript.
//!
//! Time and bytes come in as arguments, decisions go out as values. Both recorders and the client are thin
//! drivers over this crate. `PROTOCOL.md` says the same in words and is normative.
//!
//! # In scope
//! - [addresses](address) ↔ upstream URL ↔ [key](Key), [request headers](request_headers), [those that go on](upstream_headers),
//!   [what crosses on the way down](inert), [CORS](cors), [who may ask](access), [whose recordings](scope) they get,
//!   [tokens](token), [heads of responses](response_head), [control JSON](control_json), [error codes](error)
//! - the [life] of a key: every decision about it; [admission]: what becomes of a request, given what is stored;
//!   [request ids](ledger); in which process a key lives: its [placement]
//! - the [recording] state machine and the [ring] of its newest bytes
//! - the client's state machine, which [follows](follow) a recording: when to reconnect, wait, give up, believe an end
//!
//! # Out of scope
//! Sockets, HTTP parsing, storage, timers, name resolution.
//!
//! # The life of a recording
//! ```text
//!                 head               the upstream's end
//!   connecting ─────────▶ streaming ────────────────────▶ complete
//!       │                     │
//!       │                     ├── stop ─────────────────▶ stopped       readers end clean
//!       │                     │
//!       ├─────────────────────┼── upstream broke, limit ▶ failed        readers are broken
//!       ├─────────────────────┼── the recorder died ────▶ interrupted   readers are broken
//!       ├─────────────────────┼── a later start ────────▶ superseded    readers are broken
//!       └─────────────────────┴── delete ───────────────▶ deleted       readers are broken
//! ```
//! What ends before its head leaves nothing but its request id.
//!
//! # The protocol in one walk
//! ```
//! # #[cfg(feature = "recorder")] {
//! use std::cell::Cell;
//! use std::rc::Rc;
//!
//! use durablefetch_protocol::access::allowance::Allowance;
//! use durablefetch_protocol::admission::{Decision, Ending};
//! use durablefetch_protocol::follow::{Action, Answer, Event, Follower, Head, Outset, Request};
//! use durablefetch_protocol::life::{self, Begin, Change, Effect, Handle, KeyLife, Reply, Seen};
//! use durablefetch_protocol::recording::{End, Next, Progress, Start};
//! use durablefetch_protocol::retry::Policy;
//! use durablefetch_protocol::{Ask, Fetch, Fingerprint, Mode, RecordingId, State};
//!
//! // A driver's handle of one recording. A real one has its bytes, its readers and its upstream beside it.
//! #[derive(Clone)]
//! struct Recording(Rc<Cell<Seen>>);
//! impl Handle for Recording {
//!     fn seen(&self) -> Seen {
//!         self.0.get()
//!     }
//! }
//! let fingerprint = Fingerprint::of(&[0; 32], "POST", b"{\"prompt\":\"hi\"}");
//! let connecting = |begin: Begin| {
//!     let (progress, start) = (Progress::connecting(begin.id), Start::Pending);
//!     Recording(Rc::new(Cell::new(Seen { progress, fingerprint, start, readers: 0, used_ms: 0 })))
//! };
//! let mut key = KeyLife::default();
//!
//! // Record. Nothing is stored, so a fetch starts: plan, commit, apply.
//! let id = RecordingId::from_parts(1_790_000_000_000, 7);
//! let fetch = Ask::Fetch(Fetch::new(Mode::Join, fingerprint));
//! let plan = key.plan(life::Event::Ask { ask: &fetch, new: id }, 1);
//! assert_eq!(plan.reply, Reply::Started(id));
//! let begin = Begin { id, fingerprint, restarted: false, at_ms: 1, allowance: Allowance::default() };
//! assert_eq!(plan.changes, [Change::Insert(begin)]); // committed before it is applied
//! assert_eq!(key.apply(plan, connecting), [Effect::Pump(id)]);
//! let recording = key.find(id).unwrap().clone();
//! let publish = |change: &dyn Fn(&mut Seen)| {
//!     let mut seen = recording.seen();
//!     change(&mut seen);
//!     recording.0.set(seen);
//! };
//!
//! // The upstream answers.
//! let plan = key.plan(life::Event::Answered { id, recorded: true, volatile: false }, 2);
//! assert_eq!(key.apply(plan, connecting), [Effect::Tell(id, Start::Recorded)]);
//! publish(&|seen| {
//!     seen.start = Start::Recorded;
//!     seen.progress.head();
//!     seen.progress.chunk(5); // "Hello"
//! });
//!
//! // Replay and follow. A second fetch joins it: from byte 0, then live.
//! let serve = key.plan(life::Event::Ask { ask: &fetch, new: RecordingId::from_parts(1, 8) }, 3).reply;
//! let from_0 = Decision::Serve { recording: id, from: 0, ending: Ending::AsRecorded };
//! assert_eq!(serve, Reply::Decided(from_0));
//! assert_eq!(recording.seen().progress.next(0), Next::Read(5));
//! assert_eq!(recording.seen().progress.next(5), Next::Wait);
//!
//! // The client follows.
//! let name = id.to_string();
//! let head = |state, offset, length| {
//!     Event::Head(Head {
//!         status: 200,
//!         answer: Answer::Recorded(state),
//!         recording: Some(&name),
//!         offset: Some(offset),
//!         length,
//!         error: None,
//!         retry_after: None,
//!     })
//! };
//! let mut follower = Follower::new(Policy::default(), 0, 1, Outset::new(true, true, 0));
//! assert_eq!(follower.request(), Request::Start);
//! assert_eq!(follower.on(head(State::Streaming, 0, None), 20), Action::Accept);
//! follower.on(Event::Pull, 20);
//! follower.on(Event::Chunk(5), 21);
//!
//! // Cut. The upstream goes on meanwhile, to its end, which shows once it is committed.
//! publish(&|seen| {
//!     seen.progress.chunk(7); // ", world"
//!     seen.progress.decide(End::Complete);
//! });
//! let plan = key.plan(life::Event::Ended { id, end: End::Complete, keep: life::Keep::All }, 4);
//! assert!(matches!(plan.changes[..], [Change::End { state: State::Complete, len: 12, .. }]));
//! assert_eq!(key.apply(plan, connecting), [Effect::Seal(id, End::Complete)]);
//! publish(&|seen| {
//!     seen.progress.seal();
//! });
//! assert_eq!(follower.on(Event::Broken, 900), Action::Send(Request::Continue(5)));
//!
//! // Continue: the rest of exactly this recording, from the byte held.
//! let rest = Ask::Continue { recording: id, offset: 5 };
//! let rest = key.plan(life::Event::Ask { ask: &rest, new: RecordingId::from_parts(1, 9) }, 5).reply;
//! let from_5 = Decision::Serve { recording: id, from: 5, ending: Ending::Clean };
//! assert_eq!(rest, Reply::Decided(from_5));
//! assert_eq!(follower.on(head(State::Complete, 5, Some(12)), 910), Action::Accept);
//! follower.on(Event::Chunk(7), 911);
//!
//! // End. All twelve bytes are here and the recording is complete.
//! assert_eq!(follower.on(Event::End, 912), Action::Finish(State::Complete));
//! # }
//! ```

#![forbid(unsafe_code)]

mod client;
#[cfg(feature = "recorder")]
mod recorder;
mod words;

pub use client::{follow, retry};
pub use words::{ErrorCode, Mode, State, error, limits, mode, name, state};

/// The JSON of the control calls and of errors.
#[cfg(feature = "serde")]
pub mod control_json {
    #[cfg(feature = "recorder")]
    pub use crate::recorder::request::control_json::CONTROL_BODY_MAX;
    pub use crate::words::control_json::{
        ControlRequest, Done, ErrorBody, ErrorDetail, LiveRecording, Status,
    };
}

#[cfg(feature = "recorder")]
pub use {
    recorder::access::{self, allow, client_address, cors, destination, hush, jwt, map, scope, token},
    recorder::address::{self, Key, demo, via},
    recorder::key::ledger::{Ledger, Outcome},
    recorder::key::{admission, ledger, life},
    recorder::placement,
    recorder::recording::{self, ring},
    recorder::request::dropped::DropHeader,
    recorder::request::headers::{Ask, Fetch},
    recorder::request::{fingerprint, headers as request_headers, redirect, route, upstream_headers},
    recorder::response::{coding, head as response_head, inert, kept},
    words::{Fingerprint, ProtocolError, RecordingId, RequestId, units},
};

//! The durablefetch protocol, sans IO: no clock, no sockets, no storage, no JavaScript.
//!
//! Time and bytes come in as arguments, decisions go out as values. Both recorders and the client are thin
//! drivers over this crate. `PROTOCOL.md` says the same in words and is normative.
//!
//! # In scope
//! - addresses ↔ upstream URL ↔ [key], [request headers](ask), [header policy](headers), [CORS](cors),
//!   [who may ask](access), [whose recordings](scope) they get, [tokens](token), [answers](answer),
//!   [control JSON](mod@control), [error codes](error)
//! - [admission]: what becomes of a request, given what is stored; [request ids](ledger)
//! - the [recording] state machine and the [ring] of its newest bytes
//! - the client's [reader] state machine: when to reconnect, wait, give up, believe an end
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
//! use durablefetch_protocol::admission::{Decision, Ending, Stored, View, decide};
//! use durablefetch_protocol::reader::{Action, Answer, Event, Head, Outset, Reader, Request};
//! use durablefetch_protocol::recording::{End, Next, Recording};
//! use durablefetch_protocol::retry::Policy;
//! use durablefetch_protocol::{Ask, Fingerprint, Mode, RecordingId, State};
//!
//! // Record. Nothing is stored, so a fetch starts.
//! let id = RecordingId::from_parts(1_790_000_000_000, 7);
//! let fingerprint = Fingerprint::of(&[0; 32], "POST", b"{\"prompt\":\"hi\"}");
//! let fetch = Ask::Fetch { mode: Mode::Join, request: None, fingerprint };
//! assert_eq!(decide(&View::default(), &fetch), Decision::Start);
//! let mut recording = Recording::connecting(id);
//! recording.head();
//! recording.chunk(5); // "Hello"
//!
//! // Replay and follow. A second fetch joins it: from byte 0, then live.
//! let view = |recording: &Recording| View {
//!     current: Some(Stored { id, state: recording.state(), len: recording.len(), fingerprint }),
//!     ..View::default()
//! };
//! let serve = decide(&view(&recording), &fetch);
//! assert_eq!(serve, Decision::Serve { recording: id, from: 0, ending: Ending::AsRecorded });
//! assert_eq!(recording.next(0), Next::Read(5));
//! assert_eq!(recording.next(5), Next::Wait);
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
//!     })
//! };
//! let mut reader = Reader::new(Policy::default(), 0, 1, Outset { resendable: true, answered: true });
//! assert_eq!(reader.request(), Request::Start);
//! assert_eq!(reader.on(head(State::Streaming, 0, None), 20), Action::Accept);
//! reader.on(Event::Pull, 20);
//! reader.on(Event::Chunk(5), 21);
//!
//! // Cut. The upstream goes on meanwhile, to its end.
//! recording.chunk(7); // ", world"
//! recording.end(End::Complete);
//! assert_eq!(reader.on(Event::Broken, 900), Action::Send(Request::Continue(5)));
//!
//! // Continue: the rest of exactly this recording, from the byte held.
//! let rest = decide(&view(&recording), &Ask::Continue { recording: id, offset: 5 });
//! assert_eq!(rest, Decision::Serve { recording: id, from: 5, ending: Ending::Clean });
//! assert_eq!(reader.on(head(State::Complete, 5, Some(12)), 910), Action::Accept);
//! reader.on(Event::Chunk(7), 911);
//!
//! // End. All twelve bytes are here and the recording is complete.
//! assert_eq!(reader.on(Event::End, 912), Action::Finish(State::Complete));
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod error;
pub mod limits;
pub mod mode;
pub mod name;
pub mod reader;
pub mod retry;
pub mod state;

#[cfg(feature = "serde")]
pub mod control;

#[cfg(feature = "recorder")]
pub mod access;
#[cfg(feature = "recorder")]
pub mod address;
#[cfg(feature = "recorder")]
pub mod admission;
#[cfg(feature = "recorder")]
pub mod allow;
#[cfg(feature = "recorder")]
pub mod answer;
#[cfg(feature = "recorder")]
pub mod ask;
#[cfg(feature = "recorder")]
pub mod cors;
#[cfg(feature = "recorder")]
pub mod demo;
#[cfg(feature = "recorder")]
pub mod destination;
#[cfg(feature = "recorder")]
pub mod guard;
#[cfg(feature = "recorder")]
pub mod headers;
#[cfg(feature = "recorder")]
pub mod key;
#[cfg(feature = "recorder")]
pub mod ledger;
#[cfg(feature = "recorder")]
pub mod map;
#[cfg(feature = "recorder")]
pub mod public_guard;
#[cfg(feature = "recorder")]
pub mod recording;
#[cfg(feature = "recorder")]
pub mod redirect;
#[cfg(feature = "recorder")]
pub mod ring;
#[cfg(feature = "recorder")]
pub mod scope;
#[cfg(feature = "recorder")]
pub mod token;
#[cfg(feature = "recorder")]
pub mod units;
#[cfg(feature = "recorder")]
pub mod via;

pub use error::ErrorCode;
pub use mode::Mode;
pub use state::State;

#[cfg(feature = "recorder")]
pub use {
    error::ProtocolError,
    key::{Ask, Fingerprint, Key, RecordingId, RequestId},
    ledger::{Ledger, Outcome},
};

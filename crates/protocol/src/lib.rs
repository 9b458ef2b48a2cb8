//! The durablefetch protocol, sans IO: no clock, no sockets, no storage, no JavaScript.
//!
//! Time and bytes come in as arguments, decisions go out as values. Both recorders and the client are thin
//! drivers over this crate. `PROTOCOL.md` says the same in words and is normative.
//!
//! # In scope
//! - [addresses](address) ↔ upstream URL ↔ [key](Key), [request headers](request_headers),
//!   [what crosses on the way down](inert), [CORS](cors), [who may ask](access), [whose recordings](scope) they get,
//!   [tokens](token), [heads of responses](response_head), [control JSON](control_json), [error codes](error)
//! - [admission]: what becomes of a request, given what is stored; [request ids](ledger)
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
//! use durablefetch_protocol::admission::{Decision, Ending, Stored, View, decide};
//! use durablefetch_protocol::follow::{Action, Answer, Event, Follower, Head, Outset, Request};
//! use durablefetch_protocol::recording::{End, Next, Progress};
//! use durablefetch_protocol::retry::Policy;
//! use durablefetch_protocol::{Ask, Fingerprint, Mode, RecordingId, State};
//!
//! // Record. Nothing is stored, so a fetch starts.
//! let id = RecordingId::from_parts(1_790_000_000_000, 7);
//! let fingerprint = Fingerprint::of(&[0; 32], "POST", b"{\"prompt\":\"hi\"}");
//! let fetch = Ask::Fetch { mode: Mode::Join, request: None, fingerprint };
//! assert_eq!(decide(&View::default(), &fetch), Decision::Start);
//! let mut recording = Progress::connecting(id);
//! recording.head();
//! recording.chunk(5); // "Hello"
//!
//! // Replay and follow. A second fetch joins it: from byte 0, then live.
//! let view = |recording: &Progress| View {
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
//! let mut follower = Follower::new(Policy::default(), 0, 1, Outset { resendable: true, answered: true });
//! assert_eq!(follower.request(), Request::Start);
//! assert_eq!(follower.on(head(State::Streaming, 0, None), 20), Action::Accept);
//! follower.on(Event::Pull, 20);
//! follower.on(Event::Chunk(5), 21);
//!
//! // Cut. The upstream goes on meanwhile, to its end.
//! recording.chunk(7); // ", world"
//! recording.end(End::Complete);
//! assert_eq!(follower.on(Event::Broken, 900), Action::Send(Request::Continue(5)));
//!
//! // Continue: the rest of exactly this recording, from the byte held.
//! let rest = decide(&view(&recording), &Ask::Continue { recording: id, offset: 5 });
//! assert_eq!(rest, Decision::Serve { recording: id, from: 5, ending: Ending::Clean });
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
    pub use crate::recorder::request::control_json::{CONTROL_BODY_MAX, Seen};
    pub use crate::words::control_json::{ControlRequest, Done, ErrorBody, ErrorDetail, Status};
}

#[cfg(feature = "recorder")]
pub use {
    recorder::access::{self, allow, cors, destination, map, scope, token},
    recorder::address::{self, Key, demo, via},
    recorder::key::ledger::{Ledger, Outcome},
    recorder::key::{admission, ledger, life},
    recorder::recording::{self, ring},
    recorder::request::headers::Ask,
    recorder::request::{headers as request_headers, redirect},
    recorder::response::{head as response_head, inert},
    words::{Fingerprint, ProtocolError, RecordingId, RequestId, units},
};

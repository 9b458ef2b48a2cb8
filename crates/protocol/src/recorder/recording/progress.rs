//! The recording state machine: one upstream response from its request to its end.

use bytes::Bytes;

use super::ring::{Ring, Slice};
use crate::words::{ErrorCode, RecordingId, State};

/// Small chunks are joined to about this many bytes for a reader that is behind.
const JOIN_MAX: usize = 64 * 1024;

/// What a start has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The upstream has not answered.
    Pending,
    /// It answered with what is recorded.
    Recorded,
    /// It answered with what is passed through to those who waited.
    Unrecorded,
    /// It came to nothing.
    Nothing(ErrorCode),
}

/// Why a live recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The upstream ended the body as HTTP says a body ends.
    Complete,
    /// Somebody called `stop`.
    Stop,
    /// The upstream broke or timed out, a limit was reached, or storage failed.
    Fail(ErrorCode),
    /// The recorder died and has found the recording again.
    Interrupt,
    /// A later request took its place.
    Supersede,
    /// Somebody called `delete`, or it outlived its use.
    Delete,
}

impl End {
    /// The state that a live recording ends in.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Complete => State::Complete,
            Self::Stop => State::Stopped,
            Self::Fail(_) => State::Failed,
            Self::Interrupt => State::Interrupted,
            Self::Supersede => State::Superseded,
            Self::Delete => State::Deleted,
        }
    }

    /// What somebody who still waits for the head is told: the start came to nothing.
    #[must_use]
    pub const fn no_head(self) -> ErrorCode {
        match self {
            // An upstream cannot complete a body without a head; its driver has a bug.
            Self::Complete => ErrorCode::Internal,
            Self::Stop => ErrorCode::Stopped,
            Self::Fail(code) => code,
            Self::Interrupt => ErrorCode::Interrupted,
            Self::Supersede => ErrorCode::Superseded,
            Self::Delete => ErrorCode::Deleted,
        }
    }
}

/// One recording's progress. Its bytes are elsewhere; this counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    id: RecordingId,
    state: State,
    cause: Option<ErrorCode>,
    len: u64,
    chunks: u64,
}

/// What a reader that holds an offset does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// There are this many bytes after its offset.
    Read(u64),
    /// It has everything; more may come. Wait for "length or state changed".
    Wait,
    /// It has everything and this is the end; break the connection unless [`State::ends_clean`].
    Ended(State),
}

/// What there is for a reader at an offset, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// These bytes, from memory.
    Bytes(Bytes),
    /// Storage has the bytes up to this offset.
    Stored(u64),
    /// Nothing yet: wait for "length or state changed".
    Wait,
    /// See [`Next::Ended`].
    Ended(State),
    /// Superseded or deleted: break the connection, whatever is there.
    Gone,
}

impl Progress {
    /// A recording whose upstream request is about to be made.
    #[must_use]
    pub const fn connecting(id: RecordingId) -> Self {
        Self { id, state: State::Connecting, cause: None, len: 0, chunks: 0 }
    }

    /// A recording found in storage after a restart: what was live is interrupted.
    #[must_use]
    pub const fn recovered(
        id: RecordingId,
        state: State,
        cause: Option<ErrorCode>,
        len: u64,
        chunks: u64,
    ) -> Self {
        let state = if state.is_live() { State::Interrupted } else { state };
        Self { id, state, cause, len, chunks }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> RecordingId {
        self.id
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Why it failed, where it did.
    #[must_use]
    pub const fn cause(&self) -> Option<ErrorCode> {
        self.cause
    }

    /// Bytes published to readers.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether no byte was published.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Chunks published, as the upstream sent them.
    #[must_use]
    pub const fn chunks(&self) -> u64 {
        self.chunks
    }

    /// The upstream's head is here. False, and nothing happens, where the recording has ended meanwhile.
    pub fn head(&mut self) -> bool {
        let ok = self.state == State::Connecting;
        if ok {
            self.state = State::Streaming;
        }
        ok
    }

    /// A chunk is published. False, and nothing happens, where the recording has ended meanwhile.
    pub fn chunk(&mut self, bytes: usize) -> bool {
        let ok = self.state == State::Streaming;
        if ok {
            self.len += bytes as u64;
            self.chunks += 1;
        }
        ok
    }

    /// Ends a live recording. False, and nothing happens, where it has ended already: the first end stands.
    pub fn end(&mut self, end: End) -> bool {
        let ok = self.state.is_live();
        if ok {
            self.state = end.state();
            if let End::Fail(code) = end {
                self.cause = Some(code);
            }
        }
        ok
    }

    /// What a reader at this offset does next.
    #[must_use]
    pub const fn next(&self, offset: u64) -> Next {
        if offset < self.len {
            Next::Read(self.len - offset)
        } else if self.state.is_live() {
            Next::Wait
        } else {
            Next::Ended(self.state)
        }
    }

    /// What there is for a reader at this offset. `ring` holds the newest bytes; `None` where all are in storage.
    #[must_use]
    pub fn look(&self, ring: Option<&Ring>, offset: u64) -> Got {
        if matches!(self.state, State::Superseded | State::Deleted) {
            return Got::Gone;
        }
        match self.next(offset) {
            Next::Ended(state) => Got::Ended(state),
            Next::Wait => Got::Wait,
            Next::Read(available) => match ring.map(|ring| ring.read_joined(offset, JOIN_MAX)) {
                Some(Slice::Bytes(bytes)) => Got::Bytes(bytes),
                Some(Slice::Behind(until)) => Got::Stored(until),
                None | Some(Slice::Tail) => Got::Stored(offset + available),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connecting() -> Progress {
        Progress::connecting(RecordingId::from_parts(1, 1))
    }

    const ENDS: [End; 6] = [
        End::Complete,
        End::Stop,
        End::Fail(ErrorCode::UpstreamFailed),
        End::Interrupt,
        End::Supersede,
        End::Delete,
    ];

    #[test]
    fn a_recording_counts_what_is_published() {
        let mut recording = connecting();
        assert!(!recording.chunk(1), "no byte before the head");
        assert!(recording.head());
        assert!(!recording.head(), "one head");
        assert_eq!(recording.next(0), Next::Wait);
        assert!(recording.is_empty());
        assert!(recording.chunk(3) && recording.chunk(0));
        assert!(!recording.is_empty());
        assert_eq!((recording.len(), recording.chunks()), (3, 2));
        assert_eq!(recording.next(1), Next::Read(2));
        assert!(recording.end(End::Complete));
        assert_eq!(recording.next(0), Next::Read(3), "stored bytes outlive the end");
        assert_eq!(recording.next(3), Next::Ended(State::Complete));
    }

    #[test]
    fn a_reader_finds_bytes_in_the_ring_or_in_storage_or_waits() {
        let (mut recording, mut ring) = (connecting(), Ring::new(3));
        recording.head();
        assert_eq!(recording.look(Some(&ring), 0), Got::Wait);
        for part in ["abc", "def"] {
            recording.chunk(part.len());
            ring.push(Bytes::from_static(part.as_bytes()));
        }
        ring.written(3);
        assert_eq!(recording.look(Some(&ring), 0), Got::Stored(3));
        assert_eq!(recording.look(Some(&ring), 4), Got::Bytes(Bytes::from_static(b"ef")));
        assert_eq!(recording.look(Some(&ring), 6), Got::Wait);
        assert_eq!(recording.look(None, 4), Got::Stored(6));
        recording.end(End::Complete);
        assert_eq!(recording.look(None, 6), Got::Ended(State::Complete));
        let mut superseded = connecting();
        superseded.head();
        superseded.chunk(1);
        superseded.end(End::Supersede);
        assert_eq!(superseded.look(None, 0), Got::Gone);
    }

    #[test]
    fn the_first_end_stands() {
        for first in ENDS {
            for second in ENDS {
                let mut recording = connecting();
                assert!(recording.end(first));
                assert!(!recording.end(second) && !recording.head() && !recording.chunk(1));
                assert_eq!(recording.state(), first.state());
            }
        }
    }

    #[test]
    fn only_complete_and_stopped_end_clean() {
        let clean: Vec<_> = ENDS.into_iter().filter(|end| end.state().ends_clean()).collect();
        assert_eq!(clean, [End::Complete, End::Stop]);
    }

    #[test]
    fn what_was_live_before_a_restart_is_interrupted() {
        for state in State::ALL {
            let found = Progress::recovered(RecordingId::from_parts(1, 1), state, None, 5, 1).state();
            assert_eq!(found, if state.is_live() { State::Interrupted } else { state });
        }
    }
}

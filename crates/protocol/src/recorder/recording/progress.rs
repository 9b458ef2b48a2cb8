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
///
/// Its end is *decided* first and *shown* later: readers may not see an end before it is committed. What is decided
/// first stands, but for a break: a recording that is superseded or deleted before its end shows never shows that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    id: RecordingId,
    state: State,
    decided: Option<End>,
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
        Self { id, state: State::Connecting, decided: None, cause: None, len: 0, chunks: 0 }
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
        Self { id, state, decided: None, cause, len, chunks }
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

    /// The end that is decided, whether or not it shows.
    #[must_use]
    pub const fn decided(&self) -> Option<End> {
        self.decided
    }

    /// The upstream's head is here. False, and nothing happens, where an end is decided.
    pub fn head(&mut self) -> bool {
        let ok = self.state == State::Connecting && self.decided.is_none();
        if ok {
            self.state = State::Streaming;
        }
        ok
    }

    /// A chunk is published. False, and nothing happens, where an end is decided.
    pub fn chunk(&mut self, bytes: usize) -> bool {
        let ok = self.state == State::Streaming && self.decided.is_none();
        if ok {
            self.len += bytes as u64;
            self.chunks += 1;
        }
        ok
    }

    /// Decides how it ends. False, and nothing happens, where that is decided already.
    pub fn decide(&mut self, end: End) -> bool {
        let ok = self.state.is_live() && self.decided.is_none();
        if ok {
            self.decided = Some(end);
        }
        ok
    }

    /// It cannot be stored: whatever was decided and does not show yet, it fails. False where its end shows.
    pub fn fail(&mut self, code: ErrorCode) -> bool {
        let ok = self.state.is_live();
        if ok {
            self.decided = Some(End::Fail(code));
        }
        ok
    }

    /// Shows the end that is decided. False where none is, or where it shows already.
    pub fn seal(&mut self) -> bool {
        let Some(end) = self.decided.filter(|_| self.state.is_live()) else { return false };
        self.state = end.state();
        if let End::Fail(code) = end {
            self.cause = Some(code);
        }
        true
    }

    /// Breaks its readers off: it ends at once with this end, whatever was decided or shows. False where they are
    /// broken off already.
    pub fn break_off(&mut self, end: End) -> bool {
        let ok = !matches!(self.state, State::Superseded | State::Deleted);
        if ok {
            self.decided = Some(end);
            self.state = end.state();
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
        assert!(recording.decide(End::Complete));
        assert!(!recording.chunk(1), "no byte after the end");
        assert_eq!(recording.next(3), Next::Wait, "an end that is not committed does not show");
        assert!(recording.seal());
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
        recording.decide(End::Complete);
        recording.seal();
        assert_eq!(recording.look(None, 6), Got::Ended(State::Complete));
        let mut superseded = connecting();
        superseded.head();
        superseded.chunk(1);
        superseded.break_off(End::Supersede);
        assert_eq!(superseded.look(None, 0), Got::Gone);
    }

    #[test]
    fn a_break_overrides_an_end_that_is_decided_and_not_yet_shown() {
        for first in ENDS {
            for second in [End::Supersede, End::Delete, End::Interrupt] {
                let mut recording = connecting();
                recording.head();
                recording.chunk(3);
                assert!(recording.decide(first));
                assert!(recording.break_off(second));
                assert_eq!((recording.state(), recording.decided()), (second.state(), Some(second)));
                assert!(!recording.seal(), "the end that was decided never shows");
                assert_eq!(recording.state(), second.state());
            }
        }
    }

    #[test]
    fn a_delete_breaks_the_readers_of_what_has_ended_too() {
        let mut recording = connecting();
        recording.head();
        recording.decide(End::Complete);
        recording.seal();
        assert!(!recording.fail(ErrorCode::StorageFailed));
        assert!(recording.break_off(End::Delete) && !recording.break_off(End::Supersede));
        assert_eq!((recording.state(), recording.look(None, 0)), (State::Deleted, Got::Gone));
    }

    #[test]
    fn what_storage_does_not_take_fails_whatever_was_decided() {
        let mut recording = connecting();
        recording.head();
        recording.decide(End::Complete);
        assert!(recording.fail(ErrorCode::StorageFull) && recording.seal());
        assert_eq!((recording.state(), recording.cause()), (State::Failed, Some(ErrorCode::StorageFull)));
    }

    #[test]
    fn the_first_end_stands() {
        for first in ENDS {
            for second in ENDS {
                let mut recording = connecting();
                assert!(!recording.seal(), "nothing is decided");
                assert!(recording.decide(first));
                assert!(!recording.decide(second) && !recording.head() && !recording.chunk(1));
                assert!(recording.state().is_live());
                assert!(recording.seal() && !recording.seal() && !recording.decide(second));
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

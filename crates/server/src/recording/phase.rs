//! From the first byte to the end on disk: how far a recording is, as its pump decides and as its readers see it.

use durablefetch_protocol::recording::{End, Got, Progress};
use durablefetch_protocol::ring::Ring;
use durablefetch_protocol::{ErrorCode, RecordingId, State};

/// Where a recording stands between its start and its end. A decided end is not shown before it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Bytes may come.
    Live,
    /// It ends like this. Readers do not see it yet.
    Ending(End),
    /// Readers see the end. `None` for a recording found in storage: its state says how it ended.
    Sealed(Option<End>),
}

/// A recording's progress and its phase. They change together: the progress ends when the phase becomes sealed.
#[derive(Debug)]
pub(super) struct Course {
    progress: Progress,
    phase: Phase,
}

impl Course {
    /// The upstream request is about to be made.
    pub(super) fn connecting(id: RecordingId) -> Self {
        Self { progress: Progress::connecting(id), phase: Phase::Live }
    }

    /// Found in storage.
    pub(super) fn recovered(
        id: RecordingId,
        state: State,
        cause: Option<ErrorCode>,
        len: u64,
        chunks: u64,
    ) -> Self {
        Self { progress: Progress::recovered(id, state, cause, len, chunks), phase: Phase::Sealed(None) }
    }

    /// As readers see it.
    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// What there is at `offset`.
    pub(super) fn look(&self, ring: Option<&Ring>, offset: u64) -> Got {
        self.progress.look(ring, offset)
    }

    /// How it ends, on disk or not.
    pub(super) fn decided(&self) -> Option<End> {
        match self.phase {
            Phase::Live => None,
            Phase::Ending(end) => Some(end),
            Phase::Sealed(end) => end,
        }
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.phase, Phase::Sealed(_))
    }

    /// Superseded or deleted while live: its bytes are on their way out.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.decided(), Some(End::Supersede | End::Delete))
    }

    /// The head is here. False where an end is decided.
    pub(super) fn head(&mut self) -> bool {
        self.phase == Phase::Live && self.progress.head()
    }

    /// A chunk is here. False where an end is decided.
    pub(super) fn chunk(&mut self, bytes: usize) -> bool {
        self.phase == Phase::Live && self.progress.chunk(bytes)
    }

    /// Decides how it ends. False where that is decided: the first decision stands.
    pub(super) fn decide(&mut self, end: End) -> bool {
        let is_live = self.phase == Phase::Live;
        if is_live {
            self.phase = Phase::Ending(end);
        }
        is_live
    }

    /// Storage could not take the end: it fails, whatever was decided. What readers have seen stays.
    pub(super) fn fail_storage(&mut self, code: ErrorCode) {
        let end = End::Fail(code);
        self.phase = if self.is_sealed() { Phase::Sealed(Some(end)) } else { Phase::Ending(end) };
    }

    /// Readers see the end from now on.
    pub(super) fn seal(&mut self) {
        let end = self.decided();
        self.progress.end(end.unwrap_or(End::Fail(ErrorCode::Internal)));
        self.phase = Phase::Sealed(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streaming() -> Course {
        let mut course = Course::connecting(RecordingId::from_parts(1, 1));
        assert!(course.head() && course.chunk(3));
        course
    }

    #[test]
    fn an_end_is_seen_once_it_is_sealed() {
        let mut course = streaming();
        assert!(course.decide(End::Stop) && !course.decide(End::Complete));
        assert_eq!((course.decided(), course.is_sealed()), (Some(End::Stop), false));
        assert!(course.progress().state().is_live() && !course.chunk(1));
        course.seal();
        assert_eq!(course.progress().state(), State::Stopped);
        assert!(course.is_sealed() && !course.decide(End::Delete));
    }

    #[test]
    fn a_storage_failure_overrides_what_was_decided_and_not_what_was_seen() {
        let mut course = streaming();
        course.decide(End::Complete);
        course.fail_storage(ErrorCode::StorageFull);
        course.seal();
        assert_eq!(course.progress().cause(), Some(ErrorCode::StorageFull));
        course.fail_storage(ErrorCode::StorageFailed);
        course.seal();
        assert_eq!(course.progress().cause(), Some(ErrorCode::StorageFull));
        assert_eq!(course.decided(), Some(End::Fail(ErrorCode::StorageFailed)));
    }

    #[test]
    fn only_who_supersedes_or_deletes_a_live_one_takes_its_bytes() {
        for (end, is_gone) in [(End::Supersede, true), (End::Delete, true), (End::Stop, false)] {
            let mut course = streaming();
            course.decide(end);
            assert_eq!(course.is_gone(), is_gone, "{end:?}");
            course.seal();
            assert_eq!(course.is_gone(), is_gone, "{end:?}");
        }
        let stored = Course::recovered(RecordingId::from_parts(1, 1), State::Complete, None, 3, 1);
        assert!(stored.is_sealed() && !stored.is_gone() && stored.decided().is_none());
    }
}

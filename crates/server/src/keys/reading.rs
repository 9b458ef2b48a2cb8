//! A request's hold on a recording that it reads or waits for.

use std::sync::Arc;
use std::task::Waker;

use durablefetch_protocol::life::{Effect, Event};
use durablefetch_protocol::recording::Got;

use crate::clock::now_ms;
use crate::counted::Counted;
use crate::key_map::Entry;
use crate::recorder::Recorder;
use crate::recording::Recording;

/// Counts as a reader of the recording until it is dropped, so that its bytes are not let go of. It keeps the key in
/// memory, too.
pub(crate) struct Reading {
    pub(crate) recording: Arc<Recording>,
    pub(crate) recorder: Arc<Recorder>,
    /// Where the recording keeps the waker of who follows it.
    slot: Option<usize>,
    entry: Arc<Entry>,
    _seat: Counted,
}

impl Reading {
    /// One reader more, where there are fewer than there may be.
    pub(super) fn new(
        recorder: &Arc<Recorder>,
        entry: &Arc<Entry>,
        recording: &Arc<Recording>,
    ) -> Option<Self> {
        let seat = recorder.readers.enter()?;
        recording.enter(recorder.rules().limits.readers).then(|| {
            touch(recorder, entry, recording);
            Self {
                _seat: seat,
                recording: Arc::clone(recording),
                recorder: Arc::clone(recorder),
                slot: None,
                entry: Arc::clone(entry),
            }
        })
    }
}

/// It is used.
fn touch(recorder: &Recorder, entry: &Entry, recording: &Recording) {
    let now_ms = now_ms();
    recording.touch(now_ms);
    if let Some(cluster) = &recorder.cluster
        && entry.claim().is_none()
    {
        cluster.uses(recording.id, now_ms);
    }
}

impl Reading {
    /// What there is at `offset`; registers the waker where there is nothing yet.
    pub(crate) fn read(&mut self, offset: u64, waker: &Waker) -> Got {
        self.recording.read(offset, &mut self.slot, waker)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        touch(&self.recorder, &self.entry, &self.recording);
        if !self.recording.leave(&mut self.slot) {
            return;
        }
        let mut life = self.entry.life();
        let Some(life) = life.as_mut() else { return };
        let plan = life.plan(Event::Left { id: self.recording.id }, now_ms());
        // It has no changes, and starts nothing.
        for effect in life.apply(plan, |_| Arc::clone(&self.recording)) {
            if let Effect::Discard(_) = effect {
                self.recorder.discard(&self.recording);
            }
        }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("recording", &self.recording.id).finish_non_exhaustive()
    }
}

//! What a pump brings to its object: the head, the bytes, the end. Each is in storage before it shows.

use std::rc::Rc;

use bytes::Bytes;
use durablefetch_protocol::life::{Event, Keep};
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::HeaderValue;
use wasm_bindgen_futures::spawn_local;

use super::Core;
use crate::config::Config;
use crate::js::sys;
use crate::recording::owner::Owner;
use crate::recording::{Flush, Recording, memory};
use crate::store::{Store, StoreError};

impl Core {
    /// Writes what is unwritten. Where storage fails, so does the recording.
    fn flush(self: &Rc<Self>, recording: &Rc<Recording>) -> bool {
        if !recording.is_open() {
            return false;
        }
        match self.write(recording) {
            Ok(()) => true,
            Err(error) => {
                error.log();
                self.close(recording, End::Fail(error.code));
                false
            }
        }
    }

    /// Whether the key may have so many bytes more. What has finished goes for them, what was unused for longest first;
    /// who reads it goes on to its end.
    fn has_room(self: &Rc<Self>, more: u64) -> bool {
        let Some(most) = self.most_bytes.get() else { return true };
        loop {
            let (bytes, oldest) = {
                let life = self.life.borrow();
                let finished = life.handles().filter(|recording| !recording.is_live());
                let bytes: u64 = life.handles().map(|recording| recording.progress().len()).sum();
                (
                    bytes,
                    finished.min_by_key(|recording| recording.used_ms.get()).map(|recording| recording.id),
                )
            };
            if bytes.saturating_add(more) <= most {
                return true;
            }
            let Some(id) = oldest else { return false };
            let plan = self.plan(Event::Evict { id, even_if_read: true });
            if plan.changes.is_empty() {
                return false;
            }
            match self.commit(plan) {
                Ok((_, effects)) => _ = self.run(effects, None),
                Err(error) => {
                    error.log();
                    return false;
                }
            }
        }
    }

    fn write(&self, recording: &Recording) -> Result<(), StoreError> {
        let (from, pieces) = recording.unwritten();
        let until = self.store.append(recording.id, from, &pieces, recording.progress().chunks())?;
        recording.written(until);
        Ok(())
    }

    /// Decides how a recording ends, lets go of its upstream and brings the end to storage. False, and nothing happens,
    /// where an end is decided already.
    pub(super) fn close(self: &Rc<Self>, recording: &Rc<Recording>, end: End) -> bool {
        let decided = recording.decide(end);
        if decided {
            if end == End::Complete {
                recording.upstream.take();
            } else {
                recording.let_go();
            }
            self.ended(recording, end);
        }
        decided
    }

    /// The upstream is let go of: the rest is written and the end with it. It shows once that is safe.
    pub(super) fn ended(self: &Rc<Self>, recording: &Rc<Recording>, end: End) {
        let now_ms = sys::now_ms();
        recording.used_ms.set(now_ms);
        recording.stored_use_ms.set(now_ms);
        let committed = self.write(recording).and_then(|()| {
            let plan = self.plan(Event::Ended { id: recording.id, end, keep: Keep::All });
            let wrote = !plan.changes.is_empty();
            self.commit(plan).map(|(_, effects)| (wrote, effects))
        });
        let effects = match committed {
            Ok((true, effects)) => effects,
            Ok((false, effects)) => {
                self.run(effects, None);
                return;
            }
            Err(error) => return self.unwritable(recording, &error),
        };
        let (core, recording) = (Rc::clone(self), Rc::clone(recording));
        spawn_local(async move {
            match core.state.storage().sync().await {
                Ok(()) => {
                    core.run(effects, None);
                }
                Err(error) => core.unwritable(&recording, &StoreError::failed(error.to_string())),
            }
            core.set_alarm();
        });
    }

    /// Storage did not take an end.
    fn unwritable(self: &Rc<Self>, recording: &Rc<Recording>, error: &StoreError) {
        error.log();
        recording.fail(error.code);
        let event = Event::Unwritable { id: recording.id, code: error.code };
        if let Err(error) = self.act(event) {
            error.log();
        }
    }
}

impl Owner for Core {
    fn config(&self) -> Result<&Config, ProtocolError> {
        self.config.as_ref().as_ref().map_err(|why| ProtocolError::new(ErrorCode::Internal, why.clone()))
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn answered(self: &Rc<Self>, recording: &Rc<Recording>, head: Head, cookies: Vec<HeaderValue>) -> bool {
        if !recording.is_open() {
            return false;
        }
        let (recorded, volatile) = (Head::is_recorded(head.status), head.volatile);
        recording.set_head(head, cookies);
        if let Err(error) = self.act(Event::Answered { id: recording.id, recorded, volatile }) {
            error.log();
            self.close(recording, End::Fail(error.code));
        }
        recording.is_open()
    }

    fn publish(self: &Rc<Self>, recording: &Rc<Recording>, chunk: Bytes) -> bool {
        let max = self.config().map_or(0, |config| config.recording_bytes);
        if recording.progress().len() + chunk.len() as u64 > max {
            self.close(recording, End::Fail(ErrorCode::RecordingTooLarge));
            return false;
        }
        if !self.has_room(chunk.len() as u64) {
            self.close(recording, End::Fail(ErrorCode::StorageFull));
            return false;
        }
        let Some(unwritten) = recording.publish(chunk) else { return false };
        let wait = memory::flush_after();
        if unwritten >= memory::unwritten() || recording.has_waited(wait - wait / 4) {
            recording.flush.take();
            return self.flush(recording);
        }
        if recording.flush.borrow().is_none() {
            let timer = {
                let (core, recording) = (Rc::clone(self), Rc::clone(recording));
                sys::Timer::after(wait, move || {
                    spawn_local(async move {
                        recording.flush.take();
                        core.flush(&recording);
                    });
                })
            };
            *recording.flush.borrow_mut() = Some(Flush { since_ms: sys::now_ms(), _timer: timer });
        }
        true
    }

    fn end(self: &Rc<Self>, recording: &Rc<Recording>, end: End) {
        self.close(recording, end);
    }

    fn left(self: &Rc<Self>, recording: &Rc<Recording>) {
        recording.readers.set(recording.readers.get().saturating_sub(1));
        self.touch(recording);
        if recording.readers.get() > 0 {
            return;
        }
        if let Err(error) = self.act(Event::Left { id: recording.id }) {
            error.log();
        }
        self.set_alarm();
    }
}

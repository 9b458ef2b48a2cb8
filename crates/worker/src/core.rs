//! What every task of a Durable Object shares: all that is known of its key, how recordings end, and the alarm.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Outcome, ProtocolError};
use wasm_bindgen_futures::spawn_local;
use worker::{Env, State};

use crate::config::{self, Config};
use crate::js::sys;
use crate::key_state::KeyState;
use crate::recording::owner::Owner;
use crate::recording::{Flush, Recording, Start, memory};
use crate::store::{self, Store, StoreError};

/// While something is live, the alarm comes this often: it brings back an object that the platform has lost,
/// and the fresh instance marks what was live as interrupted.
const HEARTBEAT_MS: u64 = 30_000;
/// An answer that was passed through is kept for its request id up to this size.
const KEPT: u64 = durablefetch_protocol::limits::KEPT_ANSWER_MAX as u64;

/// What every task of the object shares.
pub(crate) struct Core {
    state: State,
    config: Rc<Result<Config, String>>,
    pub(crate) store: Store,
    pub(crate) key_state: RefCell<KeyState>,
    /// When the alarm will come; 0 where none is set.
    alarm_ms: Cell<u64>,
}

impl Core {
    /// Reads what storage has.
    pub(crate) fn open(state: State, env: &Env) -> Result<Self, StoreError> {
        let store = Store::open(store::sql(&state))?;
        let key_state = KeyState::load(&store, sys::now_ms())?;
        let core = Self {
            state,
            config: config::of(env),
            store,
            key_state: RefCell::new(key_state),
            alarm_ms: Cell::new(0),
        };
        Ok(core)
    }

    fn ttl_ms(&self) -> u64 {
        self.config().map_or(u64::MAX / 2, |config| config.ttl.as_millis() as u64)
    }

    /// When a recording that is used now will be deleted.
    pub(crate) fn expires_ms(&self, recording: &Recording) -> u64 {
        let used = if recording.is_live() { sys::now_ms() } else { recording.used_ms.get() };
        used.saturating_add(self.ttl_ms())
    }

    /// Lets go of what has outlived its use.
    pub(crate) fn expire(&self) -> Result<(), StoreError> {
        self.key_state.borrow_mut().expire(&self.store, self.ttl_ms(), sys::now_ms())
    }

    /// A recording was used: its time begins anew. Storage learns so now and then.
    pub(crate) fn touch(&self, recording: &Recording) {
        let now_ms = sys::now_ms();
        recording.used_ms.set(now_ms);
        let behind_ms = now_ms.saturating_sub(recording.stored_use_ms.get());
        if !recording.is_live()
            && behind_ms > self.ttl_ms() / 16
            && self.store.used(recording.n, now_ms).is_ok()
        {
            recording.stored_use_ms.set(now_ms);
        }
    }

    // --- bytes

    /// Writes what is unwritten. Where storage fails, so does the recording.
    fn flush(self: &Rc<Self>, recording: &Rc<Recording>) -> bool {
        if recording.ending.get() {
            return false;
        }
        match self.write(recording) {
            Ok(()) => true,
            Err(error) => {
                worker::console_error!("storage: {}", error.message);
                self.end(recording, End::Fail(error.code));
                false
            }
        }
    }

    fn write(&self, recording: &Recording) -> Result<(), StoreError> {
        let (from, pieces) = recording.unwritten();
        let until = self.store.append(recording.n, from, &pieces, recording.machine().chunks())?;
        recording.written(until);
        Ok(())
    }

    // --- ends

    /// What ends before its head leaves nothing but its request id.
    fn end_without_head(&self, recording: &Rc<Recording>, end: End) -> Result<(), StoreError> {
        let now_ms = sys::now_ms();
        let outcome = match end {
            End::Supersede => Outcome::Superseded,
            End::Delete => Outcome::Deleted,
            other => Outcome::NoHead(other.no_head()),
        };
        let mut key_state = self.key_state.borrow_mut();
        key_state.current.take_if(|current| Rc::ptr_eq(current, recording));
        let result = key_state.settle(&self.store, recording.id, outcome, None, now_ms);
        let result = result.and_then(|()| self.store.remove(recording.n));
        drop(key_state);
        if recording.seal(end) {
            memory::lands();
        }
        result
    }

    /// Superseded while live, or deleted.
    fn discard(&self, recording: &Rc<Recording>, end: End) -> Result<(), StoreError> {
        if recording.seal(end) {
            memory::lands();
        }
        self.store.remove(recording.n)
    }

    /// The rest is written and the state with it; readers learn of the end once that is committed.
    fn end_recorded(self: &Rc<Self>, recording: &Rc<Recording>, end: End) {
        let now_ms = sys::now_ms();
        recording.used_ms.set(now_ms);
        let machine = recording.machine();
        let cause = if let End::Fail(code) = end { Some(code) } else { None };
        let written = self.write(recording).and_then(|()| {
            let state = end.state().as_str();
            self.store.finish(recording.n, state, cause, machine.len(), machine.chunks(), now_ms)
        });
        let (core, recording) = (Rc::clone(self), Rc::clone(recording));
        spawn_local(async move {
            let committed = match written {
                Ok(()) => core.state.storage().sync().await.map_err(|error| StoreError {
                    code: ErrorCode::StorageFailed,
                    message: error.to_string(),
                }),
                Err(error) => Err(error),
            };
            let landed = match committed {
                Ok(()) => recording.seal(end),
                Err(error) => {
                    worker::console_error!("storage: {}", error.message);
                    let was_live = recording.is_live();
                    recording.seal_failed(error.code);
                    was_live
                }
            };
            if landed {
                memory::lands();
            }
            core.set_alarm();
        });
    }

    /// An answer that was passed through is over: it is kept if it is small and a request id may ask for it.
    fn end_passing(self: &Rc<Self>, recording: &Rc<Recording>, end: End) -> Result<(), StoreError> {
        let now_ms = sys::now_ms();
        let written = self.write(recording);
        let machine = recording.machine();
        let mut key_state = self.key_state.borrow_mut();
        key_state.passing.retain(|passing| !Rc::ptr_eq(passing, recording));
        let ids = key_state.ids_of(recording.id);
        let keep = end == End::Complete && machine.len() <= KEPT && !ids.is_empty() && written.is_ok();
        let result = if keep {
            ids.into_iter().for_each(|id| drop(key_state.answers.insert(id, Rc::clone(recording))));
            let settled =
                key_state.settle(&self.store, recording.id, Outcome::Answered, Some(recording.n), now_ms);
            settled.and_then(|()| {
                self.store.finish(
                    recording.n,
                    end.state().as_str(),
                    None,
                    machine.len(),
                    machine.chunks(),
                    now_ms,
                )
            })
        } else {
            key_state.settle(&self.store, recording.id, Outcome::AnsweredNotKept, None, now_ms)
        };
        drop(key_state);
        let end = if written.is_ok() { end } else { End::Fail(ErrorCode::StorageFailed) };
        if recording.seal(end) {
            memory::lands();
        }
        if !keep && recording.readers.get() == 0 {
            self.store.remove(recording.n)?;
        }
        self.set_alarm();
        result.and(written)
    }

    // --- the alarm

    /// Sets the alarm for what comes next, if it is not set early enough.
    pub(crate) fn set_alarm(self: &Rc<Self>) {
        let now_ms = sys::now_ms();
        let key_state = self.key_state.borrow();
        let expiry = key_state.next_expiry(self.ttl_ms());
        let due = if key_state.is_live() { Some(now_ms + HEARTBEAT_MS) } else { expiry };
        drop(key_state);
        let Some(due) = due.map(|due| due.max(now_ms + 100)) else { return };
        let set = self.alarm_ms.get();
        if set != 0 && set <= due {
            return;
        }
        self.alarm_ms.set(due);
        let core = Rc::clone(self);
        spawn_local(async move {
            let delay = Duration::from_millis(due - now_ms);
            if let Err(error) = core.state.storage().set_alarm(delay).await {
                worker::console_error!("alarm: {error}");
                core.alarm_ms.set(0);
            }
        });
    }

    /// The alarm has come: removes what is due and sets the next one.
    pub(crate) async fn on_alarm(self: &Rc<Self>) {
        self.alarm_ms.set(0);
        if let Err(error) = self.expire() {
            worker::console_error!("storage: {}", error.message);
        }
        let empty = {
            let key_state = self.key_state.borrow();
            !key_state.is_live() && key_state.next_expiry(0).is_none()
        };
        if empty && self.store.is_made() {
            // An object without storage costs nothing and is forgotten by the platform.
            self.store.forgotten();
            if let Err(error) = self.state.storage().delete_all().await {
                worker::console_error!("storage: {error}");
            }
            return;
        }
        self.set_alarm();
    }
}

impl Owner for Core {
    fn config(&self) -> Result<&Config, ProtocolError> {
        self.config.as_ref().as_ref().map_err(|why| ProtocolError::new(ErrorCode::Internal, why.clone()))
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn passes(&self, recording: &Rc<Recording>) {
        let mut key_state = self.key_state.borrow_mut();
        key_state.current.take_if(|current| Rc::ptr_eq(current, recording));
        key_state.passing.push(Rc::clone(recording));
    }

    fn publish(self: &Rc<Self>, recording: &Rc<Recording>, chunk: bytes::Bytes) -> bool {
        if recording.ending.get() {
            return false;
        }
        let max = self.config().map_or(0, |config| config.recording_bytes);
        if recording.machine().len() + chunk.len() as u64 > max {
            self.end(recording, End::Fail(ErrorCode::RecordingTooLarge));
            return false;
        }
        let unwritten = recording.publish(chunk);
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
        let discards = matches!(end, End::Supersede | End::Delete);
        if recording.ending.replace(true) && !discards {
            return;
        }
        let upstream = recording.upstream.take().filter(|_| end != End::Complete);
        upstream.iter().for_each(web_sys::AbortController::abort);
        let result = match (recording.start(), discards) {
            (Start::Nothing(_), _) => Ok(()),
            (Start::Pending, _) => self.end_without_head(recording, end),
            (_, true) => self.discard(recording, end),
            (Start::Unrecorded, false) => self.end_passing(recording, end),
            (Start::Recorded, false) => {
                self.end_recorded(recording, end);
                Ok(())
            }
        };
        if let Err(error) = result {
            worker::console_error!("storage: {}", error.message);
        }
    }

    fn left(&self, recording: &Rc<Recording>) {
        recording.readers.set(recording.readers.get().saturating_sub(1));
        if recording.readers.get() > 0 || recording.is_live() {
            return;
        }
        let key_state = self.key_state.borrow();
        let kept = recording.start() != Start::Unrecorded
            || key_state.answers.values().any(|answer| Rc::ptr_eq(answer, recording));
        if !kept && let Err(error) = self.store.remove(recording.n) {
            worker::console_error!("storage: {}", error.message);
        }
    }
}

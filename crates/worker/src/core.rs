//! The object of one key: carries out what the protocol's [`KeyLife`] decides. Every event is planned, its changes are
//! written, the plan is applied, and its effects are run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::admission::{Decision, Named};
use durablefetch_protocol::control_json::{Done, Status};
use durablefetch_protocol::life::{self, Detail, Effect, Event, Keep, KeyLife, Plan, Reply};
use durablefetch_protocol::recording::{End, Progress};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{Ask, ErrorCode, Ledger, ProtocolError, RecordingId, RequestId};
use http::HeaderValue;
use wasm_bindgen_futures::spawn_local;
use worker::{Env, State};

use crate::config::{self, Config};
use crate::js::sys;
use crate::recording::owner::Owner;
use crate::recording::{Flush, Recording, memory, pump};
use crate::store::{Row, Store, StoreError};
use crate::upstream::Source;

/// While something is live, the alarm comes this often: it brings back an object that the platform has lost,
/// and the fresh instance marks what was live as interrupted.
const HEARTBEAT_MS: u64 = 30_000;

type Recordings = BTreeMap<RecordingId, Rc<Recording>>;

/// What every task of the object shares.
pub(crate) struct Core {
    state: State,
    config: Rc<Result<Config, String>>,
    store: Store,
    life: RefCell<KeyLife<Rc<Recording>>>,
    /// Every recording whose bytes are here, or on their way: what the key has let go of may still be read.
    recordings: RefCell<Recordings>,
    /// The id that was given out last.
    last_id: Cell<RecordingId>,
    /// When the alarm will come; 0 where none is set.
    alarm_ms: Cell<u64>,
}

impl Core {
    /// Reads what storage has, once it is in order.
    pub(crate) fn open(state: State, env: &Env) -> Result<Self, StoreError> {
        let store = Store::open(&state)?;
        let (life, recordings) = load(&store)?;
        let last = life.handles().last().map_or(RecordingId::ZERO, |recording| recording.id);
        Ok(Self {
            state,
            config: config::of(env),
            store,
            life: RefCell::new(life),
            recordings: RefCell::new(recordings),
            last_id: Cell::new(last),
            alarm_ms: Cell::new(0),
        })
    }

    fn ttl_ms(&self) -> u64 {
        self.config().map_or(u64::MAX / 2, |config| config.ttl.as_millis() as u64)
    }

    /// A recording that the key knows.
    pub(crate) fn find(&self, id: RecordingId) -> Result<Rc<Recording>, ErrorCode> {
        self.life.borrow().find(id).cloned().ok_or(ErrorCode::Gone)
    }

    /// What `in-progress` tells of the recording that is named, or of the key.
    pub(crate) fn status(
        self: &Rc<Self>,
        named: Named,
        request: Option<&RequestId>,
    ) -> Result<Status, ProtocolError> {
        self.expire()?;
        let detail = |recording: &Rc<Recording>| Detail {
            status: recording.status(),
            started_at: recording.started_ms,
        };
        Ok(self.life.borrow().status(named, request, detail, self.ttl_ms(), sys::now_ms()))
    }

    // --- events

    fn plan(&self, event: Event<'_>) -> Plan {
        self.life.borrow().plan(event, sys::now_ms())
    }

    /// Writes a plan down and makes it true. Its effects are to be run.
    ///
    /// Writing is synchronous, and the platform holds back what goes out until it is safe: answers and the requests to
    /// upstreams. A body that is being read goes out at once, so an end waits: see [`Core::ended`].
    fn commit(&self, plan: Plan) -> Result<(Reply, Vec<Effect>), StoreError> {
        let head = |id| self.recordings.borrow().get(&id).map(|recording| recording.head());
        self.store.commit(&plan.changes, &head)?;
        let reply = plan.reply;
        let mut started = None;
        let effects = self.life.borrow_mut().apply(plan, |begin| {
            let recording = Rc::new(Recording::connecting(begin));
            started = Some(Rc::clone(&recording));
            recording
        });
        if let Some(recording) = started {
            self.recordings.borrow_mut().insert(recording.id, recording);
        }
        Ok((reply, effects))
    }

    /// Plans, writes, applies, and does what follows.
    fn act(self: &Rc<Self>, event: Event<'_>) -> Result<Reply, StoreError> {
        let (reply, effects) = self.commit(self.plan(event))?;
        self.run(effects, None);
        Ok(reply)
    }

    /// Does what a plan has led to. `source` is that of the recording that starts. True where an end was decided.
    fn run(self: &Rc<Self>, effects: Vec<Effect>, mut source: Option<Source>) -> bool {
        let mut decided = false;
        for effect in effects {
            let id = effect.recording();
            let Some(recording) = self.recordings.borrow().get(&id).cloned() else { continue };
            match effect {
                Effect::Pump(_) => {
                    if let Some(source) = source.take() {
                        pump::spawn(Rc::clone(self), recording, source);
                    }
                }
                Effect::Close(_, end) => decided |= self.close(&recording, end),
                Effect::Break(_, end) => {
                    let was_open = recording.is_open();
                    recording.let_go();
                    recording.break_off(end);
                    if was_open {
                        self.ended(&recording, end);
                    }
                }
                Effect::Seal(_, end) => {
                    recording.decide(end);
                    recording.seal();
                }
                Effect::Tell(_, start) => recording.tell(start),
                Effect::Discard(_) => {
                    self.recordings.borrow_mut().remove(&id);
                    // What is left of it is swept away by the next instance.
                    self.store.discard(id).unwrap_or_else(|error| error.log());
                }
            }
        }
        decided
    }

    /// A fetch or continuation. Where it starts a recording, that reads `source`.
    pub(crate) fn ask(self: &Rc<Self>, ask: &Ask, source: Source) -> Result<Reply, ProtocolError> {
        self.expire()?;
        let drawn = RecordingId::from_parts(sys::now_ms(), u128::from_le_bytes(sys::random()));
        let new = drawn.after(self.last_id.get());
        let plan = self.plan(Event::Ask { ask, new });
        if matches!(plan.reply, Reply::Started(_)) && memory::live() >= self.config()?.recordings {
            return Err(ErrorCode::TooManyRecordings.into());
        }
        let (reply, effects) = self.commit(plan)?;
        self.last_id.set(new);
        self.run(effects, Some(source));
        Ok(reply)
    }

    /// The answer that was kept for a request id.
    pub(crate) fn kept(&self, request: &RequestId) -> Result<(Head, Vec<u8>), ProtocolError> {
        self.store.answer(request)?.ok_or_else(|| ErrorCode::AlreadyAnswered.into())
    }

    /// A `stop`: what it says once the ends show.
    pub(crate) async fn stop(
        self: &Rc<Self>,
        named: Named,
        request: Option<&RequestId>,
    ) -> Result<&'static str, ProtocolError> {
        self.expire()?;
        let (reply, effects) = self.commit(self.plan(Event::Stop { named, request }))?;
        let closing: Vec<_> = {
            let recordings = self.recordings.borrow();
            let closed = |effect: &Effect| match effect {
                Effect::Close(id, _) => recordings.get(id).cloned(),
                _ => None,
            };
            effects.iter().filter_map(closed).collect()
        };
        let decided = self.run(effects, None);
        for recording in closing {
            recording.ended().await;
        }
        match reply {
            Reply::Stopping if decided => Ok(Done::STOPPED),
            Reply::Remembered => Ok(Done::STOP_REMEMBERED),
            Reply::Decided(Decision::Refuse(code)) => Err(code.into()),
            _ => Ok(Done::NOTHING_TO_STOP),
        }
    }

    /// A `delete`.
    pub(crate) fn delete(
        self: &Rc<Self>,
        named: Named,
        request: Option<&RequestId>,
    ) -> Result<&'static str, ProtocolError> {
        self.expire()?;
        self.act(Event::Delete { named, request })?;
        Ok(Done::DELETED)
    }

    /// Lets go of what has outlived its use.
    pub(crate) fn expire(self: &Rc<Self>) -> Result<(), StoreError> {
        let ttl_ms = self.ttl_ms();
        let due_ms = self.life.borrow().due_ms(ttl_ms);
        if due_ms.is_some_and(|due_ms| due_ms <= sys::now_ms()) {
            self.act(Event::Due { ttl_ms })?;
        }
        Ok(())
    }

    /// A recording was used: its time begins anew. Storage learns so now and then.
    pub(crate) fn touch(self: &Rc<Self>, recording: &Recording) {
        let now_ms = sys::now_ms();
        recording.used_ms.set(now_ms);
        let behind_ms = now_ms.saturating_sub(recording.stored_use_ms.get());
        if recording.is_live() || behind_ms <= self.ttl_ms() / 16 || self.find(recording.id).is_err() {
            return;
        }
        match self.act(Event::Used { used: &[(recording.id, now_ms)] }) {
            Ok(_) => recording.stored_use_ms.set(now_ms),
            Err(error) => error.log(),
        }
    }

    // --- bytes

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

    fn write(&self, recording: &Recording) -> Result<(), StoreError> {
        let (from, pieces) = recording.unwritten();
        let until = self.store.append(recording.id, from, &pieces, recording.progress().chunks())?;
        recording.written(until);
        Ok(())
    }

    // --- ends

    /// Decides how a recording ends, lets go of its upstream and brings the end to storage. False, and nothing happens,
    /// where an end is decided already.
    fn close(self: &Rc<Self>, recording: &Rc<Recording>, end: End) -> bool {
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
    fn ended(self: &Rc<Self>, recording: &Rc<Recording>, end: End) {
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

    // --- the alarm

    /// Sets the alarm for what comes next, if it is not set early enough. As long as something is stored there is one:
    /// whatever becomes of this instance, another one will look at it.
    pub(crate) fn set_alarm(self: &Rc<Self>) {
        if !self.store.is_made() {
            return;
        }
        let (now_ms, ttl_ms) = (sys::now_ms(), self.ttl_ms());
        let due_ms = {
            let life = self.life.borrow();
            match life.due_ms(ttl_ms) {
                _ if life.is_live() => now_ms + HEARTBEAT_MS,
                Some(due_ms) => due_ms.max(now_ms + 100),
                // All of it is being read.
                None => now_ms.saturating_add(ttl_ms),
            }
        };
        let set_ms = self.alarm_ms.get();
        if set_ms != 0 && set_ms <= due_ms {
            return;
        }
        self.alarm_ms.set(due_ms);
        let core = Rc::clone(self);
        spawn_local(async move {
            let delay = Duration::from_millis(due_ms - now_ms);
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
            error.log();
        }
        let is_empty = self.life.borrow().is_empty() && self.recordings.borrow().is_empty();
        if is_empty && self.store.is_made() {
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

/// What storage has. Nothing pumps for a fresh instance, so what was live is interrupted, and storage learns so.
fn load(store: &Store) -> Result<(KeyLife<Rc<Recording>>, Recordings), StoreError> {
    let rows: Vec<_> = store.recordings()?.iter().map(|row| row.known).collect();
    let ledger = Ledger::from_entries(store.requests()?);
    let changes = life::recover(&rows, &ledger, sys::now_ms());
    store.commit(&changes, &|_| None)?;
    let recordings: Vec<_> = store.recordings()?.into_iter().map(stored).collect();
    if store.is_made() {
        store.sweep()?;
    }
    let all = recordings.iter().map(|(_, held)| (held.id, Rc::clone(held))).collect();
    Ok((KeyLife::load(recordings, Ledger::from_entries(store.requests()?)), all))
}

fn stored(row: Row) -> (life::Row, Rc<Recording>) {
    let Row { known, cause, head, fingerprint, started_ms, used_ms } = row;
    let progress = Progress::recovered(known.id, known.state, cause, known.len, known.chunks);
    (known, Rc::new(Recording::stored(progress, fingerprint, started_ms, used_ms, head)))
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

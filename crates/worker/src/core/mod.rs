//! The object of one key: carries out what the protocol's [`KeyLife`] decides. Every event is planned, its changes are
//! written, the plan is applied, and its effects are run.

mod alarm;
mod ends;
mod load;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use durablefetch_protocol::access::allowance::Allowance;
use durablefetch_protocol::admission::{Decision, Named};
use durablefetch_protocol::control_json::{Done, Status};
use durablefetch_protocol::life::{Detail, Effect, Event, KeepFor, KeyLife, Plan, Reply};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{Ask, ErrorCode, ProtocolError, RecordingId, RequestId};
use worker::{Env, State};

use crate::config::{self, Config};
use crate::js::sys;
use crate::recording::owner::Owner;
use crate::recording::{Recording, memory, pump};
use crate::store::{Store, StoreError};
use crate::upstream::Source;

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
    /// What the key may have stored, where the token that its last recording started with has said so.
    most_bytes: Cell<Option<u64>>,
}

impl Core {
    /// Reads what storage has, once it is in order.
    pub(crate) fn open(state: State, env: &Env) -> Result<Self, StoreError> {
        let store = Store::open(&state)?;
        let (life, recordings) = load::load(&store)?;
        let last = life.handles().last().map_or(RecordingId::ZERO, |recording| recording.id);
        Ok(Self {
            state,
            config: config::of(env),
            store,
            life: RefCell::new(life),
            recordings: RefCell::new(recordings),
            last_id: Cell::new(last),
            alarm_ms: Cell::new(0),
            most_bytes: Cell::new(None),
        })
    }

    /// How long recordings are kept: for good, where the configuration cannot be read.
    fn keep(&self) -> KeepFor {
        let ms = |time: Duration| time.as_millis() as u64;
        self.config().map_or(KeepFor { unused_ms: u64::MAX / 2, age_ms: u64::MAX / 2 }, |config| KeepFor {
            unused_ms: ms(config.ttl),
            age_ms: ms(config.max_age),
        })
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
        Ok(self.life.borrow().status(named, request, detail, self.keep(), sys::now_ms()))
    }

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
    fn act(self: &Rc<Self>, event: Event<'_>) -> Result<(), StoreError> {
        let (_, effects) = self.commit(self.plan(event))?;
        self.run(effects, None);
        Ok(())
    }

    /// Does what a plan has led to. `source` is that of the recording that starts. Returns the recordings that were asked
    /// to end, and whether that decided their end.
    fn run(self: &Rc<Self>, effects: Vec<Effect>, mut source: Option<Source>) -> Vec<(Rc<Recording>, bool)> {
        let mut closed = Vec::new();
        for effect in effects {
            let id = effect.recording();
            let Some(recording) = self.recordings.borrow().get(&id).cloned() else { continue };
            match effect {
                Effect::Pump(_) => {
                    if let Some(source) = source.take() {
                        pump::spawn(Rc::clone(self), recording, source);
                    }
                }
                Effect::Close(_, end) => {
                    let decided = self.close(&recording, end);
                    closed.push((recording, decided));
                }
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
        closed
    }

    /// A fetch or continuation. Where it starts a recording, that reads `source`.
    pub(crate) fn ask(self: &Rc<Self>, ask: &Ask, source: Source) -> Result<Reply, ProtocolError> {
        self.expire()?;
        let drawn = RecordingId::from_parts(sys::now_ms(), u128::from_le_bytes(sys::random()));
        let new = drawn.after(self.last_id.get());
        let plan = self.plan(Event::Ask { ask, new });
        if let (Reply::Started(_), Ask::Fetch(fetch)) = (plan.reply, ask) {
            self.may_start(&plan, fetch.allowance)?;
        }
        let (reply, effects) = self.commit(plan)?;
        self.last_id.set(new);
        self.run(effects, Some(source));
        Ok(reply)
    }

    /// Whether a plan may start what it starts. An object is one key, so what a scope may have is counted for each key.
    fn may_start(&self, plan: &Plan, allowance: Allowance) -> Result<(), ProtocolError> {
        let here = self.life.borrow().handles().filter(|recording| recording.is_live()).count();
        let stay = here.saturating_sub(plan.breaks()) as u64;
        if memory::live() >= self.config()?.recordings
            || allowance.recordings.is_some_and(|most| stay >= most)
        {
            return Err(ErrorCode::TooManyRecordings.into());
        }
        self.most_bytes.set(allowance.bytes);
        Ok(())
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
        let mut stopped = false;
        for (recording, decided) in self.run(effects, None) {
            recording.ended().await;
            stopped |= decided;
        }
        match reply {
            Reply::Stopping if stopped => Ok(Done::STOPPED),
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
        let keep = self.keep();
        let due_ms = self.life.borrow().due_ms(keep);
        if due_ms.is_some_and(|due_ms| due_ms <= sys::now_ms()) {
            self.act(Event::Due { keep })?;
        }
        Ok(())
    }

    /// A recording was used: its time begins anew. Storage learns so now and then.
    pub(crate) fn touch(self: &Rc<Self>, recording: &Recording) {
        let now_ms = sys::now_ms();
        recording.used_ms.set(now_ms);
        let behind_ms = now_ms.saturating_sub(recording.stored_use_ms.get());
        if recording.is_live() || behind_ms <= self.keep().unused_ms / 16 || self.find(recording.id).is_err()
        {
            return;
        }
        match self.act(Event::Used { used: &[(recording.id, now_ms)] }) {
            Ok(_) => recording.stored_use_ms.set(now_ms),
            Err(error) => error.log(),
        }
    }
}

//! Starting a recording: key and request id are in storage before the upstream is asked. The platform holds an
//! object's requests back until what it wrote before them is safe.

use std::rc::Rc;

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Fingerprint, Outcome, ProtocolError, RecordingId, RequestId};

use crate::core::Core;
use crate::js::sys;
use crate::recording::owner::Owner;
use crate::recording::{Recording, memory, pump};
use crate::store::StoreError;
use crate::upstream::Source;

/// Starts a recording in place of what is there.
pub(crate) fn start(
    core: &Rc<Core>,
    request: Option<RequestId>,
    fingerprint: Fingerprint,
    source: Source,
) -> Result<Rc<Recording>, ProtocolError> {
    if memory::live() >= core.config()?.recordings {
        return Err(ErrorCode::TooManyRecordings.into());
    }
    supersede(core)?;
    let now_ms = sys::now_ms();
    let id = RecordingId::from_parts(now_ms, u128::from_le_bytes(sys::random()));
    let mut key_state = core.key_state.borrow_mut();
    let n = key_state.next_n;
    key_state.next_n += 1;
    core.store.insert(n, id, &fingerprint, now_ms)?;
    if let Some(request) = request {
        let outcome = Outcome::Started(id);
        core.store.put_request(&Entry { id: request.clone(), outcome, at_ms: now_ms }, None)?;
        key_state.ledger.set(request, outcome, now_ms);
    }
    memory::takes_off();
    let recording = Rc::new(Recording::connecting(id, n, fingerprint, now_ms));
    key_state.current = Some(Rc::clone(&recording));
    drop(key_state);
    pump::spawn(Rc::clone(core), Rc::clone(&recording), source);
    Ok(recording)
}

/// What is there makes room. A live one is over for its readers; a finished one answers continuations for a while.
fn supersede(core: &Rc<Core>) -> Result<(), StoreError> {
    let Some(old) = core.key_state.borrow_mut().current.take() else { return Ok(()) };
    let now_ms = sys::now_ms();
    if old.is_live() {
        core.end(&old, End::Supersede);
    }
    let mut key_state = core.key_state.borrow_mut();
    key_state.settle(&core.store, old.id, Outcome::Superseded, None, now_ms)?;
    if old.machine().state() != durablefetch_protocol::State::Superseded {
        core.store.retire(old.n, now_ms)?;
        key_state.retired.push((old, now_ms));
    }
    Ok(())
}

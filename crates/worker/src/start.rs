//! Starting a recording: key and request id are in storage before the upstream is asked. The platform holds an
//! object's requests back until what it wrote before them is safe.

use std::rc::Rc;

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::{ErrorCode, Fingerprint, Outcome, ProtocolError, RecordingId, RequestId};

use crate::object::Core;
use crate::shared::Shared;
use crate::source::Source;
use crate::store::StoreError;
use crate::{budget, pump, sys};

/// Starts a recording in place of what is there.
pub(crate) fn start(
    core: &Rc<Core>,
    request: Option<RequestId>,
    fingerprint: Fingerprint,
    source: Source,
) -> Result<Rc<Shared>, ProtocolError> {
    if budget::live() >= core.config()?.recordings {
        return Err(ErrorCode::TooManyRecordings.into());
    }
    supersede(core)?;
    let now_ms = sys::now_ms();
    let id = RecordingId::from_parts(now_ms, u128::from_le_bytes(sys::random()));
    let mut keyed = core.keyed.borrow_mut();
    let n = keyed.next_n;
    keyed.next_n += 1;
    core.store.insert(n, id, &fingerprint, now_ms)?;
    if let Some(request) = request {
        let outcome = Outcome::Started(id);
        core.store.put_request(&Entry { id: request.clone(), outcome, at_ms: now_ms }, None)?;
        keyed.ledger.set(request, outcome, now_ms);
    }
    budget::takes_off();
    let shared = Rc::new(Shared::connecting(id, n, fingerprint, now_ms));
    keyed.current = Some(Rc::clone(&shared));
    drop(keyed);
    pump::spawn(Rc::clone(core), Rc::clone(&shared), source);
    Ok(shared)
}

/// What is there makes room. A live one is over for its readers; a finished one answers continuations for a while.
fn supersede(core: &Rc<Core>) -> Result<(), StoreError> {
    let Some(old) = core.keyed.borrow_mut().current.take() else { return Ok(()) };
    let now_ms = sys::now_ms();
    if old.is_live() {
        core.end(&old, End::Supersede);
    }
    let mut keyed = core.keyed.borrow_mut();
    keyed.settle(&core.store, old.id, Outcome::Superseded, None, now_ms)?;
    if old.machine().state() != durablefetch_protocol::State::Superseded {
        core.store.retire(old.n, now_ms)?;
        keyed.retired.push((old, now_ms));
    }
    Ok(())
}

impl From<StoreError> for ProtocolError {
    fn from(error: StoreError) -> Self {
        worker::console_error!("storage: {}", error.message);
        error.code.into()
    }
}

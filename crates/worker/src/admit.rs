//! What a Durable Object does with a request: asks the protocol what becomes of it, and does that.

use std::rc::Rc;

use durablefetch_protocol::access::Admitted;
use durablefetch_protocol::address::Target;
use durablefetch_protocol::admission::{self, Decision, Ending, Part};
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::request_headers::AskHead;
use durablefetch_protocol::{Ask, ErrorCode, Fingerprint, ProtocolError, RecordingId, State};
use http::Method;
use wasm_bindgen::JsValue;

use crate::core::Core;
use crate::front::request::Request;
use crate::front::respond::{self, Body};
use crate::front::{body, control};
use crate::js::sys;
use crate::recording::owner::Owner;
use crate::recording::reader::{self, Follow};
use crate::recording::{Recording, Start};
use crate::upstream::{self, Source, Upward, demo_head};
use crate::{key_state, start};

/// A body of at most this much that is there whole is answered with at once, without a pipe.
const AT_ONCE: u64 = 64 << 10;

type Answer = Result<web_sys::Response, ProtocolError>;

/// Answers a request that the router has passed on.
pub(crate) async fn answer(core: &Rc<Core>, request: web_sys::Request) -> Result<web_sys::Response, JsValue> {
    let request = match core.config().and_then(|config| Request::read(request, config)) {
        Ok(request) => request,
        Err(error) => return respond::error(&error, None),
    };
    let admitted = request.admitted.clone();
    let answer = dispatch(core, request).await;
    // Whatever was started or ended, its time is on the clock.
    core.set_alarm();
    answer.or_else(|error| respond::error(&error, Some(&admitted)))
}

async fn dispatch(core: &Rc<Core>, request: Request) -> Answer {
    match request.target()? {
        Target::Control(call) => control::answer(core, call, &request).await,
        Target::Upstream(to) => {
            let ask = AskHead::parse(&request.method, &request.headers)?;
            core.config()?.access.check_upstream(&core.config()?.allow, &to)?;
            let upward = request.upward(core.config()?, to);
            if request.method == Method::HEAD {
                return head(core, upward, &request.admitted).await;
            }
            fetch(core, &request, ask, Source::Upstream(upward)).await
        }
        Target::Demo(id) => {
            let ask = AskHead::parse(&request.method, &request.headers)?;
            if request.method == Method::HEAD {
                let headers = demo_head().passing(&[], &request.admitted);
                return respond::or_internal(respond::response(200, b"", &headers, Body::Nothing));
            }
            fetch(core, &request, ask, Source::Demo(Script::of(&id))).await
        }
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// HEAD never records.
async fn head(core: &Rc<Core>, upward: Upward, admitted: &Admitted) -> Answer {
    let opened = upstream::open(core.config()?, upward, upstream::controller()?, || false).await?;
    let mut headers = opened.head.passing(&opened.cookies, admitted);
    if let Some(length) = opened.length {
        headers.insert(http::header::CONTENT_LENGTH, length);
    }
    respond::or_internal(respond::response(opened.head.status, &opened.head.reason, &headers, Body::Nothing))
}

async fn fetch(core: &Rc<Core>, request: &Request, ask: AskHead, source: Source) -> Answer {
    let body = body::read(&request.js, core.config()?.request_bytes).await?;
    let fingerprint = Fingerprint::of(&core.store.secret(), request.method.as_str(), &body);
    let ask = ask.with_fingerprint(fingerprint);
    let source = source.with_body(body);

    core.expire()?;
    let (request_id, named) = match &ask {
        Ask::Fetch { request, .. } => (request.as_ref(), None),
        Ask::Continue { recording, .. } => (None, Some(*recording)),
    };
    let (decision, passing) = {
        let key_state = core.key_state.borrow();
        (admission::decide(&key_state.view(request_id, named), &ask), key_state.passing(request_id).cloned())
    };
    if let Some(passing) = passing {
        return pass(core, &passing, request);
    }
    let admitted = &request.admitted;
    match decision {
        Decision::Start => {
            let recording = start::start(core, request_id.cloned(), fingerprint, source)?;
            wait(core, &ask, &recording, Part::Starter, request).await
        }
        Decision::Wait(id) => {
            let recording = find(core, id)?;
            wait(core, &ask, &recording, Part::Follower, request).await
        }
        Decision::Serve { recording, from, ending } => {
            serve(core, &find(core, recording)?, from, ending, Part::Follower, request)
        }
        Decision::AnswerAgain => {
            let kept = core.key_state.borrow().answers.get(request_id.ok_or(ErrorCode::Internal)?).cloned();
            pass(core, &kept.ok_or(ErrorCode::AlreadyAnswered)?, request)
        }
        Decision::NoContent => respond::or_internal(respond::nothing(admitted)),
        Decision::Refuse(code) => Err(code.into()),
    }
}

fn find(core: &Core, id: RecordingId) -> Result<Rc<Recording>, ProtocolError> {
    core.key_state.borrow().find(id).cloned().ok_or_else(|| ErrorCode::Gone.into())
}

/// Waits for a start to come to something and answers with that.
async fn wait(core: &Rc<Core>, ask: &Ask, recording: &Rc<Recording>, part: Part, to: &Request) -> Answer {
    // Whoever waits counts as a reader, so that nothing is let go of meanwhile.
    recording.readers.set(recording.readers.get() + 1);
    let start = recording.started().await;
    let decision = match start {
        Start::Unrecorded => None,
        Start::Recorded => Some(admission::head_came(&recording.view(), ask)),
        Start::Nothing(code) => Some(admission::no_head(ask, code)),
        Start::Pending => Some(Decision::Refuse(ErrorCode::Internal)),
    };
    let answer = match decision {
        None => pass_to(core, recording, part, to),
        Some(Decision::Serve { from, ending, .. }) => serve(core, recording, from, ending, part, to),
        Some(Decision::NoContent) => respond::or_internal(respond::nothing(&to.admitted)),
        Some(Decision::Refuse(code)) => Err(code.into()),
        Some(Decision::Start | Decision::Wait(_) | Decision::AnswerAgain) => Err(ErrorCode::Internal.into()),
    };
    core.left(recording);
    answer
}

/// A body of a recording.
fn serve(
    core: &Rc<Core>,
    recording: &Rc<Recording>,
    from: u64,
    ending: Ending,
    part: Part,
    to: &Request,
) -> Answer {
    core.touch(recording);
    let head = key_state::head_of(recording);
    let machine = recording.machine();
    let cookies = if part == Part::Starter { recording.take_cookies() } else { Vec::new() };
    let headers = head.serving(&machine, from, &cookies, &to.admitted);
    let length = (ending == Ending::Clean).then(|| machine.len() - from);
    let body = body(core, recording, from, length)?;
    respond::or_internal(respond::response(head.status, &head.reason, &headers, body))
}

/// An answer that is passed through, to somebody who did not start it.
fn pass(core: &Rc<Core>, recording: &Rc<Recording>, to: &Request) -> Answer {
    pass_to(core, recording, Part::Follower, to)
}

fn pass_to(core: &Rc<Core>, recording: &Rc<Recording>, part: Part, to: &Request) -> Answer {
    let head = key_state::head_of(recording);
    let machine = recording.machine();
    let cookies = if part == Part::Starter { recording.take_cookies() } else { Vec::new() };
    let headers = head.passing(&cookies, &to.admitted);
    let length = (machine.state() == State::Complete).then(|| machine.len());
    let body = body(core, recording, 0, length)?;
    respond::or_internal(respond::response(head.status, &head.reason, &headers, body))
}

/// What a response has for a body: bytes at once where they are few and all there, otherwise a reader.
fn body(
    core: &Rc<Core>,
    recording: &Rc<Recording>,
    from: u64,
    length: Option<u64>,
) -> Result<Body, ProtocolError> {
    match length {
        Some(0) => return Ok(Body::Bytes(sys::to_js(&[]))),
        Some(length) if length <= AT_ONCE => {
            let page = core.store.page(recording.n, from, from + length, AT_ONCE as u32)?;
            if u64::from(page.length()) == length {
                return Ok(Body::Bytes(page));
            }
        }
        _ => {}
    }
    let (readable, writable) = sys::pipe(length);
    let writer = writable.get_writer().map_err(|_| ProtocolError::from(ErrorCode::Internal))?;
    let follow =
        Follow { owner: Rc::clone(core), recording: Rc::clone(recording), from, clean: length.is_some() };
    reader::spawn(follow, writer);
    Ok(Body::Stream(readable))
}

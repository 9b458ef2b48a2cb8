//! What a Durable Object does with a request: asks the protocol what becomes of it, and does that.

use std::rc::Rc;

use durablefetch_protocol::access::{Admitted, Cookies};
use durablefetch_protocol::address::Target;
use durablefetch_protocol::admission::{self, Came, Decision, Ending, Part};
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::destination::Sender;
use durablefetch_protocol::fingerprint::{self, Whose};
use durablefetch_protocol::life::Reply;
use durablefetch_protocol::request_headers::AskHead;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::route::Route;
use durablefetch_protocol::{Ask, ErrorCode, ProtocolError, State};
use http::Method;
use wasm_bindgen::JsValue;

use crate::core::Core;
use crate::front::request::Request;
use crate::front::respond::{self, Body};
use crate::front::{body, control};
use crate::js::sys;
use crate::recording::Recording;
use crate::recording::owner::Owner;
use crate::recording::reader::{self, Follow};
use crate::upstream::{self, Source, Upward};

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
    let (target, scope, ask) = match request.route(core.config()?)? {
        Route::Control { call, .. } => return control::answer(core, call, &request).await,
        Route::Fetch { target, scope, ask } => (target, scope, ask),
        // The router answers these itself.
        _ => return Err(ErrorCode::NotFound.into()),
    };
    let (source, cookies) = match target {
        Target::Upstream(to) => {
            core.config()?.access.check_upstream(&to, Sender::OwnMachine)?;
            let cookies = core.config()?.access.cookies(&to);
            let upward = request.upward(core.config()?, to);
            if request.method == Method::HEAD {
                return head(core, upward, &request.admitted).await;
            }
            (Source::Upstream(upward), cookies)
        }
        Target::Demo(id) if request.method == Method::HEAD => {
            let headers = Head::of_demo(Script::of(&id)).passing(&[], &request.admitted);
            return respond::or_internal(respond::response(200, b"", &headers, Body::Nothing));
        }
        Target::Demo(id) => (Source::Demo(Script::of(&id)), Cookies::Drop),
        _ => return Err(ErrorCode::NotFound.into()),
    };
    let whose = Whose::of_scope(scope.as_str());
    fetch(core, &request, ask, source, (whose, cookies)).await
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

async fn fetch(
    core: &Rc<Core>,
    request: &Request,
    ask: AskHead,
    source: Source,
    (whose, cookies): (Whose, Cookies),
) -> Answer {
    let body = body::read(&request.js, core.config()?.request_bytes).await?;
    let (secret, method) = (core.store().secret(), request.method.as_str());
    let fingerprint = fingerprint::of(&secret, method, &request.headers, &body, whose, cookies);
    let ask = ask.with_fingerprint(fingerprint);
    let source = source.with_body(body);

    match core.ask(&ask, source)? {
        Reply::Started(id) => wait(core, &ask, &core.find(id)?, Part::Starter, request).await,
        Reply::Decided(Decision::Wait(id)) => {
            wait(core, &ask, &core.find(id)?, Part::Follower, request).await
        }
        Reply::Decided(Decision::Serve { recording, from, ending }) => {
            serve(core, &core.find(recording)?, from, ending, Part::Follower, request)
        }
        Reply::Decided(Decision::AnswerAgain) => {
            let (head, body) = core.kept(ask.request().ok_or(ErrorCode::Internal)?)?;
            let headers = head.passing(&[], &request.admitted);
            let body = Body::Bytes(sys::to_js(&body));
            respond::or_internal(respond::response(head.status, &head.reason, &headers, body))
        }
        Reply::Decided(Decision::NoContent) => respond::or_internal(respond::nothing(&request.admitted)),
        Reply::Decided(Decision::Refuse(code)) => Err(code.into()),
        _ => Err(ErrorCode::Internal.into()),
    }
}

/// Waits for a start to come to something and answers with that.
async fn wait(core: &Rc<Core>, ask: &Ask, recording: &Rc<Recording>, part: Part, to: &Request) -> Answer {
    // It counts as a reader, so that nothing is let go of meanwhile.
    recording.readers.set(recording.readers.get() + 1);
    let start = recording.started().await;
    let answer = match admission::came(start, &recording.progress(), ask) {
        Came::Pass => pass(core, recording, part, to),
        Came::Serve { from, ending } => serve(core, recording, from, ending, part, to),
        Came::NoContent => respond::or_internal(respond::nothing(&to.admitted)),
        Came::Refuse(code) => Err(recording.why(code)),
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
    let (head, progress) = (recording.head(), recording.progress());
    let cookies = if part == Part::Starter { recording.take_cookies() } else { Vec::new() };
    let headers = head.serving(&progress, from, &cookies, &to.admitted);
    let length = (ending == Ending::Clean).then(|| progress.len() - from);
    let body = body(core, recording, from, length)?;
    respond::or_internal(respond::response(head.status, &head.reason, &headers, body))
}

/// An answer that is passed through.
fn pass(core: &Rc<Core>, recording: &Rc<Recording>, part: Part, to: &Request) -> Answer {
    let (head, progress) = (recording.head(), recording.progress());
    let cookies = if part == Part::Starter { recording.take_cookies() } else { Vec::new() };
    let headers = head.passing(&cookies, &to.admitted);
    let length = (progress.state() == State::Complete).then(|| progress.len());
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
            let page = core.store().page(recording.id, from, from + length, AT_ONCE as u32)?;
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

//! Where the bytes of a recording come from. The upstream is asked here: redirects hop by hop, each checked like the
//! first; one abort closes the connection.

pub(crate) mod decode;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use durablefetch_protocol::access::Cookies;
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::coding::Codings;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::destination::Sender;
use durablefetch_protocol::hush::hush;
use durablefetch_protocol::redirect::{Chase, redirected};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use futures_util::future::{Either, pending, select};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};
use worker::Socket;

use crate::config::Config;
use crate::js::{self, sys};

/// How long an upstream may take to accept a connection when it is asked only whether it does.
const PROBE: Duration = Duration::from_secs(5);

/// How many characters of an error are logged.
const LOGGED: usize = 300;

/// What a pump reads.
pub(crate) enum Source {
    /// An upstream, over HTTP.
    Upstream(Upward),
    /// The built-in event stream.
    Demo(Script),
}

impl Source {
    /// Adds the request's body.
    pub(crate) fn with_body(self, body: Vec<u8>) -> Self {
        match self {
            Self::Upstream(upward) => Self::Upstream(Upward { body, ..upward }),
            Self::Demo(script) => Self::Demo(script),
        }
    }
}

/// A request to an upstream.
pub(crate) struct Upward {
    pub(crate) to: Upstream,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) own: Rc<Own>,
}

/// What the upstream answered.
pub(crate) struct Opened {
    pub(crate) head: Head,
    pub(crate) cookies: Vec<HeaderValue>,
    pub(crate) body: Option<web_sys::ReadableStream>,
    /// `content-length`, which the answer to a HEAD keeps.
    pub(crate) length: Option<HeaderValue>,
    /// Of its body.
    pub(crate) codings: Codings,
}

/// What aborts a request.
pub(crate) fn controller() -> Result<web_sys::AbortController, ProtocolError> {
    web_sys::AbortController::new().map_err(|_| ErrorCode::Internal.into())
}

/// Asks, follows redirects and returns at the head of the answer. `is_over` tells whether the asker has gone meanwhile.
pub(crate) async fn open(
    config: &Config,
    upward: Upward,
    controller: web_sys::AbortController,
    is_over: impl Fn() -> bool,
) -> Result<Opened, ProtocolError> {
    let Upward { to, method, headers, body, own } = upward;
    let body = Some(body).filter(|body| !body.is_empty());
    let cookies = config.access.cookies(&to);
    let mut chase = Chase::new(to, method, headers, cookies);
    let signal = controller.signal();
    let timed_out = Rc::new(Cell::new(false));
    let timer = {
        let (timed_out, controller) = (Rc::clone(&timed_out), controller.clone());
        sys::Timer::after(config.header_timeout, move || {
            timed_out.set(true);
            controller.abort();
        })
    };
    loop {
        let asked = {
            let asking = pin!(ask(&chase, body.as_deref(), &signal));
            match select(asking, pin!(not_connected(chase.at(), config.connect_timeout))).await {
                Either::Left((asked, _)) => asked,
                Either::Right((late, _)) => {
                    controller.abort();
                    return Err(told(config, late));
                }
            }
        };
        let response = match asked {
            Ok(response) => response,
            Err(_) if timed_out.get() => return Err(ErrorCode::UpstreamTimeout.into()),
            // Its end has begun; nobody asks why.
            Err(_) if is_over() => return Err(ErrorCode::UpstreamFailed.into()),
            Err(_) => return Err(told(config, classify(chase.at()).await)),
        };
        let status = StatusCode::from_u16(response.status()).map_err(|_| ErrorCode::UpstreamFailed)?;
        let answered = js::headers::from_js(&response.headers());
        // Its address is not known here, so its URL has to tell.
        let from = Sender::redirecting(chase.at().is_loopback());
        if !chase.follow(status, &answered, &own, |to| config.access.crossing(to))? {
            drop(timer);
            return opened(&response, &answered, chase.cookies()).inspect_err(|_| discard(&response));
        }
        discard(&response);
        config.access.check_upstream(chase.at(), from).map_err(redirected)?;
    }
}

async fn ask(
    chase: &Chase,
    body: Option<&[u8]>,
    signal: &web_sys::AbortSignal,
) -> Result<web_sys::Response, JsValue> {
    let init = Object::new();
    sys::set(&init, "method", &chase.method().as_str().into());
    let sent: JsValue = js::headers::to_js(chase.headers())?.into();
    sys::set(&init, "headers", &sent);
    sys::set(&init, "redirect", &"manual".into());
    sys::set(&init, "signal", signal);
    // JavaScript's fetch takes no body with these.
    if !matches!(*chase.method(), Method::GET | Method::HEAD)
        && chase.sends_body()
        && let Some(body) = body
    {
        sys::set(&init, "body", &sys::to_js(body));
    }
    Ok(sys::fetch(chase.at().url().as_str(), &init).await?.unchecked_into())
}

fn opened(
    response: &web_sys::Response,
    answered: &HeaderMap,
    cookies: Cookies,
) -> Result<Opened, ProtocolError> {
    let codings = decode::codings(answered)?;
    let reason = js::headers::bytes(&response.status_text());
    let head = Head::of_upstream(response.status(), reason, answered)?;
    let cookies = match cookies {
        Cookies::Pass => answered.get_all(header::SET_COOKIE).iter().cloned().collect(),
        Cookies::Drop => Vec::new(),
    };
    let length = answered.get(header::CONTENT_LENGTH).cloned();
    Ok(Opened { head, cookies, body: response.body(), length, codings })
}

/// The body of a redirect is nobody's, nor is that of an answer that is none.
fn discard(response: &web_sys::Response) {
    if let Some(body) = response.body() {
        wasm_bindgen_futures::spawn_local(async move {
            // It may have ended already; then there is nothing to cancel.
            let _ = wasm_bindgen_futures::JsFuture::from(body.cancel()).await;
        });
    }
}

/// Why the connection failed, as far as the asker may know it.
fn told(config: &Config, error: ProtocolError) -> ProtocolError {
    if config.access.tells_why() {
        return error;
    }
    // A host's name is the app's to choose, and may be long.
    let why: String = error.to_string().chars().take(LOGGED).collect();
    worker::console_log!("an upstream did not answer: {why}");
    hush(error)
}

/// A fetch that came to nothing says no more than "Network connection lost". Whether the upstream can be
/// connected to at all is asked anew, without sending it anything.
async fn classify(to: &Upstream) -> ProtocolError {
    match connect(to, PROBE).await {
        Connection::Taken => ErrorCode::UpstreamFailed.into(),
        Connection::Refused(why) => unreachable(to, &why),
        Connection::Pending => unreachable(to, &no_connection_within(PROBE)),
    }
}

/// Comes back when no head has come after so long because no connection was made. The platform does not tell whether
/// there is one, so another one is tried, and only what that leaves unanswered too counts.
async fn not_connected(to: &Upstream, patience: Duration) -> ProtocolError {
    sys::sleep(patience).await;
    match connect(to, PROBE.min(patience)).await {
        Connection::Pending => unreachable(to, &no_connection_within(patience)),
        Connection::Taken | Connection::Refused(_) => pending().await,
    }
}

/// What becomes of a connection that is only tried.
enum Connection {
    Taken,
    Refused(String),
    /// Nothing, for as long as it was waited for.
    Pending,
}

async fn connect(to: &Upstream, patience: Duration) -> Connection {
    let url = to.url();
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Connection::Refused("its URL names no host and port".into());
    };
    let socket = match Socket::builder().connect(host, port) {
        Ok(socket) => socket,
        Err(error) => return Connection::Refused(error.to_string()),
    };
    let opened = pin!(socket.opened());
    let waited = pin!(sys::sleep(patience));
    match select(opened, waited).await {
        Either::Left((Ok(_), _)) => Connection::Taken,
        Either::Left((Err(error), _)) => Connection::Refused(error.to_string()),
        Either::Right(_) => Connection::Pending,
    }
}

fn unreachable(to: &Upstream, why: &str) -> ProtocolError {
    let message = format!("the upstream `{}` could not be connected to: {why}", to.url().authority());
    ProtocolError::new(ErrorCode::UpstreamUnreachable, message)
}

fn no_connection_within(patience: Duration) -> String {
    format!("no connection within {patience:?}")
}

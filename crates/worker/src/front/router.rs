//! The Worker in front: answers what needs no key, and passes the rest to the Durable Object of its key.

use core::pin::pin;

use durablefetch_protocol::address::{Control, Target, Upstream};
use durablefetch_protocol::control_json::ControlRequest;
use durablefetch_protocol::destination::Sender;
use durablefetch_protocol::route::Route;
use durablefetch_protocol::{ErrorCode, Key, ProtocolError, cors, request_headers, response_head};
use futures_util::stream::{self, StreamExt};
use wasm_bindgen::JsValue;
use worker::{Context, Env, Response, Result, event};

use super::request::Request;
use super::{body, page, respond};
use crate::config::{self, Config};
use crate::js::sys;

/// The binding of the Durable Objects.
const RECORDINGS: &str = "RECORDINGS";
/// How many objects a list is asked of at a time: as many as the platform has open connections for one request.
const OBJECTS_AT_ONCE: usize = 6;

#[event(fetch)]
async fn fetch(request: worker::Request, env: Env, _context: Context) -> Result<Response> {
    let config = config::of(&env);
    let response = match config.as_ref() {
        Ok(config) => route(request, &env, config).await,
        Err(why) => page::misconfigured(why),
    };
    Ok(Response::from(response?))
}

async fn route(
    request: worker::Request,
    env: &Env,
    config: &Config,
) -> core::result::Result<web_sys::Response, JsValue> {
    let request = match Request::read(Clone::clone(request.inner()), config) {
        Ok(request) => request,
        Err(error) => return respond::error(&error, None),
    };
    let admitted = request.admitted.clone();
    match dispatch(request, env, config).await {
        Ok(response) => Ok(response),
        Err(Failed::Protocol(error)) => respond::error(&error, Some(&admitted)),
        Err(Failed::Js(error)) => {
            worker::console_error!("{error:?}");
            respond::error(&ErrorCode::Internal.into(), Some(&admitted))
        }
    }
}

/// Why no answer has come yet.
enum Failed {
    Protocol(ProtocolError),
    Js(JsValue),
}

impl From<ProtocolError> for Failed {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<ErrorCode> for Failed {
    fn from(code: ErrorCode) -> Self {
        Self::Protocol(code.into())
    }
}

impl From<JsValue> for Failed {
    fn from(error: JsValue) -> Self {
        Self::Js(error)
    }
}

async fn dispatch(
    request: Request,
    env: &Env,
    config: &Config,
) -> core::result::Result<web_sys::Response, Failed> {
    if cors::is_preflight(&request.method, &request.headers) {
        let headers = response_head::preflight(&request.admitted, &request.headers);
        return Ok(respond::response(204, b"", &headers, respond::Body::Nothing)?);
    }
    let admitted = &request.admitted;
    match request.route(config)? {
        Route::Fetch { target, scope, .. } => {
            let key = target.key(&scope).ok_or(ErrorCode::Internal)?;
            to_object(env, &key, request.into_js()).await
        }
        Route::Control { call, scope } => to_control(env, config, &scope, call, request).await,
        Route::Page => Ok(page::page(&request)?),
        Route::Healthz => Ok(respond::own(200, "application/json", r#"{"ok":true}"#, admitted)?),
        // The platform starts as many as it takes.
        Route::Readyz => Ok(respond::own(200, "application/json", r#"{"ready":true}"#, admitted)?),
        // Counters of one isolate of many would be wrong; the platform counts requests itself.
        Route::Metrics => {
            let why = "this recorder runs on Workers, which have metrics of their own: see the dashboard";
            Err(ProtocolError::new(ErrorCode::NotFound, why).into())
        }
        Route::Robots => Ok(respond::own(200, "text/plain", "User-agent: *\nDisallow: /\n", admitted)?),
        Route::Icon => Ok(respond::nothing(admitted)?),
        Route::WrongMethod(methods) => Ok(respond::wrong_method(methods, admitted)?),
    }
}

/// Reads whose key a control call is for, and passes it on with its body.
async fn to_control(
    env: &Env,
    config: &Config,
    scope: &str,
    call: Control,
    request: Request,
) -> core::result::Result<web_sys::Response, Failed> {
    let body = body::read_control(&request.js).await?;
    let control = ControlRequest::parse(&body)?;
    if control.urls.is_empty() {
        let target = request.own.resolve(Upstream::parse(&control.url)?)?;
        request_headers::check_for(&request.headers, &target, &request.own)?;
        if let (Control::Stop | Control::Delete, Target::Upstream(upstream)) = (call, &target) {
            config.access.check_upstream(upstream, Sender::OwnMachine)?;
        }
        return ask_object(env, scope, &target, &request, &body).await;
    }
    // Each key has an object of its own, and each says what it would have said.
    let request = &request;
    let asks = control.questions(call)?.into_iter().map(|question| async move {
        let target = request.own.resolve(Upstream::parse(&question.url)?)?;
        let body = serde_json::to_vec(&question).map_err(|_| Failed::from(ErrorCode::Internal))?;
        ask_object(env, scope, &target, request, &body).await
    });
    let mut responses = pin!(stream::iter(asks).buffered(OBJECTS_AT_ONCE));
    let mut all = Vec::new();
    while let Some(response) = responses.next().await {
        let response = response?;
        if !response.ok() {
            return Ok(response);
        }
        let text = wasm_bindgen_futures::JsFuture::from(response.text()?).await?;
        all.push(text.as_string().unwrap_or_default());
    }
    let list = format!("[{}]", all.join(","));
    Ok(respond::own(200, "application/json", &list, &request.admitted)?)
}

async fn ask_object(
    env: &Env,
    scope: &str,
    target: &Target,
    request: &Request,
    body: &[u8],
) -> core::result::Result<web_sys::Response, Failed> {
    let key = target.key(scope).ok_or(ErrorCode::Internal)?;
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_headers(&request.js.headers());
    init.set_body(&sys::to_js(body));
    let passed = web_sys::Request::new_with_str_and_init(&request.js.url(), &init)?;
    to_object(env, &key, passed.into()).await
}

async fn to_object(
    env: &Env,
    key: &Key,
    request: JsValue,
) -> core::result::Result<web_sys::Response, Failed> {
    let failed = |error: worker::Error| Failed::Js(JsValue::from_str(&error.to_string()));
    // Neither a scope nor a URL contains a line feed.
    let name = format!("{}\n{}", key.scope(), key.url());
    let stub =
        env.durable_object(RECORDINGS).and_then(|objects| objects.get_by_name(&name)).map_err(failed)?;
    let request = worker::Request::from(wasm_bindgen::JsCast::unchecked_into::<web_sys::Request>(request));
    let response = stub.fetch_with_request(request).await.map_err(failed)?;
    Ok(response.into())
}

//! One request: who asks, for what, and who answers it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use durablefetch_protocol::address::{Target, Upstream, parse_target};
use durablefetch_protocol::ask::{self, AskHead};
use durablefetch_protocol::guard::Admitted as Allowed;
use durablefetch_protocol::{Ask, ErrorCode, Fingerprint, ProtocolError, cors, name};
use http::header;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::admit::admit;
use crate::app::App;
use crate::connection::Watches;
use crate::respond::{self, Answer, Body};
use crate::source::Source;
use crate::{control, page, upstream};

/// Answers one request.
pub(crate) async fn handle(app: Arc<App>, watches: Watches, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let (allowed, mut response) = match app.guard.check(authority, &parts.headers) {
        Err(error) => (Allowed { origin: None }, respond::error(&error)),
        Ok(allowed) if cors::is_preflight(&parts.method, &parts.headers) => {
            let mut response = respond::empty(StatusCode::NO_CONTENT);
            response.headers_mut().extend(cors::preflight(&allowed, &parts.headers));
            return Ok(response);
        }
        Ok(allowed) => {
            let answered = route(&app, &watches, parts, body).await;
            (allowed, answered.unwrap_or_else(|error| respond::error(&error)))
        }
    };
    cors::add_to_response(&allowed, response.headers_mut());
    Ok(response)
}

async fn route(
    app: &Arc<App>,
    watches: &Watches,
    parts: Parts,
    body: Incoming,
) -> Result<Response<Body>, ProtocolError> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = ask::single(&parts.headers, name::URL)?;
    match parse_target(path, url, &app.own)? {
        target @ (Target::Upstream(_) | Target::Demo(_)) => fetch(app, watches, parts, body, target).await,
        Target::Control(call) => {
            if parts.method != Method::POST {
                return Ok(wrong_method("POST"));
            }
            let body = read(body, &parts, durablefetch_protocol::control::CONTROL_BODY_MAX as u64).await?;
            control::answer(app, call, &body).await
        }
        Target::Page => only_get(&parts, || page::page(&app.config.base_path)),
        Target::Healthz => {
            only_get(&parts, || respond::own(StatusCode::OK, "application/json", r#"{"ok":true}"#))
        }
        Target::WellKnown("robots.txt") => {
            only_get(&parts, || respond::own(StatusCode::OK, "text/plain", "User-agent: *\nDisallow: /\n"))
        }
        Target::WellKnown(_) => only_get(&parts, page::icon),
        Target::Metrics => Err(ErrorCode::NotFound.into()),
    }
}

async fn fetch(
    app: &Arc<App>,
    watches: &Watches,
    parts: Parts,
    body: Incoming,
    target: Target,
) -> Result<Response<Body>, ProtocolError> {
    let Some(key) = target.key("") else { return Err(ErrorCode::NotFound.into()) };
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Ok(wrong_method("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    let ask = AskHead::parse(&parts.method, &parts.headers)?;
    if let Target::Upstream(upstream) = &target {
        app.upstreams.check(upstream, &parts.headers)?;
    }
    let body = match ask {
        AskHead::Continue { .. } => Bytes::new(),
        AskHead::Fetch { .. } => read(body, &parts, app.config.limits.request_bytes).await?,
    };
    if parts.method == Method::HEAD {
        return head(app, parts, target).await;
    }
    let ask: Ask = ask.with_fingerprint(Fingerprint::of(&app.secret, parts.method.as_str(), &body));
    let watch = watches.watch(parts.version);
    let source = match target {
        Target::Upstream(upstream) => Source::Http(Box::new(asked(upstream, parts, body))),
        _ => Source::Demo,
    };
    let admitted = admit(app, app.keys.entry(&key), ask, source).await?;
    Ok(respond::admitted(admitted, watch))
}

fn asked(upstream: Upstream, parts: Parts, body: Bytes) -> upstream::Request {
    upstream::Request { upstream, method: parts.method, headers: parts.headers, body }
}

/// `HEAD` is passed through and leaves nothing behind.
async fn head(app: &App, parts: Parts, target: Target) -> Result<Response<Body>, ProtocolError> {
    let source = match target {
        Target::Upstream(upstream) => Source::Http(Box::new(asked(upstream, parts, Bytes::new()))),
        _ => Source::Demo,
    };
    let opening = tokio::time::timeout(app.config.limits.header_timeout, source.open(&app.upstreams));
    let opened = opening.await.map_err(|_| ProtocolError::from(ErrorCode::UpstreamTimeout))??;
    let mut response = respond::upstreams(&opened.head, Body::Whole(None));
    let headers = response.headers_mut();
    headers.insert(name::STATE, HeaderValue::from_static(name::UNRECORDED));
    for cookie in opened.cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Reads a request body whole, so that a cut one starts nothing.
async fn read(mut body: Incoming, parts: &Parts, limit: u64) -> Result<Bytes, ProtocolError> {
    let too_large = || {
        ProtocolError::new(
            ErrorCode::RequestTooLarge,
            format!("the request body is longer than the {limit} bytes that this recorder takes"),
        )
    };
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let said: u64 = said.unwrap_or(0);
    if said > limit && parts.headers.contains_key(header::EXPECT) {
        // Whoever asks first need not send it.
        return Err(too_large());
    }
    let mut whole = BytesMut::with_capacity(said.min(limit) as usize);
    let mut seen: u64 = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ProtocolError::from(ErrorCode::RequestIncomplete))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len() as u64;
        if seen <= limit {
            whole.extend_from_slice(&data);
        } else if seen > limit.saturating_mul(2) + (1 << 20) {
            // Up to here it is read to its end, so that the answer is not lost in the closing of the connection.
            break;
        }
    }
    if seen > limit { Err(too_large()) } else { Ok(whole.freeze()) }
}

fn only_get(parts: &Parts, answer: impl FnOnce() -> Response<Body>) -> Result<Response<Body>, ProtocolError> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(wrong_method("GET, HEAD"));
    }
    Ok(answer())
}

fn wrong_method(allow: &'static str) -> Response<Body> {
    let mut response = respond::error(&ErrorCode::MethodNotAllowed.into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

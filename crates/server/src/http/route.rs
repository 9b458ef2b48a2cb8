//! One request: who asks, for what, and who answers it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use durablefetch_protocol::access::{Admitted as Allowed, Cookies, scope_name};
use durablefetch_protocol::address::{Control, Target};
use durablefetch_protocol::control_json::CONTROL_BODY_MAX;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::fingerprint::{self, Whose};
use durablefetch_protocol::request_headers::AskHead;
use durablefetch_protocol::route::{Route, Rules};
use durablefetch_protocol::{Ask, ErrorCode, Fingerprint, ProtocolError, cors, name};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;
use tracing::Instrument;

use crate::clock::now_ms;
use crate::http::forward::{Located, Whole, locate};
use crate::http::over::{Over, Standing};
use crate::http::respond::{self, Answer, Body, Logged};
use crate::http::{control, page};
use crate::keys::admit::admit;
use crate::net::connection::Answering;
use crate::observe::log::{Asker, Line};
use crate::observe::metrics;
use crate::readiness::Readiness;
use crate::recorder::Recorder;
use crate::uploads::Uploaded;
use crate::upstream::http::UpstreamRequest;
use crate::upstream::source::Source;

/// Answers one request.
pub(crate) async fn handle(
    recorder: Arc<Recorder>,
    answering: Answering,
    over: Over,
    request: Request<Incoming>,
) -> Answer {
    let mut line = recorder.log.line(&request);
    let is_http1 = request.version() <= http::Version::HTTP_11;
    let span = line.span();
    let mut response = answer(&recorder, answering, over, request, &mut line).instrument(span).await;
    if line.is_told_who
        && !response.headers().contains_key(name::NODE)
        && let Some(node) = recorder.config.node.as_deref().and_then(|node| HeaderValue::from_str(node).ok())
    {
        response.headers_mut().insert(name::NODE, node);
    }
    if is_http1 && !over.is_forwarded && recorder.placement.sends_away() {
        // The next request comes over a connection to another process.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    line.answered(&response);
    recorder.metrics.answered(response.status().as_u16(), line.since());
    Ok(response.map(|body| Logged::new(body, line)))
}

async fn answer(
    recorder: &Arc<Recorder>,
    answering: Answering,
    over: Over,
    request: Request<Incoming>,
    line: &mut Line,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let allowed = match recorder.rules().access.check(authority, &parts.headers) {
        Ok(allowed) => allowed,
        Err(error) => return refuse(recorder, &Allowed::nobody(), &error),
    };
    if cors::is_preflight(&parts.method, &parts.headers) {
        line.is_routine = true;
        return respond::preflight(&allowed, &parts.headers);
    }
    let answered = route(recorder, &allowed, &answering, over, parts, body, line).await;
    answered.unwrap_or_else(|error| refuse(recorder, &allowed, &error))
}

fn refuse(recorder: &Recorder, allowed: &Allowed, error: &ProtocolError) -> Response<Body> {
    recorder.metrics.refused(error.code);
    recorder.refusals.refused(error, now_ms());
    respond::error(allowed, error)
}

async fn route(
    recorder: &Arc<Recorder>,
    allowed: &Allowed,
    answering: &Answering,
    over: Over,
    parts: Parts,
    body: Incoming,
    line: &mut Line,
) -> Result<Response<Body>, ProtocolError> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let current = recorder.rules();
    let rules = Rules {
        own: &recorder.own,
        scoping: &current.scoping,
        secret: &recorder.secret,
        now_s: now_ms() / 1000,
    };
    let route = Route::read(&parts.method, path, &parts.headers, &rules)?;
    if over.standing == Standing::Beyond && !matches!(route, Route::Healthz | Route::Readyz | Route::Metrics)
    {
        // Read, so that the answer is not lost in the closing of the connection.
        let _ = read(recorder, body, &parts, recorder.config.limits.request_bytes).await;
        return Err(ErrorCode::TooManyConnections.into());
    }
    line.is_routine =
        matches!(route, Route::Healthz | Route::Readyz | Route::Metrics | Route::Robots | Route::Icon);
    match route {
        Route::Fetch { target, scope, ask } => {
            line.is_told_who = true;
            let client = recorder.config.trusted_proxies.client(over.peer, &parts.headers);
            line.scope = scope_name(&recorder.secret, &scope);
            if let AskHead::Continue { offset, .. } = &ask {
                line.offset = Some(*offset);
            }
            let asker = Arc::clone(&line.asker);
            let asked = Asked { client, over, parts, body, target, ask, asker };
            fetch(recorder, allowed, &scope, answering, asked).await
        }
        Route::Control { call, scope } => {
            line.is_told_who = true;
            line.scope = scope_name(&recorder.secret, &scope);
            let body = read(recorder, body, &parts, CONTROL_BODY_MAX as u64).await?;
            let whole = Whole {
                over,
                answering,
                parts: &parts,
                body: &body.bytes,
                only_reads: call == Control::InProgress,
                is_noted: false,
                // What is stopped is stopped, and what is deleted is gone.
                is_repeatable: true,
            };
            control::answer(recorder, allowed, &scope, call, &whole).await
        }
        Route::Page => Ok(page::page(allowed, &recorder.config.base_path)),
        Route::Healthz => Ok(respond::own(allowed, "application/json", r#"{"ok":true}"#)),
        Route::Readyz => Ok(respond::ready(allowed, &Readiness::of(&recorder.unready().await))),
        Route::Robots => Ok(respond::own(allowed, "text/plain", "User-agent: *\nDisallow: /\n")),
        Route::Icon => Ok(page::icon(allowed)),
        Route::Metrics if !current.access.is_local() => Err(ProtocolError::new(
            ErrorCode::NotFound,
            "a recorder with a public origin tells its metrics where --metrics-listen says, and not here",
        )),
        Route::Metrics => Ok(respond::own(allowed, metrics::CONTENT_TYPE, recorder.metrics_text())),
        Route::WrongMethod(methods) => Ok(respond::wrong_method(allowed, methods)),
    }
}

/// A request for what is recorded.
struct Asked {
    /// Where it comes from.
    client: IpAddr,
    over: Over,
    parts: Parts,
    body: Incoming,
    target: Target,
    ask: AskHead,
    asker: Arc<Asker>,
}

async fn fetch(
    recorder: &Arc<Recorder>,
    allowed: &Allowed,
    scope: &str,
    answering: &Answering,
    Asked { client, over, parts, body, target, ask, asker }: Asked,
) -> Result<Response<Body>, ProtocolError> {
    let Some(key) = target.key(scope) else { return Err(ErrorCode::NotFound.into()) };
    if let Target::Upstream(upstream) = &target {
        recorder.rules().upstreams.check(upstream, &parts.headers)?;
    }
    let body = match ask {
        AskHead::Continue { .. } => Uploaded::default(),
        AskHead::Fetch { .. } => read(recorder, body, &parts, recorder.config.limits.request_bytes).await?,
    };
    if parts.method == Method::HEAD {
        // It takes as much of the recorder as a recording does, for a while.
        let _seat = recorder.may_start(&key, ask.allowance(), 0)?;
        return head(recorder, allowed, (scope, client), parts, target).await;
    }
    let fingerprint = fingerprint(recorder, &target, &parts, &body.bytes, scope);
    let ask: Ask = ask.with_fingerprint(fingerprint);
    let whole = Whole {
        over,
        answering,
        parts: &parts,
        body: &body.bytes,
        only_reads: ask.only_reads(),
        is_noted: ask.request().is_some(),
        is_repeatable: ask.only_reads() || ask.request().is_some(),
    };
    let entry = match locate(recorder, &key, &whole).await? {
        Located::Here(entry) => entry,
        Located::Answered(response) => return Ok(response),
    };
    let watch = answering.watch(parts.version);
    let source = source(target, (scope, client), parts, body)?;
    let admitted = admit(recorder, entry, ask, source, Some(asker)).await?;
    Ok(respond::admitted(allowed, admitted, watch))
}

/// What answers a request for this target.
fn source(
    target: Target,
    (scope, client): (&str, IpAddr),
    Parts { method, headers, .. }: Parts,
    body: Uploaded,
) -> Result<Source, ProtocolError> {
    match target {
        Target::Upstream(upstream) => Ok(Source::Http(Box::new(UpstreamRequest {
            upstream,
            scope: scope.into(),
            client,
            method,
            headers,
            body,
        }))),
        Target::Demo(id) => Ok(Source::Demo(Script::of(&id))),
        _ => Err(ErrorCode::NotFound.into()),
    }
}

fn fingerprint(recorder: &Recorder, target: &Target, parts: &Parts, body: &[u8], scope: &str) -> Fingerprint {
    let cookies = match target {
        Target::Upstream(upstream) => recorder.rules().access.cookies(upstream),
        _ => Cookies::Drop,
    };
    let whose = Whose::of_scope(scope);
    fingerprint::of(&recorder.secret, parts.method.as_str(), &parts.headers, body, whose, cookies)
}

/// `HEAD` is passed through and leaves nothing behind.
async fn head(
    recorder: &Recorder,
    allowed: &Allowed,
    from: (&str, IpAddr),
    parts: Parts,
    target: Target,
) -> Result<Response<Body>, ProtocolError> {
    let source = source(target, from, parts, Uploaded::default())?;
    let rules = recorder.rules();
    let opened = source
        .open(&rules.upstreams, recorder.config.limits.header_timeout)
        .await
        .map_err(|failed| failed.error)
        .inspect_err(|error| recorder.metrics.upstream_error(error.code))?;
    let mut response = respond::passing(allowed, &opened.head, &opened.cookies, Body::Whole(None));
    if let Some(length) = opened.length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    Ok(response)
}

/// A request body may take so many times the patience that its client has within it.
const TOTAL_PATIENCES: u32 = 20;

/// Reads a request body whole, so that a cut one starts nothing.
async fn read(
    recorder: &Recorder,
    mut body: Incoming,
    parts: &Parts,
    limit: u64,
) -> Result<Uploaded, ProtocolError> {
    let too_large = || {
        ProtocolError::new(
            ErrorCode::RequestTooLarge,
            format!("the request body is longer than the {limit} bytes that this recorder takes"),
        )
    };
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let said: u64 = said.unwrap_or(0);
    if said > limit && parts.headers.contains_key(header::EXPECT) {
        // A client that asks first need not send it.
        return Err(too_large());
    }
    let mut upload = Some(recorder.uploads.begin(said.min(limit)));
    let mut seen: u64 = 0;
    let patience = recorder.config.limits.request_timeout;
    let until = Instant::now() + patience * TOTAL_PATIENCES;
    loop {
        let left = until.saturating_duration_since(Instant::now()).min(patience);
        let Ok(frame) = timeout(left, body.frame()).await else {
            let why = if left < patience {
                format!("the request body did not come within {:?}", patience * TOTAL_PATIENCES)
            } else {
                format!("nothing came of the request body for {patience:?}")
            };
            return Err(ProtocolError::new(
                ErrorCode::RequestIncomplete,
                format!("{why}; nothing was started"),
            ));
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| ProtocolError::from(ErrorCode::RequestIncomplete))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len() as u64;
        if let Some(kept) = &mut upload
            && (seen > limit || !kept.push(&data))
        {
            // What is there is of no use any more.
            upload = None;
        }
        if upload.is_none() && seen > limit.saturating_mul(2) + (1 << 20) {
            // Up to here it is read to its end, so that the answer is not lost in the closing of the connection.
            break;
        }
    }
    match upload {
        Some(upload) => Ok(upload.finish()),
        None if seen > limit => Err(too_large()),
        None => Err(ErrorCode::TooManyUploads.into()),
    }
}

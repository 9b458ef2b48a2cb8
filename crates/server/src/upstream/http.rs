//! Asking an upstream over HTTP: headers, redirects, loops, coded bodies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durablefetch_protocol::access::{Access, Cookies};
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::destination::Sender;
use durablefetch_protocol::redirect::{Chase, redirected};
use durablefetch_protocol::request_headers::to_upstream;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError, map, via};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Version};
use http_body::Body as _;
use hyper::ext::ReasonPhrase;

use crate::config::Config;
use crate::error::StartError;
use crate::upstream::checked_client::{self, CheckedClients, Way};
use crate::upstream::opened::{NotOpened, Opened};

/// What to ask an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamRequest {
    pub(crate) upstream: Upstream,
    pub(crate) method: Method,
    /// As they came to the recorder.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The client that asks upstreams.
#[derive(Debug)]
pub(crate) struct Upstreams {
    clients: CheckedClients,
    access: Access,
    own: Own,
    /// This recorder's name in `via`.
    pseudonym: String,
}

impl Upstreams {
    pub(crate) fn new(config: &Config, secret: &[u8; 32], port: u16) -> Result<Self, StartError> {
        let clients = CheckedClients::new(config)
            .map_err(|error| StartError::Client(checked_client::causes(&error)))?;
        // Names this recorder to itself, and tells others nothing.
        let hash = durablefetch_protocol::Fingerprint::of(secret, "via", &port.to_le_bytes());
        let pseudonym: String = hash.0[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            clients,
            access: config.access(),
            own: config.own(port),
            pseudonym: format!("durablefetch-{pseudonym}"),
        })
    }

    /// Refuses what may not be fetched, before anything is started.
    pub(crate) fn check(&self, upstream: &Upstream, headers: &HeaderMap) -> Result<(), ProtocolError> {
        via::check(headers, &self.pseudonym)?;
        self.clients.way(upstream, Sender::OwnMachine).map(drop)
    }

    /// Asks, follows redirects, and waits for the head.
    pub(crate) async fn open(&self, request: UpstreamRequest) -> Result<Opened<UpstreamBody>, NotOpened> {
        let UpstreamRequest { upstream: to, method, headers, body } = request;
        let cookies = self.access.cookies(&to);
        let mut headers = to_upstream(&headers, cookies);
        via::append(&mut headers, &self.pseudonym);
        let mut way = self.clients.way(&to, Sender::OwnMachine).map_err(NotOpened::unheard)?;
        let mut chase = Chase::new(to, method, headers, cookies);
        loop {
            let response = self.ask(&way, &chase, &body).await.map_err(|error| match error.code {
                // What is refused before a connection, or finds none. A later hop follows an answer.
                ErrorCode::UpstreamUnreachable | ErrorCode::UpstreamNotAllowed | ErrorCode::InvalidUrl
                    if chase.is_first() =>
                {
                    NotOpened::unheard(error)
                }
                _ if chase.is_first() => NotOpened::heard(error),
                _ => NotOpened::heard(redirected(error)),
            })?;
            let cookies = |to: &Upstream| self.access.cookies(to);
            let follows = chase.follow(response.status(), response.headers(), &self.own, cookies);
            if !follows.map_err(NotOpened::heard)? {
                return opened(response, chase.cookies()).map_err(NotOpened::heard);
            }
            way = self
                .clients
                .way(chase.at(), checked_client::sender(response.remote_addr()))
                .map_err(|error| NotOpened::heard(redirected(error)))?;
        }
    }

    async fn ask(&self, way: &Way, chase: &Chase, body: &Bytes) -> Result<reqwest::Response, ProtocolError> {
        let at = chase.at();
        let mut request = reqwest::Request::new(chase.method().clone(), way.url.clone());
        *request.headers_mut() = chase.headers().clone();
        if way.is_mapped {
            known_as(at, request.headers_mut());
        }
        let body = if chase.sends_body() { body.clone() } else { Bytes::new() };
        if !body.is_empty() || matches!(*chase.method(), Method::POST | Method::PUT | Method::PATCH) {
            *request.body_mut() = Some(body.into());
        }
        self.clients.get(way).execute(request).await.map_err(|error| {
            if let Some(refused) = checked_client::refused(&error) {
                return refused.explain(at);
            }
            let code = if error.is_builder() {
                ErrorCode::InvalidUrl
            } else if error.is_connect() {
                ErrorCode::UpstreamUnreachable
            } else {
                ErrorCode::UpstreamFailed
            };
            let why = checked_client::causes(&error.without_url());
            tracing::info!(%code, host = at.url().authority(), "an upstream did not answer: {why}");
            match code {
                // The likeliest mistake of all: whoever made it sees which name or port it was.
                ErrorCode::UpstreamUnreachable => {
                    let host = at.url().authority();
                    ProtocolError::new(
                        code,
                        format!("the upstream `{host}` could not be connected to: {why}"),
                    )
                }
                _ => code.into(),
            }
        })
    }
}

/// Tells a mapped app under which origin it was asked for, as a proxy in front of it would.
fn known_as(asked: &Upstream, headers: &mut HeaderMap) {
    let Ok(host) = HeaderValue::try_from(map::authority(asked)) else { return };
    headers.insert(header::HOST, host.clone());
    headers.insert("x-forwarded-host", host);
    let proto = if asked.url().scheme() == "https" { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
}

fn opened(response: reqwest::Response, cookies: Cookies) -> Result<Opened<UpstreamBody>, ProtocolError> {
    let response = http::Response::<reqwest::Body>::from(response);
    let (parts, body) = response.into_parts();
    // What reqwest can decode it has decoded, and taken the header away.
    let coding = parts.headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ProtocolError::new(
            ErrorCode::UpstreamFailed,
            "the upstream coded its answer in a way that the recorder cannot decode (content-encoding)",
        ));
    }
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => phrase.as_bytes().to_vec(),
        None if parts.version >= Version::HTTP_2 => Vec::new(),
        None => parts.status.canonical_reason().unwrap_or_default().into(),
    };
    let cookies = match cookies {
        Cookies::Pass => parts.headers.get_all(header::SET_COOKIE).iter().cloned().collect(),
        Cookies::Drop => Vec::new(),
    };
    Ok(Opened {
        head: Head::of_upstream(parts.status.as_u16(), reason, &parts.headers),
        cookies,
        length: parts.headers.get(header::CONTENT_LENGTH).cloned(),
        body: UpstreamBody(body),
    })
}

/// An upstream's body, decoded.
#[derive(Debug)]
pub(crate) struct UpstreamBody(reqwest::Body);

impl UpstreamBody {
    /// The next chunk. An error where the body is shorter than was said, or cut.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(io::Error::other(checked_client::causes(&error)))));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    // Trailers are not recorded.
                    Ok(_) | Err(_) => {}
                },
            }
        }
    }
}

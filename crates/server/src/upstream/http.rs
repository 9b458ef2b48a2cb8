//! Asking an upstream over HTTP: headers, redirects, loops, coded bodies.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durablefetch_protocol::access::{Access, Cookies};
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::coding::{Codings, Decoder};
use durablefetch_protocol::destination::Sender;
use durablefetch_protocol::redirect::{Chase, redirected};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::upstream_headers::to_upstream;
use durablefetch_protocol::{DropHeader, ErrorCode, ProtocolError, via};
use http::header::{self, HeaderMap};
use http::{Method, Version};
use hyper::ext::ReasonPhrase;

use crate::config::{Config, Limits};
use crate::error::StartError;
use crate::uploads::Uploaded;
use crate::upstream::connect::Connector;
use crate::upstream::exchange::{Answer, Exchange, ExchangeBody};
use crate::upstream::kept::Kept;
use crate::upstream::opened::{NotOpened, Opened};
use crate::upstream::ways::{self, Way, Ways};

/// What to ask an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamRequest {
    pub(crate) upstream: Upstream,
    /// Whose request it is.
    pub(crate) scope: Arc<str>,
    /// Where it comes from.
    pub(crate) client: IpAddr,
    pub(crate) method: Method,
    /// As they came to the recorder.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Uploaded,
}

/// The client that asks upstreams.
#[derive(Debug)]
pub(crate) struct Upstreams {
    ways: Ways,
    connector: Arc<Connector>,
    /// Connections for requests that go by the same set-up.
    kept: Arc<Kept>,
    access: Access,
    drop_headers: Vec<DropHeader>,
    /// Whether the asker learns why the connection failed.
    tells_why: bool,
    own: Own,
    /// This recorder's name in `via`.
    pseudonym: String,
}

impl Upstreams {
    pub(crate) fn new(config: &Config, secret: &[u8; 32], port: u16) -> Result<Self, StartError> {
        let Limits { connect_timeout, upstream_kept, .. } = config.limits;
        let connector = Connector::new(Arc::clone(&config.lookup), connect_timeout, upstream_kept)
            .map_err(|error| StartError::Client(error.to_string()))?;
        // Names this recorder to itself, and tells others nothing.
        let hash = durablefetch_protocol::Fingerprint::of(secret, "via", &port.to_le_bytes());
        let pseudonym: String = hash.0[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            ways: Ways::new(config),
            connector: Arc::new(connector),
            kept: Arc::default(),
            access: config.access(),
            drop_headers: config.drop_headers.clone(),
            tells_why: config.access().tells_why(config.allow_any),
            own: config.own(port),
            pseudonym: format!("durablefetch-{pseudonym}"),
        })
    }

    /// The same for another set-up, of what SIGHUP may change. It takes over no connection: what was allowed may not be
    /// any more.
    pub(crate) fn going_by(&self, config: &Config) -> Self {
        Self {
            ways: Ways::new(config),
            connector: Arc::clone(&self.connector),
            kept: Arc::default(),
            access: config.access(),
            drop_headers: config.drop_headers.clone(),
            tells_why: config.access().tells_why(config.allow_any),
            own: self.own.clone(),
            pseudonym: self.pseudonym.clone(),
        }
    }

    /// Refuses what may not be fetched, before anything is started.
    pub(crate) fn check(&self, upstream: &Upstream, headers: &HeaderMap) -> Result<(), ProtocolError> {
        via::check(headers, &self.pseudonym)?;
        self.ways.to(upstream, Sender::OwnMachine).map(drop)
    }

    /// Asks, follows redirects, and waits for the head.
    pub(crate) async fn open(&self, request: UpstreamRequest) -> Result<Opened<UpstreamBody>, NotOpened> {
        // The body counts until there is a head.
        let UpstreamRequest {
            upstream: to,
            scope,
            client,
            method,
            headers,
            body: Uploaded { bytes: body, room: _room },
        } = request;
        let crossing = |to: &Upstream| self.access.crossing(to, self.ways.maps());
        let mut headers = to_upstream(&headers, crossing(&to), &self.drop_headers);
        via::append(&mut headers, &self.pseudonym);
        let mut way = self.ways.to(&to, Sender::OwnMachine).map_err(NotOpened::unheard)?;
        let cookies = crossing(&to).cookies;
        let mut chase = Chase::new(to, method, headers, cookies);
        loop {
            let answer =
                self.ask(&way, (&scope, client), &chase, &body).await.map_err(|error| match error.code {
                    // What is refused before a connection, or finds none. A later hop follows an answer.
                    ErrorCode::UpstreamUnreachable
                    | ErrorCode::UpstreamNotAllowed
                    | ErrorCode::InvalidUrl
                        if chase.is_first() =>
                    {
                        NotOpened::unheard(error)
                    }
                    _ if chase.is_first() => NotOpened::heard(error),
                    _ => NotOpened::heard(redirected(error)),
                })?;
            let follows = chase.follow(answer.head.status, &answer.head.headers, &self.own, crossing);
            if !follows.map_err(NotOpened::heard)? {
                return opened(answer, chase.cookies()).map_err(NotOpened::heard);
            }
            way = self
                .ways
                .to(chase.at(), ways::sender(answer.remote))
                .map_err(|error| NotOpened::heard(redirected(error)))?;
        }
    }

    async fn ask(
        &self,
        way: &Way,
        (scope, client): (&Arc<str>, IpAddr),
        chase: &Chase,
        body: &Bytes,
    ) -> Result<Answer, ProtocolError> {
        let body = if chase.sends_body() { body.clone() } else { Bytes::new() };
        let exchange = Exchange {
            connector: &self.connector,
            kept: &self.kept,
            way,
            scope,
            client,
            asked: chase.at(),
            method: chase.method(),
            headers: chase.headers(),
            body,
        };
        exchange.ask().await.map_err(|failed| failed.explain(chase.at(), self.tells_why))
    }
}

fn opened(answer: Answer, cookies: Cookies) -> Result<Opened<UpstreamBody>, ProtocolError> {
    let Answer { head: parts, body, .. } = answer;
    let codings = Codings::of(&parts.headers)?;
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => phrase.as_bytes().to_vec(),
        None if parts.version >= Version::HTTP_2 => Vec::new(),
        None => parts.status.canonical_reason().unwrap_or_default().into(),
    };
    let cookies = match cookies {
        Cookies::Pass => parts.headers.get_all(header::SET_COOKIE).iter().cloned().collect(),
        Cookies::Drop => Vec::new(),
    };
    let length = parts.headers.get(header::CONTENT_LENGTH).filter(|_| codings.is_empty()).cloned();
    Ok(Opened {
        head: Head::of_upstream(parts.status.as_u16(), reason, &parts.headers)?,
        cookies,
        length,
        body: UpstreamBody { body, decoder: (!codings.is_empty()).then(|| Box::new(Decoder::new(&codings))) },
    })
}

/// An upstream's body, decoded.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    body: ExchangeBody,
    decoder: Option<Box<Decoder>>,
}

impl UpstreamBody {
    /// The next chunk. An error where the body is shorter than was said, or cut, or not in its coding.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Self { body, decoder } = self;
        let Some(decoder) = decoder else { return body.poll_chunk(cx) };
        loop {
            if let Some(piece) = decoder.piece().map_err(io::Error::other).transpose() {
                return Poll::Ready(Some(piece));
            }
            if decoder.has_ended() {
                return Poll::Ready(None);
            }
            match ready!(body.poll_chunk(cx)).transpose()? {
                Some(coded) => decoder.push(coded),
                None => decoder.end(),
            }
        }
    }
}

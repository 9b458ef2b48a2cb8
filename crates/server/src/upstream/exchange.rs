//! One request to an upstream and its answer, over a connection that nobody else uses meanwhile.

use std::future::{Future as _, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durablefetch_protocol::address::Upstream;
use durablefetch_protocol::hush::hush;
use durablefetch_protocol::{ErrorCode, ProtocolError, map};
use h2::RecvStream;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri, response};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;

use crate::observe::redact;
use crate::upstream::connect::{Connected, Connector, Driver, NotConnected, One, causes};
use crate::upstream::kept::{Destination, Kept};
use crate::upstream::line::{self, Line, NoAnswer};
use crate::upstream::ways::Way;

/// How often a request is sent that the upstream says it has not processed, at most.
const ROUNDS: usize = 3;

/// What to ask, and where.
pub(crate) struct Exchange<'a> {
    pub(crate) connector: &'a Connector,
    pub(crate) kept: &'a Arc<Kept>,
    pub(crate) way: &'a Way,
    /// Whose request it is.
    pub(crate) scope: &'a Arc<str>,
    /// Where it comes from.
    pub(crate) client: IpAddr,
    /// The URL as the client knows it.
    pub(crate) asked: &'a Upstream,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer's head, and its body to be read.
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    /// Where it came from.
    pub(crate) remote: Option<std::net::SocketAddr>,
    pub(crate) body: ExchangeBody,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum NotAnswered {
    /// The upstream has not heard of the request.
    NotConnected(NotConnected),
    /// It may have.
    Failed(String),
}

/// Why one try brought no answer.
enum Missed {
    /// The upstream has provably not looked at it, and will not: it may be sent once more.
    Unprocessed(String),
    /// Whatever it is, sending it again could have the upstream do it twice.
    Final(NotAnswered),
}

impl Exchange<'_> {
    /// Connects where no connection is kept, sends, and waits for the head.
    pub(crate) async fn ask(&self) -> Result<Answer, NotAnswered> {
        let to = Destination::new(self.way, &self.host(), self.scope);
        if let Some(line) = self.kept.take(&to) {
            match self.ask_two(line, to.clone()).await {
                Err(Missed::Unprocessed(why)) => tracing::debug!("a kept connection was of no use: {why}"),
                Err(Missed::Final(failed)) => return Err(failed),
                Ok(answer) => return Ok(answer),
            }
        }
        let mut left = ROUNDS;
        loop {
            left -= 1;
            let connected = self.connector.connect(self.way, self.scope).await;
            let answered = match connected.map_err(NotAnswered::NotConnected)? {
                Connected::One(one) => self.ask_one(one).await,
                Connected::Two(line) => self.ask_two(line, to.clone()).await,
            };
            match answered {
                Err(Missed::Unprocessed(_)) if left > 0 => {}
                Err(Missed::Unprocessed(why)) => return Err(NotAnswered::Failed(why)),
                Err(Missed::Final(failed)) => return Err(failed),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    async fn ask_one(&self, one: One) -> Result<Answer, Missed> {
        let One { mut sender, mut driver, remote, traffic } = one;
        let request = self.request(Form::Origin).map_err(Missed::Final)?;
        let mut is_open = true;
        let mut sending = pin!(sender.send_request(request.map(Full::new)));
        // Both in one task: what the connection reads is here, and no other task is woken for it.
        let sent = poll_fn(|cx| {
            if is_open {
                // What it ends with, the request is told.
                is_open = Pin::new(&mut *driver).poll(cx).is_pending();
            }
            sending.as_mut().poll(cx)
        });
        let sent = sent.await.map_err(|error| Missed::Final(NotAnswered::Failed(causes(&error))))?;
        traffic.answered();
        let (head, body) = sent.into_parts();
        let body = ExchangeBody::One { body, driver: is_open.then_some(driver) };
        Ok(Answer { head, remote, body })
    }

    async fn ask_two(&self, mut line: Line, to: Destination) -> Result<Answer, Missed> {
        let (request, body) = self.request(Form::Absolute).map_err(Missed::Final)?.into_parts();
        let request = Request::from_parts(request, ());
        let remote = line.remote();
        let sent = line.ask(request, body).await.map_err(|missed| match missed {
            NoAnswer::Unprocessed(error) => Missed::Unprocessed(causes(&error)),
            NoAnswer::Failed(error) => Missed::Final(NotAnswered::Failed(causes(&error))),
            NoAnswer::Interim => Missed::Final(NotAnswered::Failed("interim answers without an end".into())),
        })?;
        let (head, body) = sent.into_parts();
        let line = Some((to, line, Arc::clone(self.kept)));
        Ok(Answer { head, remote, body: ExchangeBody::Two(Streamed { body, line }) })
    }

    /// Which host is asked for.
    fn host(&self) -> String {
        if self.way.is_mapped { map::authority(self.asked) } else { authority(&self.way.url) }
    }

    fn request(&self, form: Form) -> Result<Request<Bytes>, NotAnswered> {
        let url = &self.way.url;
        let invalid = || NotAnswered::NotConnected(NotConnected::Url);
        let host = self.host();
        let mut headers = self.headers.clone();
        if self.way.is_mapped {
            known_as(self.asked, &host, self.client, &mut headers);
        }
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let uri = match form {
            Form::Origin => {
                headers.insert(header::HOST, HeaderValue::try_from(&host).map_err(|_| invalid())?);
                Uri::try_from(path)
            }
            Form::Absolute => {
                headers.remove(header::HOST);
                if !self.body.is_empty() {
                    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
                }
                // None of them stays in the table of a connection that somebody else may use next (RFC 7541 §7.1).
                headers.values_mut().for_each(|value| value.set_sensitive(true));
                Uri::try_from(format!("{}://{host}{path}", url.scheme()))
            }
        };
        if self.body.is_empty() && matches!(*self.method, Method::POST | Method::PUT | Method::PATCH) {
            // RFC 9110 §8.6: a body is expected of these.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(self.body.clone());
        *request.uri_mut() = uri.map_err(|_| invalid())?;
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// How a request names its target.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// By path and query; the host is a header (RFC 9112 §3.2.1).
    Origin,
    /// By all of it, as HTTP/2 has it in pseudo-headers.
    Absolute,
}

/// Host, and port where it is not the scheme's own.
fn authority(url: &url::Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

/// Tells a mapped app under which origin it was asked for, and by whom, as a proxy in front of it would.
fn known_as(asked: &Upstream, host: &str, client: IpAddr, headers: &mut HeaderMap) {
    if let Ok(client) = HeaderValue::try_from(client.to_string()) {
        headers.insert("x-forwarded-for", client);
    }
    let Ok(host) = HeaderValue::try_from(host) else { return };
    headers.insert("x-forwarded-host", host);
    let proto = if asked.url().scheme() == "https" { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
}

/// A body as it comes, with its connection.
#[derive(Debug)]
pub(crate) enum ExchangeBody {
    /// Over HTTP/1, whose connection is driven by who reads.
    One { body: Incoming, driver: Option<Box<Driver>> },
    /// Over HTTP/2.
    Two(Streamed),
}

impl ExchangeBody {
    /// The next chunk. An error where the body is shorter than was said, or cut.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::One { body, driver } => poll_one(body, driver, cx),
            Self::Two(streamed) => streamed.poll_chunk(cx),
        }
    }
}

fn poll_one(
    body: &mut Incoming,
    driver: &mut Option<Box<Driver>>,
    cx: &mut Context<'_>,
) -> Poll<Option<io::Result<Bytes>>> {
    let chunk = poll_body(body, cx);
    let Some(connection) = driver else { return chunk };
    if chunk.is_ready() {
        return chunk;
    }
    // The body has said that it wants more: the connection reads it now.
    if Pin::new(&mut **connection).poll(cx).is_ready() {
        // What it has ended with, the body is told.
        *driver = None;
    }
    poll_body(body, cx)
}

fn poll_body(body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
    loop {
        return Poll::Ready(match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            None => None,
            Some(Err(error)) => Some(Err(io::Error::other(causes(&error)))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => Some(Ok(data)),
                // Trailers are not recorded.
                Ok(_) | Err(_) => continue,
            },
        });
    }
}

/// A body over HTTP/2. Its connection is kept once all of it has come.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: RecvStream,
    line: Option<(Destination, Line, Arc<Kept>)>,
}

impl Streamed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            return Poll::Ready(match ready!(self.body.poll_data(cx)) {
                Some(Ok(data)) => {
                    // Room for as much again. It fails where the stream has, which the next poll tells.
                    let _ = self.body.flow_control().release_capacity(data.len());
                    if data.is_empty() {
                        continue;
                    }
                    Some(Ok(data))
                }
                // Trailers are not recorded.
                None => {
                    self.keep();
                    None
                }
                Some(Err(error)) if line::is_end(&error) => None,
                Some(Err(error)) => Some(Err(io::Error::other(causes(&error)))),
            });
        }
    }

    fn keep(&mut self) {
        if let Some((to, line, kept)) = self.line.take() {
            kept.put(to, line);
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // An answer without a body, which nobody has read.
        if self.body.is_end_stream() {
            self.keep();
        }
    }
}

impl NotAnswered {
    /// What a waiting request is told. Only where it `tells_why`, that says why the connection failed.
    pub(crate) fn explain(self, at: &Upstream, tells_why: bool) -> ProtocolError {
        let told = |error: ProtocolError| if tells_why { error } else { hush(error) };
        let host = at.url().authority();
        let log = |code: ErrorCode, why: &str| {
            let (host, why) = (redact::host(host), redact::text(why));
            tracing::info!(%code, %host, "an upstream did not answer: {why}");
        };
        match self {
            Self::NotConnected(NotConnected::Refused(refused)) => {
                let error = refused.explain(at);
                log(error.code, &refused.to_string());
                told(error)
            }
            Self::NotConnected(NotConnected::Url) => ErrorCode::InvalidUrl.into(),
            Self::NotConnected(NotConnected::Unreachable(why)) => {
                let code = ErrorCode::UpstreamUnreachable;
                log(code, &why);
                // The likeliest mistake of all: its maker sees which name or port it was.
                told(ProtocolError::new(
                    code,
                    format!("the upstream `{host}` could not be connected to: {why}"),
                ))
            }
            Self::Failed(why) => {
                log(ErrorCode::UpstreamFailed, &why);
                ErrorCode::UpstreamFailed.into()
            }
        }
    }
}

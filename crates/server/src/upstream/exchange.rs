//! One request to an upstream and its answer, over a connection of its own.

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
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri, response};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;

use crate::observe::redact;
use crate::upstream::connect::{Connected, Connector, Driver, NotConnected, Version, causes, chain};
use crate::upstream::ways::Way;

/// How often a request is sent that the upstream says it has not processed, at most.
const ROUNDS: usize = 3;

/// What to ask, and where.
pub(crate) struct Exchange<'a> {
    pub(crate) connector: &'a Connector,
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

impl Exchange<'_> {
    /// Connects, sends, and waits for the head.
    pub(crate) async fn ask(&self) -> Result<Answer, NotAnswered> {
        let mut left = ROUNDS;
        loop {
            left -= 1;
            match self.ask_once().await? {
                Err(error) if left > 0 && is_unprocessed(&error) => {}
                answer => return answer.map_err(|error| NotAnswered::Failed(causes(&error))),
            }
        }
    }

    async fn ask_once(&self) -> Result<hyper::Result<Answer>, NotAnswered> {
        let Connected { version, remote, answered } =
            self.connector.connect(self.way, self.scope).await.map_err(NotAnswered::NotConnected)?;
        let (sent, driver) = match version {
            Version::One(mut sender, mut driver) => {
                let mut is_open = true;
                let mut sending = pin!(sender.send_request(self.request(Form::Origin)?));
                // Both in one task: what the connection reads is here, and no other task is woken for it.
                let sent = poll_fn(|cx| {
                    if is_open {
                        // What it ends with, the request is told.
                        is_open = Pin::new(&mut *driver).poll(cx).is_pending();
                    }
                    sending.as_mut().poll(cx)
                });
                (sent.await, is_open.then_some(driver))
            }
            Version::Two(mut sender) => (sender.send_request(self.request(Form::Absolute)?).await, None),
        };
        answered.set();
        Ok(sent.map(|response: Response<Incoming>| {
            let (head, body) = response.into_parts();
            Answer { head, remote, body: ExchangeBody { body, driver } }
        }))
    }

    fn request(&self, form: Form) -> Result<Request<Full<Bytes>>, NotAnswered> {
        let url = &self.way.url;
        let invalid = || NotAnswered::NotConnected(NotConnected::Url);
        let host = if self.way.is_mapped { map::authority(self.asked) } else { authority(url) };
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
                Uri::try_from(format!("{}://{host}{path}", url.scheme()))
            }
        };
        if self.body.is_empty() && matches!(*self.method, Method::POST | Method::PUT | Method::PATCH) {
            // RFC 9110 §8.6: a body is expected of these.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(Full::new(self.body.clone()));
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

/// Whether the upstream says that it has not looked at the request (RFC 9113 §8.7): it may be sent once more.
fn is_unprocessed(error: &hyper::Error) -> bool {
    chain(error).find_map(|error| error.downcast_ref::<h2::Error>()).is_some_and(|error| {
        let reason = error.reason();
        error.is_remote()
            && (error.is_go_away() && reason == Some(h2::Reason::NO_ERROR)
                || error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// A body as it comes, with its connection.
#[derive(Debug)]
pub(crate) struct ExchangeBody {
    body: Incoming,
    /// Of HTTP/1, which is driven by who reads.
    driver: Option<Box<Driver>>,
}

impl ExchangeBody {
    /// The next chunk. An error where the body is shorter than was said, or cut.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let chunk = self.poll_body(cx);
        let Some(driver) = &mut self.driver else { return chunk };
        if chunk.is_ready() {
            return chunk;
        }
        // The body has said that it wants more: the connection reads it now.
        if Pin::new(&mut **driver).poll(cx).is_ready() {
            // What it has ended with, the body is told.
            self.driver = None;
        }
        self.poll_body(cx)
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
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

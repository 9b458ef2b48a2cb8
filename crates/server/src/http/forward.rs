//! Finds the process that has a key, and passes the request on to it where that is another one: one hop.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::placement::{Asking, Heard, Holder, Known, Owner, Request, Step};
use durablefetch_protocol::{ErrorCode, Key, ProtocolError};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use crate::http::over::Over;
use crate::http::passed::PassedBody;
use crate::http::respond::{self, Body};
use crate::key_map::{Claimed, Entry};
use crate::keys::{hands, leases, others};
use crate::net::connection::Answering;
use crate::net::peer;
use crate::recorder::Recorder;

/// What a connection has of its own: it is not passed on.
const OF_A_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
];

/// How often a process that has not answered yet is looked at. An upstream may think for minutes.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

/// Where the key of a request is.
pub(crate) enum Located {
    /// Here.
    Here(Arc<Entry>),
    /// It was in another process, which has answered.
    Answered(Response<Body>),
}

/// A request, whole: it may be made more than once.
pub(crate) struct Whole<'a> {
    pub(crate) over: Over,
    pub(crate) answering: &'a Answering,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a Bytes,
    /// It changes nothing.
    pub(crate) only_reads: bool,
    /// It has a request id, which becomes that of the recording that it is answered with.
    pub(crate) is_noted: bool,
    /// It may be made again where nobody knows whether it was made.
    pub(crate) is_repeatable: bool,
}

/// Finds the process that has this key, and has it answer.
pub(crate) async fn locate(
    recorder: &Arc<Recorder>,
    key: &Key,
    whole: &Whole<'_>,
) -> Result<Located, ProtocolError> {
    if let Some(cluster) = &recorder.cluster
        && !whole.only_reads
        && recorder.placement.sends_away()
    {
        leases::release_idle(recorder, cluster, key).await;
    }
    match recorder.keys.entry(key) {
        Ok(entry) => Ok(Located::Here(entry)),
        // Boxed: hardly ever is there another one.
        Err(known) => Box::pin(look_for(recorder, key, whole, known)).await,
    }
}

async fn look_for(
    recorder: &Arc<Recorder>,
    key: &Key,
    whole: &Whole<'_>,
    known: Known,
) -> Result<Located, ProtocolError> {
    let request = Request {
        only_reads: whole.only_reads,
        is_repeatable: whole.is_repeatable,
        is_forwarded: whole.over.is_forwarded,
    };
    let mut asking = Asking::new(recorder.placement.me(), request, recorder.placement.claims());
    let mut step = asking.begin(known);
    let mut claimed = None;
    loop {
        let heard = match step {
            Step::Serve => match hands::entry(recorder, key, claimed) {
                Some(entry) => return Ok(Located::Here(entry)),
                // It is changing hands.
                None => Heard::NotThere,
            },
            Step::Look { after_ms } => {
                sleep(Duration::from_millis(after_ms)).await;
                let place = hands::place(recorder, key).await?;
                // Where this process has it and knows nothing of it, the answer to its claim was lost.
                claimed = place.map(|holder| Claimed { holder, is_stale: true });
                Heard::Place(place)
            }
            Step::Forward(owner) => match pass_on(recorder, owner, whole).await {
                Ok(response) if response.headers().contains_key(peer::NOT_HERE) => Heard::NotThere,
                Ok(response) => return Ok(Located::Answered(passed_back(recorder, response, whole))),
                Err(lost) => lost,
            },
            Step::Probe(owner) => Heard::Lives(hands::lives(recorder, owner).await?),
            Step::TakeOver(owner) => taken(hands::take_over(recorder, key, owner).await?, &mut claimed),
            Step::Claim => taken(hands::claim(recorder, key).await?, &mut claimed),
            Step::NotHere => return Ok(Located::Answered(not_here())),
            Step::Read => match hands::stored(recorder, key, whole.is_noted).await? {
                Some(entry) => return Ok(Located::Here(entry)),
                None => Heard::TakesKey,
            },
            Step::Later => return Err(hands::later(recorder)),
            Step::Break => {
                let message = "the recorder's process that had this URL died while it was asked, and nobody knows whether it \
                               has asked the upstream: a request with a durablefetch-request can be made again";
                return Err(ProtocolError::new(ErrorCode::Interrupted, message));
            }
        };
        step = asking.on(heard);
    }
}

fn taken(holder: Option<Holder>, claimed: &mut Option<Claimed>) -> Heard {
    *claimed = holder.map(|holder| Claimed { holder, is_stale: false });
    Heard::Claimed(holder.is_some())
}

fn not_here() -> Response<Body> {
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static(peer::NOT_HERE), HeaderValue::from_static("1"))]);
    respond::response(421, headers, Body::Whole(None))
}

/// Makes the request at another process.
async fn pass_on(recorder: &Recorder, owner: Owner, whole: &Whole<'_>) -> Result<Response<Incoming>, Heard> {
    let mut request = request(whole.parts, whole.body, whole.over.peer);
    if let Some(sender) = recorder.kept.take(owner) {
        match send(recorder, owner, sender, request).await {
            Ok(response) => return Ok(response),
            // It has ended meanwhile.
            Err(Some(unsent)) => request = unsent,
            Err(None) => return Err(Heard::Lost { may_be_made: true }),
        }
    }
    let stream = others::connect(recorder, owner).await;
    let stream = stream.map_err(|_| Heard::Lost { may_be_made: false })?;
    let mut builder = http1::Builder::new();
    builder.max_headers(peer::HEADERS_MAX).max_header_size(peer::HEAD_MAX).max_buf_size(peer::HEAD_MAX);
    let (sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| Heard::Lost { may_be_made: false })?;
    // It ends when its reader goes, or with the sender.
    tokio::spawn(connection);
    let sent = send(recorder, owner, sender, request).await;
    sent.map_err(|unsent| Heard::Lost { may_be_made: unsent.is_none() })
}

/// Sends a request. Gives it back where nothing of it was sent.
async fn send(
    recorder: &Recorder,
    owner: Owner,
    mut sender: peer::Sender,
    request: http::Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Option<http::Request<Full<Bytes>>>> {
    let sending = sender.try_send_request(request);
    let response = tokio::select! {
        answered = sending => answered.map_err(|mut error| error.take_message())?,
        // It has read the request, or will once it goes on.
        () = dies(recorder, owner) => return Err(None),
    };
    // On one machine a connection costs nothing.
    if recorder.cluster.is_some() {
        recorder.kept.keep(owner, sender);
    }
    Ok(response)
}

/// Waits until another process of the cluster lives no more: one that stands still neither answers nor ends its connections. The
/// kernel ends those of a process on this machine.
async fn dies(recorder: &Recorder, owner: Owner) {
    if recorder.cluster.is_none() {
        return std::future::pending().await;
    }
    loop {
        sleep(LOOK_AGAIN).await;
        if matches!(hands::lives(recorder, owner).await, Ok(false)) {
            return;
        }
    }
}

fn request(parts: &Parts, body: &Bytes, client: IpAddr) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::new(body.clone()));
    *request.method_mut() = parts.method.clone();
    let path = parts.uri.path_and_query().cloned();
    *request.uri_mut() = path.map(http::Uri::from).unwrap_or_default();
    let headers = request.headers_mut();
    headers.clone_from(&parts.headers);
    if let Some(host) =
        parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
    {
        headers.insert(header::HOST, host);
    }
    without_hop(headers);
    headers.remove(header::CONTENT_LENGTH);
    if let Ok(client) = HeaderValue::from_str(&client.to_string()) {
        headers.insert(HeaderName::from_static(peer::FORWARDED), client);
    }
    request
}

fn without_hop(headers: &mut HeaderMap) {
    for name in &OF_A_CONNECTION {
        headers.remove(name);
    }
}

fn passed_back(recorder: &Arc<Recorder>, response: Response<Incoming>, whole: &Whole<'_>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    without_hop(&mut parts.headers);
    let watch = whole.answering.watch(whole.parts.version);
    let body = Body::Passed(Box::new(PassedBody::new(recorder, body, watch)));
    let mut passed = Response::new(body);
    *passed.status_mut() = parts.status;
    *passed.headers_mut() = parts.headers;
    if let Some(reason) = parts.extensions.get::<ReasonPhrase>() {
        passed.extensions_mut().insert(reason.clone());
    }
    passed
}

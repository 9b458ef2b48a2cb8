//! The heads of a recorder's answers: status and headers of what it serves, passes through and says itself.

use http::header::{self, HeaderMap, HeaderValue};

use super::inert;
use crate::recorder::access::{Admitted, cors};
use crate::recorder::address::demo;
use crate::recorder::recording::Progress;
use crate::words::control_json::{ErrorBody, ErrorDetail};
use crate::words::header::list;
use crate::words::{ErrorCode, ProtocolError, name};

/// When a request that was refused for now may come again, in seconds.
const RETRY_AFTER_S: u8 = 1;

/// The most headers of an upstream's answer. An HTTP parser has a place for each before it reads the first: docs/decisions
/// has what more would cost.
pub const UPSTREAM_HEADERS_MAX: usize = 256;
/// The most bytes of their names and values together.
pub const UPSTREAM_HEAD_MAX: usize = 64 << 10;

/// What is kept of an upstream's head: the same for every reader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The status, 200 to 599.
    pub status: u16,
    /// The reason phrase as it came, possibly empty.
    pub reason: Vec<u8>,
    /// The headers that [`inert::to_store`] let through.
    pub headers: HeaderMap,
    /// The upstream wanted it not to be stored (RFC 9111 §5.2.2.5), and it is not an event stream: a client that has read
    /// it and asks again wants to know what has changed.
    pub volatile: bool,
}

impl Head {
    /// What is kept of an upstream's head.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] for a status that no answer has: an upgrade that nobody asked for, 600 and more.
    pub fn of_upstream(status: u16, reason: Vec<u8>, headers: &HeaderMap) -> Result<Self, ProtocolError> {
        if !(200..600).contains(&status) {
            let message =
                format!("the upstream answered with the status {status}, which is none of 200 to 599");
            return Err(ProtocolError::new(ErrorCode::UpstreamFailed, message));
        }
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if headers.len() > UPSTREAM_HEADERS_MAX || bytes > UPSTREAM_HEAD_MAX {
            let message = format!(
                "the upstream's head has {} headers of {bytes} bytes; {UPSTREAM_HEADERS_MAX} and {UPSTREAM_HEAD_MAX} are \
                 taken",
                headers.len()
            );
            return Err(ProtocolError::new(ErrorCode::UpstreamFailed, message));
        }
        let no_store =
            list(headers, header::CACHE_CONTROL).any(|directive| directive.eq_ignore_ascii_case("no-store"));
        let is_event_stream = |value: &str| {
            value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
        };
        let mut types = headers.get_all(header::CONTENT_TYPE).iter().filter_map(|value| value.to_str().ok());
        let volatile = no_store && !types.any(is_event_stream);
        Ok(Self { status, reason, headers: inert::to_store(headers), volatile })
    }

    /// The head of a demo stream.
    #[must_use]
    pub fn of_demo(script: demo::Script) -> Self {
        let mut headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(script.content_type))]);
        if script.padding > 0
            && let Ok(padding) = HeaderValue::try_from("x".repeat(script.padding))
        {
            headers.insert(demo::PADDING, padding);
        }
        Self { status: 200, reason: b"OK".to_vec(), headers, volatile: false }
    }

    /// Whether an upstream's answer of this status is recorded. All others pass through.
    #[must_use]
    pub const fn is_recorded(status: u16) -> bool {
        status >= 200 && status < 300
    }

    /// Whether a response of this status has no body at all, whatever its headers say.
    #[must_use]
    pub const fn is_bodyless(status: u16) -> bool {
        matches!(status, 204 | 205 | 304)
    }

    /// The headers of a response that serves a recording from this byte on.
    ///
    /// `set_cookie` is empty for all but the one that started the recording. `content-length` is the driver's to
    /// add: only it knows how its HTTP library wants to be told.
    #[must_use]
    pub fn serving(
        &self,
        recording: &Progress,
        from: u64,
        set_cookie: &[HeaderValue],
        admitted: &Admitted,
    ) -> HeaderMap {
        let mut out = self.base(set_cookie, admitted);
        put(&mut out, name::STATE, recording.state().as_str());
        put(&mut out, name::RECORDING, &recording.id().to_string());
        out.insert(name::OFFSET, HeaderValue::from(from));
        if !recording.state().is_live() {
            out.insert(name::LENGTH, HeaderValue::from(recording.len()));
        }
        if let Some(cause) = recording.cause() {
            put(&mut out, name::ERROR, cause.as_str());
        }
        finish(out, admitted)
    }

    /// The headers of a response that passes an upstream's answer through.
    #[must_use]
    pub fn passing(&self, set_cookie: &[HeaderValue], admitted: &Admitted) -> HeaderMap {
        let mut out = self.base(set_cookie, admitted);
        put(&mut out, name::STATE, name::UNRECORDED);
        finish(out, admitted)
    }

    /// The headers as they are stored: `name: value\r\n` for each.
    #[must_use]
    pub fn stored_headers(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
        out
    }

    /// Reads what [`Head::stored_headers`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_stored(status: u16, reason: Vec<u8>, mut lines: &[u8]) -> Option<Self> {
        let mut headers = HeaderMap::new();
        while !lines.is_empty() {
            let end = lines.windows(2).position(|pair| pair == b"\r\n")?;
            let colon = lines[..end].windows(2).position(|pair| pair == b": ")?;
            let name = header::HeaderName::from_bytes(&lines[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(&lines[colon + 2..end]).ok()?);
            lines = &lines[end + 2..];
        }
        Some(Self { status, reason, headers, volatile: false })
    }

    fn base(&self, set_cookie: &[HeaderValue], admitted: &Admitted) -> HeaderMap {
        let mut out = self.headers.clone();
        for cookie in set_cookie {
            out.append(header::SET_COOKIE, cookie.clone());
        }
        if let Some(text) = encode_status_text(&self.reason) {
            out.insert(name::STATUS_TEXT, text);
        }
        inert::add_inert(&mut out, admitted);
        out
    }
}

/// The headers of what a recorder says itself: pages, control answers, the 204 of a resume (no `content_type`).
#[must_use]
pub fn own(content_type: Option<&'static str>, admitted: &Admitted) -> HeaderMap {
    let mut out = HeaderMap::new();
    put(&mut out, name::STATE, name::NONE);
    if let Some(content_type) = content_type {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    finish(out, admitted)
}

/// The headers of an answer of the recorder's own that says that it is not ready.
#[must_use]
pub fn unready(content_type: &'static str, admitted: &Admitted) -> HeaderMap {
    let mut out = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    put(&mut out, name::STATE, name::NONE);
    retry_later(&mut out);
    finish(out, admitted)
}

fn retry_later(out: &mut HeaderMap) {
    out.insert(header::RETRY_AFTER, HeaderValue::from(u16::from(RETRY_AFTER_S)));
}

/// The headers of an error's answer.
#[must_use]
pub fn error(code: ErrorCode, admitted: &Admitted) -> HeaderMap {
    let mut out = HeaderMap::new();
    add_error(&mut out, code);
    finish(out, admitted)
}

fn add_error(out: &mut HeaderMap, code: ErrorCode) {
    put(out, name::STATE, name::NONE);
    put(out, name::ERROR, code.as_str());
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if code.status() == 503 {
        retry_later(out);
    }
}

/// The headers of the error of a method that an address does not take. `methods` are those that it takes.
#[must_use]
pub fn wrong_method(methods: &'static str, admitted: &Admitted) -> HeaderMap {
    let mut out = HeaderMap::from_iter([(header::ALLOW, HeaderValue::from_static(methods))]);
    add_error(&mut out, ErrorCode::MethodNotAllowed);
    finish(out, admitted)
}

/// The body of an error's answer.
#[must_use]
pub fn error_body(error: &ProtocolError) -> Vec<u8> {
    // Two strings always serialise.
    serde_json::to_vec(&ErrorBody::from(error)).unwrap_or_default()
}

/// The headers of a preflight's answer, a 204.
#[must_use]
pub fn preflight(admitted: &Admitted, request: &HeaderMap) -> HeaderMap {
    let mut out = cors::preflight(admitted, request);
    put(&mut out, name::STATE, name::NONE);
    out.insert(name::PROTOCOL, HeaderValue::from(u16::from(name::VERSION)));
    inert::add_always(&mut out);
    out
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What every answer carries. CORS comes last, because it exposes what is there.
fn finish(mut out: HeaderMap, admitted: &Admitted) -> HeaderMap {
    out.insert(name::PROTOCOL, HeaderValue::from(u16::from(name::VERSION)));
    if let Some(request) = &admitted.request {
        out.insert(name::REQUEST, request.clone());
    }
    inert::add_always(&mut out);
    cors::add_to_response(admitted, &mut out);
    out
}

/// Codes a reason phrase for `durablefetch-status-text`: percent-encoded UTF-8, which a browser reads back
/// with `decodeURIComponent`. Nothing for an empty phrase.
#[must_use]
pub fn encode_status_text(reason: &[u8]) -> Option<HeaderValue> {
    if reason.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(reason.len());
    for byte in String::from_utf8_lossy(reason).bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::try_from(out).ok()
}

impl From<&ProtocolError> for ErrorBody {
    fn from(error: &ProtocolError) -> Self {
        Self { error: ErrorDetail { code: error.code.as_str().to_owned(), message: error.message.clone() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::recording::End;
    use crate::words::RecordingId;

    fn head() -> Head {
        let mut headers = HeaderMap::new();
        headers.insert("x-kept", HeaderValue::from_static("1"));
        Head { status: 200, reason: b"OK".to_vec(), headers, volatile: false }
    }

    fn admitted() -> Admitted {
        Admitted { origin: Some(HeaderValue::from_static("http://localhost:1")), ..Admitted::nobody() }
    }

    #[test]
    fn an_answer_that_is_not_to_be_stored_and_is_no_event_stream_is_volatile() {
        for (cache, kind, volatile) in [
            ("no-store", "application/json", true),
            ("private, No-Store", "text/plain", true),
            ("no-cache", "application/json", false),
            ("no-store", "text/event-stream; charset=utf-8", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let head = Head::of_upstream(200, Vec::new(), &headers).unwrap();
            assert_eq!(head.volatile, volatile, "{cache} {kind}");
        }
        assert!(!Head::of_upstream(200, Vec::new(), &HeaderMap::new()).unwrap().volatile);
    }

    #[test]
    fn an_answer_has_a_status_of_200_to_599() {
        let of = |status| Head::of_upstream(status, Vec::new(), &HeaderMap::new());
        for status in [200, 299, 304, 418, 599] {
            assert_eq!(of(status).unwrap().status, status);
        }
        for status in [0, 99, 100, 101, 103, 199, 600, 666, 999, 1000] {
            assert_eq!(of(status).unwrap_err().code, ErrorCode::UpstreamFailed, "{status}");
        }
    }

    #[test]
    fn what_is_refused_for_now_may_come_again() {
        for code in ErrorCode::ALL {
            let said = error(*code, &admitted()).contains_key(header::RETRY_AFTER);
            assert_eq!(said, code.status() == 503, "{code}");
        }
    }

    #[test]
    fn heads_are_stored_and_read_back() {
        let mut headers = HeaderMap::new();
        headers.append("content-type", HeaderValue::from_static("text/plain: x"));
        headers.append("x-a", HeaderValue::from_static(""));
        headers.append("x-a", HeaderValue::from_bytes(b"\xe4\tb").unwrap());
        let head = Head { status: 201, reason: b"Made".to_vec(), headers, volatile: false };
        let read = Head::from_stored(201, b"Made".to_vec(), &head.stored_headers()).unwrap();
        assert_eq!(read, head);
        for bad in [&b"x"[..], b"x\r\n", b"a b: c\r\n", b"a: \x01\r\n"] {
            assert!(Head::from_stored(200, Vec::new(), bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_live_recording_has_no_length_and_an_ended_one_has() {
        let mut recording = Progress::connecting(RecordingId::from_parts(1, 1));
        recording.head();
        recording.chunk(5);
        let live = head().serving(&recording, 2, &[], &admitted());
        assert_eq!(live[name::STATE], "streaming");
        assert_eq!(live[name::OFFSET], "2");
        assert_eq!(live[name::STATUS_TEXT], "OK");
        assert!(!live.contains_key(name::LENGTH) && !live.contains_key(name::ERROR));
        recording.decide(End::Fail(ErrorCode::UpstreamIdle));
        recording.seal();
        let failed = head().serving(&recording, 0, &[], &admitted());
        assert_eq!(
            (&failed[name::LENGTH], &failed[name::ERROR]),
            (&"5".parse().unwrap(), &"upstream-idle".parse().unwrap())
        );
    }

    #[test]
    fn everything_is_uncacheable_named_and_readable() {
        let recording = Progress::connecting(RecordingId::from_parts(1, 1));
        let all = [
            head().serving(&recording, 0, &[], &admitted()),
            head().passing(&[], &admitted()),
            own(None, &admitted()),
            error(ErrorCode::Gone, &admitted()),
        ];
        for headers in all {
            assert!(headers.contains_key(name::STATE));
            assert_eq!(headers["cache-control"], "private, no-store, no-transform");
            assert_eq!(headers["access-control-allow-origin"], "http://localhost:1");
            let exposed = headers["access-control-expose-headers"].to_str().unwrap();
            assert!(exposed.contains(name::STATE), "{exposed}");
        }
    }

    #[test]
    fn cookies_go_to_the_starter_and_are_never_exposed() {
        let cookies = [HeaderValue::from_static("a=b"), HeaderValue::from_static("c=d")];
        let headers = head().passing(&cookies, &admitted());
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert!(!headers["access-control-expose-headers"].to_str().unwrap().contains("set-cookie"));
        assert!(!head().passing(&[], &admitted()).contains_key("set-cookie"));
    }

    #[test]
    fn an_error_tells_its_code_twice() {
        let body = error_body(&ProtocolError::new(ErrorCode::Gone, "it is \"gone\""));
        let body: ErrorBody = serde_json::from_slice(&body).unwrap();
        assert_eq!((body.error.code.as_str(), body.error.message.as_str()), ("gone", "it is \"gone\""));
    }

    #[test]
    fn only_2xx_is_recorded_and_three_statuses_have_no_body() {
        let of = |is: fn(u16) -> bool| (100..600).filter(|status| is(*status)).collect::<Vec<u16>>();
        assert_eq!(of(Head::is_recorded), (200..300).collect::<Vec<_>>());
        assert_eq!(of(Head::is_bodyless), [204, 205, 304]);
    }

    #[test]
    fn a_preflight_says_that_it_is_the_recorders_own() {
        let headers = preflight(&admitted(), &HeaderMap::new());
        assert_eq!(headers[name::STATE], "none");
        assert_eq!(headers["cache-control"], "private, no-store, no-transform");
        assert_eq!(headers["access-control-allow-origin"], "http://localhost:1");
    }

    #[test]
    fn what_came_from_elsewhere_is_inert() {
        let headers = head().passing(&[], &admitted());
        assert_eq!(headers[name::STATE], "unrecorded");
        assert_eq!(headers["content-security-policy"], "sandbox");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-accel-buffering"], "no");
    }

    #[test]
    fn reason_phrases_survive_as_ascii() {
        assert_eq!(encode_status_text(b"OK").unwrap(), "OK");
        assert_eq!(
            encode_status_text("Tout va bien à 100%".as_bytes()).unwrap(),
            "Tout va bien %C3%A0 100%25"
        );
        assert_eq!(encode_status_text(b""), None);
    }

    #[test]
    fn a_head_has_a_limit() {
        let of = |count: usize, bytes: usize| {
            let mut headers = HeaderMap::new();
            for number in 0..count {
                let name: header::HeaderName = format!("x-{number:04}").parse().unwrap();
                headers.insert(name, HeaderValue::from_str(&"v".repeat(bytes)).unwrap());
            }
            Head::of_upstream(200, Vec::new(), &headers)
        };
        assert!(of(UPSTREAM_HEADERS_MAX, 1).is_ok() && of(1, UPSTREAM_HEAD_MAX - 6).is_ok());
        for (count, bytes) in [(UPSTREAM_HEADERS_MAX + 1, 1), (1, UPSTREAM_HEAD_MAX - 5), (400, 200)] {
            let error = of(count, bytes).unwrap_err();
            assert!(error.code == ErrorCode::UpstreamFailed && error.message.contains("65536"), "{error}");
        }
    }
}

//! What a request asks for, by its headers.

use http::Method;
use http::header::{self, HeaderMap};

use crate::recorder::access::allowance::Allowance;
use crate::recorder::address::{Continuation, Own, Target, Upstream};
use crate::words::header::{bad, list};
use crate::words::{ErrorCode, Fingerprint, Mode, ProtocolError, RecordingId, RequestId, name};

pub use crate::words::header::{single, stands_once};

/// What a request asks for, read from its `durablefetch-*` headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A fetch, which may start something if its mode may.
    Fetch(Fetch),
    /// The rest of exactly this recording.
    Continue {
        /// The recording.
        recording: RecordingId,
        /// The first byte wanted.
        offset: u64,
    },
}

/// A request that names no recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// How to treat what is stored.
    pub mode: Mode,
    /// The client's id of this intent to start.
    pub request: Option<RequestId>,
    /// What it asks: see [`fingerprint`](super::fingerprint::of).
    pub fingerprint: Fingerprint,
    /// The recording that a status spoke of just before.
    pub attach: Option<RecordingId>,
    /// The recording that the client has read to its end last, where it asks by GET.
    pub read: Option<RecordingId>,
    /// It has a `last-event-id`: it asks for what comes after an event, and no finished recording has that.
    pub after_event: bool,
    /// What the scope of what it starts may have.
    pub allowance: Allowance,
}

impl Fetch {
    /// A fetch of this mode that says nothing else.
    #[must_use]
    pub fn new(mode: Mode, fingerprint: Fingerprint) -> Self {
        let allowance = Allowance::default();
        Self { mode, request: None, fingerprint, attach: None, read: None, after_event: false, allowance }
    }
}

impl Ask {
    /// Whether it starts nothing, whatever is stored.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Fetch(fetch) => matches!(fetch.mode, Mode::Resume | Mode::Replay),
            Self::Continue { .. } => true,
        }
    }

    /// The request id that it carries.
    #[must_use]
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Fetch(fetch) => fetch.request.as_ref(),
            Self::Continue { .. } => None,
        }
    }
}

/// The asking part of a request's head, before its body is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskHead {
    /// See [`Ask::Fetch`]; its fingerprint stands for nothing until the body is here.
    Fetch(Fetch),
    /// See [`Ask::Continue`].
    Continue {
        /// The recording.
        recording: RecordingId,
        /// The first byte wanted.
        offset: u64,
    },
}

impl AskHead {
    /// Reads the `durablefetch-*` headers.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for a value that is not of its form, a header that stands twice, half a
    /// continuation, or one that is not a GET, and for a WebSocket. [`ErrorCode::Gone`] for a continuation of an id
    /// that no recorder ever gave out.
    pub fn parse(method: &Method, headers: &HeaderMap) -> Result<Self, ProtocolError> {
        match (single(headers, name::RECORDING)?, single(headers, name::OFFSET)?) {
            (None, None) => Self::fetch(method, headers),
            _ if method != Method::GET => {
                Err(bad(name::RECORDING, "asks for a continuation, which is a GET, or a POST to /continue"))
            }
            _ => Self::told(headers),
        }
    }

    /// Reads a continuation that says of what in its headers alone.
    pub(super) fn told(headers: &HeaderMap) -> Result<Self, ProtocolError> {
        refuse_upgrades(headers)?;
        let said =
            |name| single(headers, name)?.ok_or_else(|| bad(name, "is missing: a continuation has it"));
        let (recording, offset) = (said(name::RECORDING)?, said(name::OFFSET)?);
        let offset =
            parse_offset(offset).ok_or_else(|| bad(name::OFFSET, "is not a whole number of bytes"))?;
        let recording = RecordingId::parse(recording).ok_or_else(|| ProtocolError::from(ErrorCode::Gone))?;
        Ok(Self::Continue { recording, offset })
    }

    /// Reads a continuation whose path says of what. Headers that say it too say the same; they may be missing.
    pub(super) fn at(at: Continuation<'_>, headers: &HeaderMap) -> Result<Self, ProtocolError> {
        refuse_upgrades(headers)?;
        for (name, said) in [(name::RECORDING, at.recording), (name::OFFSET, at.offset)] {
            if single(headers, name)?.is_some_and(|value| value != said) {
                return Err(bad(name, "says another thing than the path"));
            }
        }
        let offset = parse_offset(at.offset).ok_or_else(|| {
            let message =
                "the offset in the path, /continue/{recording}/{offset}/…, is not a whole number of bytes";
            ProtocolError::new(ErrorCode::BadRequest, message)
        })?;
        let recording =
            RecordingId::parse(at.recording).ok_or_else(|| ProtocolError::from(ErrorCode::Gone))?;
        Ok(Self::Continue { recording, offset })
    }

    fn fetch(method: &Method, headers: &HeaderMap) -> Result<Self, ProtocolError> {
        refuse_upgrades(headers)?;
        let request = match single(headers, name::REQUEST)? {
            None => None,
            Some(value) => Some(RequestId::parse(value).ok_or_else(|| {
                bad(name::REQUEST, "is not 1 to 64 letters, digits, - and _ (a UUID is meant)")
            })?),
        };
        let mode = match single(headers, name::MODE)? {
            None if request.is_some() => Mode::Match,
            None => Mode::Join,
            Some(value) => Mode::parse(value).ok_or_else(|| {
                bad(name::MODE, "is none of join, match, match-live, new, restart, resume, replay")
            })?,
        };
        if single(headers, name::AUTHORIZATION)?.is_some_and(|value| value != name::APP) {
            return Err(bad(name::AUTHORIZATION, "is not app"));
        }
        // An id that no recorder ever gave out names nothing.
        let recording = |name| Ok::<_, ProtocolError>(single(headers, name)?.and_then(RecordingId::parse));
        let (attach, read) = (recording(name::ATTACH)?, recording(name::READ)?);
        Ok(Self::Fetch(Fetch {
            mode,
            request,
            fingerprint: Fingerprint([0; 32]),
            attach,
            read: read.filter(|_| method == Method::GET),
            after_event: headers.contains_key(LAST_EVENT_ID),
            allowance: Allowance::default(),
        }))
    }

    /// Adds what the token told.
    #[must_use]
    pub(super) fn within(self, allowance: Allowance) -> Self {
        match self {
            Self::Fetch(fetch) => Self::Fetch(Fetch { allowance, ..fetch }),
            continuation @ Self::Continue { .. } => continuation,
        }
    }

    /// What the scope of what it starts may have.
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        match self {
            Self::Fetch(fetch) => fetch.allowance,
            Self::Continue { .. } => Allowance::default(),
        }
    }

    /// Adds what only the body tells.
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: Fingerprint) -> Ask {
        match self {
            Self::Fetch(fetch) => Ask::Fetch(Fetch { fingerprint, ..fetch }),
            Self::Continue { recording, offset } => Ask::Continue { recording, offset },
        }
    }
}

/// WHATWG HTML, "The `Last-Event-ID` header".
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// Checks that a request which names its upstream once more, for those who route by it, names the same one.
///
/// # Errors
/// [`ErrorCode::BadRequest`] where `durablefetch-for` stands twice, is not a URL that can be fetched, or another one.
pub fn check_for(headers: &HeaderMap, target: &Target, own: &Own) -> Result<(), ProtocolError> {
    let Some(value) = single(headers, name::FOR)? else { return Ok(()) };
    match Upstream::parse(value).and_then(|upstream| own.resolve(upstream)) {
        Ok(named) if named == *target => Ok(()),
        _ => Err(bad(name::FOR, "names another URL than the request is for")),
    }
}

/// Refuses a request for a WebSocket. Other upgrades may be ignored (RFC 9110 §7.8), and are.
fn refuse_upgrades(headers: &HeaderMap) -> Result<(), ProtocolError> {
    if list(headers, header::UPGRADE).any(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
        let message = "a WebSocket cannot be recorded (upgrade): connect to the upstream itself";
        return Err(ProtocolError::new(ErrorCode::BadRequest, message));
    }
    Ok(())
}

/// Offsets are plain decimal: no sign, no blank, at most 2^53 − 1, which JavaScript can still count.
fn parse_offset(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|offset| digits && *offset < 1 << 53)
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    fn fetch(mode: Mode, request: Option<&str>) -> AskHead {
        let request = request.and_then(RequestId::parse);
        AskHead::Fetch(Fetch { request, ..Fetch::new(mode, Fingerprint([0; 32])) })
    }

    #[test]
    fn a_request_id_without_a_mode_asks_for_its_own_answer() {
        assert_eq!(
            parse(Method::POST, &[("durablefetch-request", "r-1")]),
            Ok(fetch(Mode::Match, Some("r-1")))
        );
        let joins = [("durablefetch-request", "r-1"), ("durablefetch-mode", "join")];
        assert_eq!(parse(Method::POST, &joins), Ok(fetch(Mode::Join, Some("r-1"))));
    }

    #[test]
    fn what_was_read_counts_for_a_get_alone() {
        let id = RecordingId::from_parts(1, 1);
        let text = id.to_string();
        let headers = [("durablefetch-read", text.as_str()), ("durablefetch-attach", text.as_str())];
        for (method, read) in [(Method::GET, Some(id)), (Method::POST, None)] {
            let Ok(AskHead::Fetch(asked)) = parse(method, &headers) else { panic!("a fetch") };
            assert_eq!((asked.read, asked.attach, asked.after_event), (read, Some(id), false));
        }
        let Ok(AskHead::Fetch(asked)) =
            parse(Method::GET, &[("last-event-id", ""), ("durablefetch-read", "x")])
        else {
            panic!("a fetch")
        };
        assert_eq!((asked.read, asked.after_event), (None, true));
    }

    #[test]
    fn a_request_that_names_its_url_twice_names_the_same_one() {
        let own = Own::default();
        let target = |url| own.resolve(Upstream::parse(url).unwrap()).unwrap();
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name::FOR, HeaderValue::from_static(value));
            check_for(&headers, &target("https://a.example/x?y"), &own).map_err(|error| error.code)
        };
        assert_eq!(check("https://a.example/x?y"), Ok(()));
        assert_eq!(check("https://A.example:443/x?y#z"), Ok(()));
        for other in ["https://a.example/x", "http://a.example/x?y", "a.example/x?y", ""] {
            assert_eq!(check(other), Err(ErrorCode::BadRequest), "{other}");
        }
        assert_eq!(check_for(&HeaderMap::new(), &target("https://a.example/"), &own), Ok(()));
    }

    fn parse(method: Method, headers: &[(&'static str, &str)]) -> Result<AskHead, ErrorCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        AskHead::parse(&method, &map).map_err(|error| error.code)
    }

    const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn no_header_is_a_join() {
        assert_eq!(parse(Method::POST, &[]), Ok(fetch(Mode::Join, None)));
    }

    #[test]
    fn an_upgrade_to_something_else_is_not_taken_up() {
        let join = fetch(Mode::Join, None);
        assert_eq!(parse(Method::GET, &[("upgrade", "h2c")]), Ok(join));
    }

    #[test]
    fn recording_and_offset_are_a_continuation() {
        let recording = RecordingId::parse(ID).unwrap();
        assert_eq!(
            parse(Method::GET, &[(name::RECORDING, ID), (name::OFFSET, "17")]),
            Ok(AskHead::Continue { recording, offset: 17 })
        );
    }

    #[test]
    fn half_a_continuation_and_other_nonsense_is_a_bad_request() {
        let cases: &[(Method, &[(&'static str, &str)])] = &[
            (Method::GET, &[(name::RECORDING, ID)]),
            (Method::GET, &[(name::OFFSET, "0")]),
            (Method::POST, &[(name::RECORDING, ID), (name::OFFSET, "0")]),
            (Method::GET, &[(name::RECORDING, ID), (name::OFFSET, "-1")]),
            (Method::GET, &[(name::RECORDING, ID), (name::OFFSET, "+1")]),
            (Method::GET, &[(name::RECORDING, ID), (name::OFFSET, "9007199254740992")]),
            (Method::GET, &[(name::MODE, "again")]),
            (Method::GET, &[(name::MODE, "join"), (name::MODE, "restart")]),
            (Method::GET, &[(name::REQUEST, "a b")]),
            (Method::GET, &[("upgrade", "WebSocket")]),
            (Method::GET, &[("upgrade", "h2c, websocket")]),
        ];
        for (method, headers) in cases {
            assert_eq!(parse(method.clone(), headers), Err(ErrorCode::BadRequest), "{headers:?}");
        }
    }

    #[test]
    fn a_continuation_of_an_id_nobody_gave_out_is_gone() {
        assert_eq!(parse(Method::GET, &[(name::RECORDING, "x"), (name::OFFSET, "0")]), Err(ErrorCode::Gone));
    }

    #[test]
    fn offsets_go_as_far_as_javascript_counts() {
        let recording = RecordingId::parse(ID).unwrap();
        for (text, offset) in [("0", 0), ("007", 7), ("9007199254740991", 9_007_199_254_740_991)] {
            assert_eq!(
                parse(Method::GET, &[(name::RECORDING, ID), (name::OFFSET, text)]),
                Ok(AskHead::Continue { recording, offset })
            );
        }
        for bad in ["", " 1", "1 ", "1.0", "0x1", "99999999999999999999"] {
            let headers = [(name::RECORDING, ID), (name::OFFSET, bad)];
            assert_eq!(parse(Method::GET, &headers).unwrap_err(), ErrorCode::BadRequest, "{bad:?}");
        }
    }

    #[test]
    fn mode_and_request_id_are_read() {
        assert_eq!(
            parse(Method::POST, &[(name::MODE, "restart"), (name::REQUEST, "r-1")]),
            Ok(fetch(Mode::Restart, Some("r-1")))
        );
    }

    #[test]
    fn whose_password_it_is_has_one_value() {
        assert_eq!(parse(Method::POST, &[(name::AUTHORIZATION, "app")]), Ok(fetch(Mode::Join, None)));
        for bad in [&["App"][..], &["browser"], &[""], &["app", "app"]] {
            let headers: Vec<_> = bad.iter().map(|value| (name::AUTHORIZATION, *value)).collect();
            assert_eq!(parse(Method::POST, &headers), Err(ErrorCode::BadRequest), "{bad:?}");
        }
    }
}

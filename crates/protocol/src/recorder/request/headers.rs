//! The headers of a request: what it asks for, and which of them go upstream.

use http::Method;
use http::header::{self, HeaderMap, HeaderValue};

use crate::recorder::access::Cookies;
use crate::words::header::{bad, connection_named, is_hop_by_hop};
use crate::words::{ErrorCode, Fingerprint, Mode, ProtocolError, RecordingId, RequestId, name};

pub use crate::words::header::single;

/// What a request asks for, read from its `durablefetch-*` headers or its control JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A fetch, which may start something if its mode may.
    Fetch {
        /// How to treat what is stored.
        mode: Mode,
        /// The client's id of this intent to start.
        request: Option<RequestId>,
        /// Method and body.
        fingerprint: Fingerprint,
    },
    /// The rest of exactly this recording.
    Continue {
        /// The recording.
        recording: RecordingId,
        /// The first byte wanted.
        offset: u64,
    },
}

impl Ask {
    /// The request id that it carries.
    #[must_use]
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Fetch { request, .. } => request.as_ref(),
            Self::Continue { .. } => None,
        }
    }
}

/// The asking part of a request's head, before its body is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskHead {
    /// See [`Ask::Fetch`]; the fingerprint follows once the body is here.
    Fetch {
        /// How to treat what is stored.
        mode: Mode,
        /// The client's id of this intent to start.
        request: Option<RequestId>,
    },
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
    /// [`ErrorCode::BadRequest`] for a value that is none, a header that stands twice, half a continuation, or one
    /// that is no GET, and for a WebSocket. [`ErrorCode::Gone`] for a continuation of an id that no recorder ever
    /// gave out.
    pub fn parse(method: &Method, headers: &HeaderMap) -> Result<Self, ProtocolError> {
        if upgrades(headers) {
            return Err(ProtocolError::new(
                ErrorCode::BadRequest,
                "a WebSocket cannot be recorded (upgrade): connect to the upstream itself",
            ));
        }
        let mode = single(headers, name::MODE)?;
        let request = single(headers, name::REQUEST)?;
        match (single(headers, name::RECORDING)?, single(headers, name::OFFSET)?) {
            (None, None) => {
                let mode = match mode {
                    None => Mode::default(),
                    Some(value) => Mode::parse(value)
                        .ok_or_else(|| bad(name::MODE, "is none of join, restart, resume, replay"))?,
                };
                let request = match request {
                    None => None,
                    Some(value) => Some(RequestId::parse(value).ok_or_else(|| {
                        bad(name::REQUEST, "is not 1 to 64 letters, digits, - and _ (a UUID is meant)")
                    })?),
                };
                Ok(Self::Fetch { mode, request })
            }
            (Some(recording), Some(offset)) => {
                if method != Method::GET {
                    return Err(bad(name::RECORDING, "asks for a continuation, which is always a GET"));
                }
                let offset = parse_offset(offset)
                    .ok_or_else(|| bad(name::OFFSET, "is not a whole number of bytes"))?;
                let recording =
                    RecordingId::parse(recording).ok_or_else(|| ProtocolError::from(ErrorCode::Gone))?;
                Ok(Self::Continue { recording, offset })
            }
            (Some(_), None) => Err(bad(name::RECORDING, "came without durablefetch-offset")),
            (None, Some(_)) => Err(bad(name::OFFSET, "came without durablefetch-recording")),
        }
    }

    /// Adds what only the body tells.
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: Fingerprint) -> Ask {
        match self {
            Self::Fetch { mode, request } => Ask::Fetch { mode, request, fingerprint },
            Self::Continue { recording, offset } => Ask::Continue { recording, offset },
        }
    }
}

/// Whether the request asks for a WebSocket. Other upgrades may be ignored (RFC 9110 §7.8), and are.
fn upgrades(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::UPGRADE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

/// Offsets are plain decimal: no sign, no blank, at most 2^53 − 1, which JavaScript can still count.
fn parse_offset(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|offset| digits && *offset < 1 << 53)
}

/// What a recorder decides for itself when it asks an upstream.
const NOT_UPSTREAM: &[&str] = &[
    "host",            // the upstream's own, from its URL
    "content-length",  // of the body as it is sent
    "expect",          // the body was read whole already
    "accept-encoding", // identity, so that offsets mean the same on both ends
    "range",           // a recording is of the whole
    "if-range",
    "if-none-match", // a 304 would be recorded by nobody
    "if-modified-since",
    "forwarded",
    "x-real-ip",
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
];

/// The headers to send upstream for a request that came with `headers`.
///
/// The recorder's `via` is added by its driver, which knows its pseudonym.
#[must_use]
pub fn to_upstream(headers: &HeaderMap, cookies: Cookies) -> HeaderMap {
    let named = connection_named(headers);
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let drop = is_hop_by_hop(name, &named)
            || NOT_UPSTREAM.contains(&text)
            || text.starts_with(name::PREFIX)
            || text.starts_with("sec-fetch-")
            || text.starts_with("x-forwarded-")
            || (name == header::COOKIE && cookies == Cookies::Drop);
        if !drop {
            out.append(name.clone(), value.clone());
        }
    }
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

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
        assert_eq!(parse(Method::POST, &[]), Ok(AskHead::Fetch { mode: Mode::Join, request: None }));
    }

    #[test]
    fn an_upgrade_to_something_else_is_not_taken_up() {
        let join = AskHead::Fetch { mode: Mode::Join, request: None };
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
            Ok(AskHead::Fetch { mode: Mode::Restart, request: RequestId::parse("r-1") })
        );
    }

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn upstream_sees_the_apps_headers_and_none_of_ours() {
        let sent = to_upstream(
            &map(&[
                ("authorization", "Bearer x"),
                ("content-type", "application/json"),
                ("x-api-key", "k"),
                ("cookie", "a=b"),
                ("durablefetch-url", "https://a.example/"),
                ("durablefetch-anything", "x"),
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("te", "trailers"),
                ("host", "localhost"),
                ("range", "bytes=0-"),
                ("sec-fetch-mode", "cors"),
                ("x-forwarded-for", "1.2.3.4"),
                ("accept-encoding", "gzip, br"),
            ]),
            Cookies::Drop,
        );
        assert_eq!(names(&sent), ["accept-encoding", "authorization", "content-type", "x-api-key"]);
        assert_eq!(sent["accept-encoding"], "identity");
    }

    #[test]
    fn cookies_go_up_only_where_they_may() {
        let headers = map(&[("cookie", "a=b")]);
        assert!(to_upstream(&headers, Cookies::Pass).contains_key("cookie"));
        assert!(!to_upstream(&headers, Cookies::Drop).contains_key("cookie"));
    }
}

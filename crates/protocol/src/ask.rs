//! Reading what a request asks for from its headers.

use http::{HeaderMap, Method};

use crate::key::{Ask, Fingerprint, RecordingId, RequestId};
use crate::{ErrorCode, Mode, ProtocolError, name};

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
        .get_all(http::header::UPGRADE)
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

/// The value of a header that may stand once.
///
/// # Errors
/// [`ErrorCode::BadRequest`] where it stands twice or is not ASCII.
pub fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ProtocolError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad(name, "stands twice"));
    }
    value.to_str().map(Some).map_err(|_| bad(name, "is not plain ASCII"))
}

fn bad(name: &str, what: &str) -> ProtocolError {
    ProtocolError::new(ErrorCode::BadRequest, format!("the header {name} {what}"))
}

#[cfg(test)]
mod tests {
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
}

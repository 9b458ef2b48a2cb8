//! The JSON of the control calls and of errors.

use serde::{Deserialize, Serialize};

/// The answer of `in-progress`: the four fields of durablefetch 0.1.0 and what else there is to tell.
///
/// `chunks_stored` and `bytes_stored` count what has been published to readers, chunks as the upstream sent
/// them, however they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Whether bytes may still come.
    pub in_progress: bool,
    /// How many readers are following.
    pub active_connections: u64,
    /// Chunks recorded.
    pub chunks_stored: u64,
    /// Whether the recording ended as the upstream's body did.
    pub completed: bool,
    /// The state of the recording; `none` where there is no recording. A recorder that sends no state is 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Bytes recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_stored: Option<u64>,
    /// The recording's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// The upstream's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When it was started, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    /// When it will be deleted if nobody uses it, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// The body of a control call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRequest {
    /// The upstream URL, absolute.
    pub url: String,
    /// Only if this is the current recording; otherwise the call is a successful no-op.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// `stop` only: only what this request id started. One not seen yet is remembered and stopped at arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// The answer of `delete` and `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Always true; what cannot be done is an error.
    pub success: bool,
    /// What was done, for people.
    pub message: String,
}

impl Done {
    /// `delete` says this, whether or not there was something to delete.
    pub const DELETED: &'static str = "Response deleted successfully";
    /// `stop` says this where it stopped something.
    pub const STOPPED: &'static str = "Response stopped successfully";
    /// `stop` says this where nothing was live.
    pub const NOTHING_TO_STOP: &'static str = "Nothing to stop";
    /// `stop` says this where the request id has not been seen yet.
    pub const STOP_REMEMBERED: &'static str = "The request will be stopped when it arrives";

    /// A success.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self { success: true, message: message.to_owned() }
    }
}

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// See [`ErrorBody`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// An [`ErrorCode`](crate::ErrorCode), the same as in the header `durablefetch-error`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

#[cfg(feature = "recorder")]
mod recorder {
    use super::{ControlRequest, ErrorBody, ErrorDetail, Status};
    use crate::admission::Named;
    use crate::recording::Recording;
    use crate::{ErrorCode, ProtocolError, RecordingId, RequestId, State, name};

    /// The most bytes that the body of a control call may have.
    pub const CONTROL_BODY_MAX: usize = 64 * 1024;

    /// What a recorder knows of a recording besides what its machine does.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Seen {
        /// How many readers are following.
        pub readers: u64,
        /// The upstream's HTTP status, once it has answered.
        pub status: Option<u16>,
        /// When it was started, milliseconds since 1970.
        pub started_at: u64,
        /// When it will be deleted if nobody uses it, milliseconds since 1970.
        pub expires_at: u64,
    }

    impl Status {
        /// Where there is no recording.
        #[must_use]
        pub fn none() -> Self {
            Self { state: Some(name::NONE.to_owned()), bytes_stored: Some(0), ..Self::default() }
        }

        /// Of this recording.
        #[must_use]
        pub fn of(id: RecordingId, recording: &Recording, seen: Seen) -> Self {
            let state = recording.state();
            Self {
                in_progress: state.is_live(),
                active_connections: seen.readers,
                chunks_stored: recording.chunks(),
                completed: state == State::Complete,
                state: Some(state.as_str().to_owned()),
                bytes_stored: Some(recording.len()),
                recording: Some(id.to_string()),
                status: seen.status,
                started_at: Some(seen.started_at),
                expires_at: Some(seen.expires_at),
            }
        }
    }

    impl ControlRequest {
        /// Reads the body of a control call.
        ///
        /// # Errors
        /// [`ErrorCode::BadRequest`] for anything that is not `{"url": "…"}` with the optional fields.
        pub fn parse(body: &[u8]) -> Result<Self, ProtocolError> {
            serde_json::from_slice(body).map_err(|error| {
                let message = format!("the body is not the JSON object {{\"url\": \"https://…\"}}: {error}");
                ProtocolError::new(ErrorCode::BadRequest, message)
            })
        }

        /// The recording that the call is about.
        #[must_use]
        pub fn named(&self) -> Named {
            match self.recording.as_deref().map(RecordingId::parse) {
                None => Named::Current,
                Some(Some(id)) => Named::Only(id),
                Some(None) => Named::Unknown,
            }
        }

        /// The request id that a `stop` is about.
        ///
        /// # Errors
        /// [`ErrorCode::BadRequest`] for one that is none.
        pub fn request_id(&self) -> Result<Option<RequestId>, ProtocolError> {
            let Some(text) = &self.request else { return Ok(None) };
            let malformed = || {
                ProtocolError::new(ErrorCode::BadRequest, "`request` is not 1 to 64 letters, digits, - and _")
            };
            RequestId::parse(text).map(Some).ok_or_else(malformed)
        }
    }

    impl From<&ProtocolError> for ErrorBody {
        fn from(error: &ProtocolError) -> Self {
            Self {
                error: ErrorDetail { code: error.code.as_str().to_owned(), message: error.message.clone() },
            }
        }
    }
}

#[cfg(feature = "recorder")]
pub use recorder::{CONTROL_BODY_MAX, Seen};

#[cfg(all(test, feature = "recorder"))]
mod tests {
    use super::*;

    #[test]
    fn status_is_a_superset_of_the_seeds() {
        let json = serde_json::to_value(Status {
            in_progress: true,
            active_connections: 1,
            chunks_stored: 42,
            state: Some("streaming".into()),
            bytes_stored: Some(7),
            ..Status::default()
        })
        .unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "inProgress": true, "activeConnections": 1, "chunksStored": 42, "completed": false,
                "state": "streaming", "bytesStored": 7
            })
        );
    }

    #[test]
    fn the_seeds_status_is_read_too() {
        let seed = r#"{"inProgress":true,"activeConnections":1,"chunksStored":42,"completed":false}"#;
        let status: Status = serde_json::from_str(seed).unwrap();
        assert!(status.in_progress && status.state.is_none());
    }

    #[test]
    fn a_control_body_that_is_none_names_what_is_meant() {
        for body in [&b"{}"[..], b"", b"[]", b"{\"url\": 1}", b"\xff"] {
            let error = ControlRequest::parse(body).unwrap_err();
            assert!(error.message.contains("\"url\""), "{}", error.message);
        }
    }

    #[test]
    fn a_control_body_of_a_long_url_is_read() {
        assert_eq!(CONTROL_BODY_MAX, 65_536);
        let parsed = ControlRequest::parse(br#"{"url": "https://a.example/", "recording": "r"}"#).unwrap();
        let expected =
            ControlRequest { url: "https://a.example/".into(), recording: Some("r".into()), request: None };
        assert_eq!(parsed, expected);
    }

    #[test]
    fn what_is_done_is_a_success() {
        let json = serde_json::to_value(Done::new(Done::DELETED)).unwrap();
        assert_eq!(json, serde_json::json!({ "success": true, "message": "Response deleted successfully" }));
    }
}

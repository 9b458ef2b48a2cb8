//! The JSON of the control calls, on the recorder's side.

use crate::recorder::recording::Progress;
use crate::words::control_json::{ControlRequest, Status};
use crate::words::{ErrorCode, ProtocolError, RecordingId, RequestId, State, name};

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

/// Which recording a control call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Whatever the key has.
    All,
    /// This one.
    Only(RecordingId),
    /// One whose id no recorder ever gave out: there is nothing to do.
    Unknown,
}

impl Named {
    pub(crate) fn covers(self, recording: RecordingId) -> bool {
        match self {
            Self::All => true,
            Self::Only(id) => id == recording,
            Self::Unknown => false,
        }
    }
}

impl Status {
    /// Where there is no recording.
    #[must_use]
    pub fn none() -> Self {
        Self { state: Some(name::NONE.to_owned()), bytes_stored: Some(0), ..Self::default() }
    }

    /// Of this recording.
    #[must_use]
    pub fn of(id: RecordingId, recording: &Progress, seen: Seen) -> Self {
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
            None => Named::All,
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
        let malformed =
            || ProtocolError::new(ErrorCode::BadRequest, "`request` is not 1 to 64 letters, digits, - and _");
        RequestId::parse(text).map(Some).ok_or_else(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::control_json::Done;

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

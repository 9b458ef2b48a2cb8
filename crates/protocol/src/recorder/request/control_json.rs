//! The JSON of the control calls, on the recorder's side.

use crate::recorder::address::Control;
use crate::recorder::recording::Progress;
use crate::words::control_json::{ControlRequest, Status};
use crate::words::limits::STATUS_URLS_MAX;
use crate::words::{ErrorCode, ProtocolError, RecordingId, RequestId, State, name};

/// The most bytes that the body of a control call may have.
pub const CONTROL_BODY_MAX: usize = 64 * 1024;

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
    /// Without a recording.
    #[must_use]
    pub fn none() -> Self {
        Self {
            state: Some(name::NONE.to_owned()),
            bytes_stored: Some(0),
            protocol: Some(name::VERSION),
            ..Self::default()
        }
    }

    /// What a recording's progress tells.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        let state = progress.state();
        Self {
            in_progress: state.is_live(),
            chunks_stored: progress.chunks(),
            completed: state == State::Complete,
            state: Some(state.as_str().to_owned()),
            bytes_stored: Some(progress.len()),
            recording: Some(progress.id().to_string()),
            ..Self::none()
        }
    }

    /// With what the question was, so that a client knows what it is the answer to.
    #[must_use]
    pub fn answering(self, asked: &ControlRequest) -> Self {
        let recording = asked.recording.clone().or(self.recording);
        Self { url: Some(asked.url.clone()), request: asked.request.clone(), recording, ..self }
    }
}

impl ControlRequest {
    /// Reads the body of a control call.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for anything that is not `{"url": "…"}` with the optional fields, or for
    /// `in-progress` a list `{"urls": ["…"]}`.
    pub fn parse(body: &[u8]) -> Result<Self, ProtocolError> {
        let bad = |message: String| ProtocolError::new(ErrorCode::BadRequest, message);
        let read: Self = serde_json::from_slice(body).map_err(|error| {
            bad(format!("the body is not the JSON object {{\"url\": \"https://…\"}}: {error}"))
        })?;
        if read.urls.len() > STATUS_URLS_MAX {
            return Err(bad(format!(
                "`urls` has {} entries; ask about at most {STATUS_URLS_MAX} at once",
                read.urls.len()
            )));
        }
        if read.url.is_empty() == read.urls.is_empty() {
            return Err(bad("the body has neither \"url\" nor \"urls\", or both".to_owned()));
        }
        Ok(read)
    }

    /// One question for each URL of a list.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for another call than `in-progress`.
    pub fn questions(&self, call: Control) -> Result<Vec<Self>, ProtocolError> {
        if call != Control::InProgress {
            let why = "a list of URLs is for in-progress; send one `url`";
            return Err(ProtocolError::new(ErrorCode::BadRequest, why));
        }
        Ok(self.urls.iter().map(|url| Self { url: url.clone(), ..Self::default() }).collect())
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

    /// The request id that the call is about.
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
    fn a_list_is_one_question_for_each_url() {
        let list =
            ControlRequest::parse(br#"{"urls": ["https://a.example/", "https://b.example/"]}"#).unwrap();
        let each: Vec<_> =
            list.questions(Control::InProgress).unwrap().into_iter().map(|question| question.url).collect();
        assert_eq!(each, ["https://a.example/", "https://b.example/"]);
        for bad in [r#"{"urls": []}"#.to_owned(), r#"{"url": "x", "urls": ["y"]}"#.to_owned(), {
            let urls = vec!["x"; 101];
            serde_json::json!({ "urls": urls }).to_string()
        }] {
            assert_eq!(
                ControlRequest::parse(bad.as_bytes()).unwrap_err().code,
                ErrorCode::BadRequest,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_control_body_of_a_long_url_is_read() {
        assert_eq!(CONTROL_BODY_MAX, 65_536);
        let parsed = ControlRequest::parse(br#"{"url": "https://a.example/", "recording": "r"}"#).unwrap();
        let expected = ControlRequest {
            url: "https://a.example/".into(),
            recording: Some("r".into()),
            ..ControlRequest::default()
        };
        assert_eq!(parsed, expected);
    }

    #[test]
    fn what_is_done_is_a_success() {
        let json = serde_json::to_value(Done::new(Done::DELETED)).unwrap();
        assert_eq!(json, serde_json::json!({ "success": true, "message": "Response deleted successfully" }));
    }
}

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
    /// The state of the recording; `none` without a recording. A recorder that sends no state is 0.1.0.
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
    /// The version of the protocol; a recorder that sends none is of version 2 or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
    /// The URL that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The request id that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// All live recordings of the key, in the order in which they started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveRecording>,
}

/// One of the live recordings of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveRecording {
    /// Its id.
    pub recording: String,
    /// When it was started, milliseconds since 1970.
    pub started_at: u64,
}

/// The body of a control call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ControlRequest {
    /// The upstream URL, absolute.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// `in-progress` only, in place of `url`: up to 100 URLs, each answered for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Only this recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// Only the recording that this request id is answered with. A `stop` of an id that was not seen yet is remembered,
    /// and stops it at arrival.
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
    /// An [`ErrorCode`](super::ErrorCode), the same as in the header `durablefetch-error`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

//! The recorder of one client, and what its answers have told.

use std::cell::Cell;

use durablefetch_protocol::follow::Answer;
use js_sys::Function;

use crate::wire::recorder_url::RecorderUrl;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::token::Token;

/// Where it is, how it is asked, and what is known of it.
pub(crate) struct Recorder {
    pub(crate) url: RecorderUrl,
    pub(crate) token: Token,
    /// The app's transport.
    pub(crate) fetch: Option<Function>,
    pub(crate) version: Cell<RecorderVersion>,
    /// It has answered before.
    answered: Cell<bool>,
}

impl Recorder {
    /// Before the first answer.
    pub(crate) fn new(url: RecorderUrl, token: Token, fetch: Option<Function>) -> Self {
        let version = if url.is_path() { RecorderVersion::Current } else { RecorderVersion::Unknown };
        Self { url, token, fetch, version: Cell::new(version), answered: Cell::new(false) }
    }

    /// Whether this recorder has ever answered; until then it may not be there at all.
    pub(crate) fn answered(&self) -> bool {
        self.answered.get()
    }

    /// Takes note of an answer: only a recorder of this protocol says a state.
    pub(crate) fn learn(&self, answer: Answer) {
        if answer != Answer::Foreign {
            self.answered.set(true);
            self.version.set(RecorderVersion::Current);
        }
    }
}

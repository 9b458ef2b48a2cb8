//! The recorder of one client, and what its answers have told.

use durablefetch_protocol::name;
use std::cell::Cell;

use durablefetch_protocol::follow::Answer;
use js_sys::Function;

use crate::wire::client_headers::ClientHeaders;
use crate::wire::head::Seen;
use crate::wire::recorder_url::RecorderUrl;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::token::Token;

/// Where it is, how it is asked, and what is known of it.
pub(crate) struct Recorder {
    pub(crate) url: RecorderUrl,
    pub(crate) token: Token,
    /// What every request has besides its own.
    pub(crate) headers: ClientHeaders,
    /// The app's transport.
    pub(crate) fetch: Option<Function>,
    pub(crate) version: Cell<RecorderVersion>,
    /// It has answered before.
    answered: Cell<bool>,
}

impl Recorder {
    /// Before the first answer.
    pub(crate) fn new(
        url: RecorderUrl,
        token: Token,
        headers: ClientHeaders,
        fetch: Option<Function>,
    ) -> Self {
        let version = if url.is_path() { RecorderVersion::Unheard } else { RecorderVersion::Unknown };
        Self { url, token, headers, fetch, version: Cell::new(version), answered: Cell::new(false) }
    }

    /// Whether this recorder has ever answered; until then it may not be there at all.
    pub(crate) fn answered(&self) -> bool {
        self.answered.get()
    }

    /// Takes note of an answer: only recorders since 0.2 say a state, and each says its protocol anew, since an older
    /// one may have taken its place.
    pub(crate) fn learn(&self, seen: &Seen) {
        if !matches!(seen.answer, Answer::Foreign | Answer::Redirect) {
            self.answered.set(true);
            let third = seen.protocol.is_some_and(|protocol| protocol >= u64::from(name::VERSION));
            self.version.set(if third { RecorderVersion::Third } else { RecorderVersion::Second });
        }
    }

    /// Whether it is known to know the words of protocol 3.
    pub(crate) fn is_third(&self) -> bool {
        self.version.get() == RecorderVersion::Third
    }
}

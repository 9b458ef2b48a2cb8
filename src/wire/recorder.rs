//! The recorder of one client, and what its answers have told.

use durablefetch_protocol::name;
use std::cell::Cell;
use std::rc::Rc;

use durablefetch_protocol::follow::Answer;
use js_sys::Function;
use wasm_bindgen::JsValue;

use crate::error;
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
    /// Bodies that are open.
    open: Cell<u32>,
    /// A cache is in between, which has answered with what it keeps.
    pub(crate) cached: Cell<bool>,
}

/// A body is open for as long as this is kept.
pub(crate) struct OpenBody(Rc<Recorder>);

/// As many connections as a browser has to a host over HTTP/1.1.
const CROWD: u32 = 6;

impl Recorder {
    /// Before the first answer.
    pub(crate) fn new(
        url: RecorderUrl,
        token: Token,
        headers: ClientHeaders,
        fetch: Option<Function>,
    ) -> Self {
        let version = if url.is_path() { RecorderVersion::Unheard } else { RecorderVersion::Unknown };
        Self {
            url,
            token,
            headers,
            fetch,
            version: Cell::new(version),
            answered: Cell::new(false),
            open: Cell::new(0),
            cached: Cell::new(false),
        }
    }

    /// Whether this recorder has ever answered; until then it may not be there at all.
    pub(crate) fn answered(&self) -> bool {
        self.answered.get()
    }

    /// A body of it is open.
    pub(crate) fn opened(self: &Rc<Self>) -> OpenBody {
        self.open.set(self.open.get() + 1);
        OpenBody(self.clone())
    }

    /// Whether there may be no connection left for a question.
    pub(crate) fn is_crowded(&self) -> bool {
        self.open.get() >= CROWD
    }

    /// It has never answered.
    pub(crate) fn unreachable(&self, cause: &JsValue) -> JsValue {
        error::unreachable(self.url.host(), cause, self.url.flaw)
    }

    /// What answers in its place is something else.
    pub(crate) fn no_recorder(&self, seen: &Seen) -> JsValue {
        error::no_recorder(self.url.host(), seen.status, seen.content_type.as_deref())
    }

    /// Takes note of an answer: only recorders since 0.2 say a state, and each says its protocol anew, since an older
    /// one may have taken its place.
    pub(crate) fn learn(&self, seen: &Seen) {
        if !matches!(seen.answer, Answer::Foreign | Answer::Redirect | Answer::Other) {
            self.answered.set(true);
            let third = seen.protocol.is_some_and(|protocol| protocol >= u64::from(name::VERSION));
            self.version.set(if third { RecorderVersion::Third } else { RecorderVersion::Second });
        }
    }

    /// Whether it is known to know the words of protocol 3.
    pub(crate) fn is_third(&self) -> bool {
        self.version.get() == RecorderVersion::Third
    }

    /// Whether a load balancer may be told what a request is for. Of another origin a preflight would not allow that to one
    /// that does not know it.
    pub(crate) fn takes_for(&self) -> bool {
        self.url.is_path() || self.is_third()
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

//! Where the recorder is, and the addresses of requests to it.

use wasm_bindgen::JsValue;
use web_sys::Url;

use crate::error;
use crate::js::{sys, text};
use crate::wire::recorder_version::RecorderVersion;

/// The recorder of everybody who names none: that of durablefetch 0.1.0.
pub(crate) const DEFAULT_HOST: &str = "durablefetch.com";

/// `durablefetchHost`, understood.
#[derive(Debug)]
pub(crate) struct RecorderUrl {
    /// `https://host`, `https://host/path`, or `/path` on the page's own origin. No slash at the end.
    text: String,
    /// Loopback as written; for a path the page decides.
    loopback: bool,
    /// Why it can hardly be reached as it is written: it has no `scheme`, and what is meant is http; or it is `mixed`
    /// content, which browsers block.
    pub(crate) flaw: Option<&'static str>,
    /// A third party's recorder.
    pub(crate) is_default: bool,
}

impl RecorderUrl {
    /// Reads a host, an origin or a path.
    pub(crate) fn parse(host: &str) -> Result<Self, JsValue> {
        let unusable = || {
            error::invalid(
                "durablefetchHost must be a host ('recorder.example'), an origin ('http://localhost:8787') \
                 or a path on the page's origin ('/df')",
            )
        };
        let trimmed = text::trimmed(host, "/");
        if let Some(path) = host.strip_prefix("/") {
            if path.starts_with("/") || trimmed.bytes().any(|byte| matches!(byte, b'?' | b'#' | b'\\')) {
                return Err(unusable());
            }
            return Ok(Self { text: trimmed.into(), loopback: false, flaw: None, is_default: false });
        }
        let spelled =
            if text::contains(host, "://") { host.into() } else { text::joined(&["https://", host]) };
        let url = Url::new(&spelled).map_err(|_| unusable())?;
        let http = matches!(url.protocol().as_str(), "http:" | "https:");
        let bare = url.search().is_empty() && url.hash().is_empty() && url.username().is_empty();
        if !http || !bare || trimmed.is_empty() {
            return Err(unusable());
        }
        let loopback = is_loopback(&url.hostname());
        // WebKit alone makes no exception for this machine.
        let is_blocked = || {
            url.protocol() == "http:"
                && sys::location().is_some_and(|page| page.starts_with("https:"))
                && (!loopback || sys::is_webkit())
        };
        let flaw = if loopback && !text::contains(host, "://") {
            Some("scheme")
        } else if is_blocked() {
            Some("mixed")
        } else {
            None
        };
        let text = text::joined(&[&url.origin(), text::trimmed(&url.pathname(), "/")]);
        Ok(Self { text, loopback, flaw, is_default: url.host() == DEFAULT_HOST })
    }

    /// A recorder under the page's own origin is one of ours: 0.1.0 cannot be mounted under a path.
    pub(crate) fn is_path(&self) -> bool {
        self.text.is_empty() || self.text.starts_with("/")
    }

    /// As it is named in messages.
    pub(crate) fn host(&self) -> &str {
        if self.text.is_empty() { "/" } else { &self.text }
    }

    /// Whether the recorder is on this machine, so that it can reach what is there too.
    pub(crate) fn is_loopback(&self) -> bool {
        if !self.is_path() {
            return self.loopback;
        }
        let page = sys::location().and_then(|href| Url::new(&href).ok());
        page.is_some_and(|page| is_loopback(&page.hostname()))
    }

    /// The address of a control call.
    pub(crate) fn control(&self, name: &str) -> Result<String, JsValue> {
        Ok(text::joined(&[&self.origin()?, "/", name]))
    }

    /// The address under which an upstream URL is asked for.
    pub(crate) fn address(&self, upstream: &Url, recorder: RecorderVersion) -> Result<String, JsValue> {
        let scheme = upstream.protocol();
        // 0.1.0 takes the first segment for the host, and knows no scheme but its own guess. Both understand that.
        let guessed = if is_loopback(&upstream.hostname()) { "http:" } else { "https:" };
        let scheme = if recorder < RecorderVersion::Unheard && scheme == guessed {
            String::new()
        } else {
            text::joined(&[&scheme, "/"])
        };
        self.behind(&scheme, upstream)
    }

    /// The address of the rest of a recording, where nothing starts, whatever becomes of headers on the way.
    pub(crate) fn rest(&self, upstream: &Url, recording: &str, offset: &str) -> Result<String, JsValue> {
        let start = text::joined(&["continue/", recording, "/", offset, "/", &upstream.protocol(), "/"]);
        self.behind(&start, upstream)
    }

    /// The address of this recorder that has an upstream URL, but for its scheme, behind this.
    fn behind(&self, start: &str, upstream: &Url) -> Result<String, JsValue> {
        let [host, path, search] = [upstream.host(), upstream.pathname(), upstream.search()];
        Ok(text::joined(&[&self.origin()?, "/", start, &host, &path, &search]))
    }

    fn origin(&self) -> Result<String, JsValue> {
        if !self.is_path() {
            return Ok(self.text.clone());
        }
        let page = sys::location().and_then(|href| Url::new(&href).ok()).ok_or_else(|| {
            error::invalid("durablefetchHost is a path, which needs a page: on servers give an origin")
        })?;
        Ok(text::joined(&[&page.origin(), &self.text[..]]))
    }
}

/// Hosts of this very machine.
pub(crate) fn is_loopback(hostname: &str) -> bool {
    let hostname = text::trimmed(hostname, ".");
    hostname == "localhost"
        || hostname.ends_with(".localhost")
        || hostname == "[::1]"
        || (hostname.starts_with("127.")
            && hostname.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()))
}

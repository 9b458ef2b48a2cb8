//! The one table of error codes: code → HTTP status → retryable → meaning.

macro_rules! error_codes {
    ($( $variant:ident = $code:literal, $status:literal, $retry:ident, $meaning:literal; )*) => {
        /// What a recorder answers when it cannot do what was asked, or why a recording failed.
        ///
        /// On the wire it is the header `durablefetch-error` and `error.code` of the JSON body.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $( #[doc = $meaning] $variant, )*
        }

        impl ErrorCode {
            /// Every code, in the order of the table in `PROTOCOL.md`.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// The code on the wire and in storage. Stable.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            /// The HTTP status that it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $( Self::$variant => $status, )* }
            }

            /// Whether the same request, sent again by itself a little later, may succeed. A client
            /// retries these and no others.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $( Self::$variant => error_codes!(@retry $retry), )* }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $meaning, )* }
            }
        }
    };
    (@retry retry) => { true };
    (@retry final) => { false };
}

error_codes! {
    // The request itself.
    BadRequest = "bad-request", 400, final, "The request is not of the protocol's form.";
    InvalidUrl = "invalid-url", 400, final, "The upstream URL cannot be fetched as it is written.";
    RequestIncomplete = "request-incomplete", 400, final, "The request body was cut before its end; nothing was started.";
    RequestTooLarge = "request-too-large", 413, final, "The request body is larger than the recorder takes.";
    NotFound = "not-found", 404, final, "The recording or address does not exist.";
    MethodNotAllowed = "method-not-allowed", 405, final, "This address does not take this method.";

    // Who may ask.
    MisdirectedHost = "misdirected-host", 421, final, "The Host of the request is not one that this recorder answers for.";
    ForbiddenOrigin = "forbidden-origin", 403, final, "Pages of this origin may not use this recorder.";
    ForwardedRequest = "forwarded-request", 403, final, "The request came through a proxy that the recorder was not told about.";
    ServiceWorker = "service-worker", 403, final, "A proxied script may not become a service worker.";
    Subresource = "subresource", 403, final, "A page may not load an upstream's answer as a part of itself.";
    UpstreamNotAllowed = "upstream-not-allowed", 403, final, "The recorder is not allowed to fetch this upstream URL.";
    Unauthorized = "unauthorized", 401, final, "The request carries no valid token or credential.";
    LoopDetected = "loop-detected", 508, final, "The recorder was asked to fetch itself.";

    // What became of a recording or a request id.
    Gone = "gone", 410, final, "The recording is not stored any more.";
    Superseded = "superseded", 410, final, "A later request for the same URL took the recording's place.";
    Deleted = "deleted", 410, final, "The recording was deleted.";
    Stopped = "stopped", 410, final, "The request was stopped before the upstream had answered.";
    AlreadyAnswered = "already-answered", 409, final, "This request id was answered before, and the answer was not kept.";
    OffsetOutOfRange = "offset-out-of-range", 416, final, "The offset is past the end of the recording.";
    Interrupted = "interrupted", 502, final, "The recorder was stopped while the upstream was answering.";

    // The upstream.
    UpstreamUnreachable = "upstream-unreachable", 502, final, "The upstream could not be connected to.";
    UpstreamFailed = "upstream-failed", 502, final, "The upstream broke the connection or its answer was not valid HTTP.";
    UpstreamTimeout = "upstream-timeout", 504, final, "The upstream sent no response headers in time.";
    UpstreamIdle = "upstream-idle", 504, final, "The upstream sent nothing for longer than the idle timeout.";
    TooManyRedirects = "too-many-redirects", 502, final, "The upstream redirected more than five times.";

    // Limits and the recorder's own troubles.
    RecordingTooLarge = "recording-too-large", 507, final, "The response outgrew the limit of bytes per recording.";
    TooManyRecordings = "too-many-recordings", 503, retry, "As many recordings are in flight, or request ids of this URL remembered, as the recorder allows.";
    TooManyReaders = "too-many-readers", 503, retry, "The recording has as many readers as the recorder allows.";
    TooManyUploads = "too-many-uploads", 503, retry, "As many bytes of request bodies are in memory as the recorder allows.";
    TooManyConnections = "too-many-connections", 503, retry, "As many connections are open as the recorder allows.";
    StorageFull = "storage-full", 507, final, "The recorder has no room to store the response.";
    StorageFailed = "storage-failed", 500, final, "The recorder could not read or write its storage.";
    ShuttingDown = "shutting-down", 503, retry, "The recorder is shutting down and starts nothing new.";
    Internal = "internal", 500, final, "The recorder failed in a way it does not know.";
}

impl ErrorCode {
    /// Reads a wire value; `None` for a code that this version does not know.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == value)
    }
}

impl core::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An [`ErrorCode`] with a sentence that names the input and the remedy.
#[cfg(feature = "recorder")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError {
    /// The code, which decides the HTTP status.
    pub code: ErrorCode,
    /// What was wrong with what, and what to do. Never contains a query string, token or body.
    pub message: String,
}

#[cfg(feature = "recorder")]
impl ProtocolError {
    /// An error with a message of its own.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(feature = "recorder")]
impl From<ErrorCode> for ProtocolError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.meaning())
    }
}

#[cfg(feature = "recorder")]
impl core::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

#[cfg(feature = "recorder")]
impl core::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_kebab_case_unique_and_parses_back() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.status()), "{code}");
        }
    }

    #[test]
    fn the_table_in_protocol_md_is_this_one() {
        let document = include_str!("../../../../PROTOCOL.md");
        let table = document.split("<!-- errors:").nth(1).expect("the document has the table");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let ours = ErrorCode::ALL.iter().map(|code| {
            let retryable = if code.is_retryable() { "yes" } else { "no" };
            format!("| `{code}` | {} | {retryable} | {} |", code.status(), code.meaning())
        });
        assert_eq!(rows, ours.collect::<Vec<_>>());
    }

    #[test]
    fn only_5xx_is_retryable() {
        for code in ErrorCode::ALL.iter().filter(|code| code.is_retryable()) {
            assert!(code.status() >= 500, "{code}");
        }
    }

    #[cfg(feature = "recorder")]
    #[test]
    fn an_error_says_its_code_and_what_is_wrong() {
        let error = ProtocolError::from(ErrorCode::Gone);
        assert_eq!(error.to_string(), "gone: The recording is not stored any more.");
    }
}

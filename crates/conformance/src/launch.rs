//! What a case asks of a recorder that it starts for itself.

use std::time::Duration;

/// How long a case may take, unless its target is a slow one.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// What not every kind of recorder can do, or leaves to its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Is started by the suite, with settings, and killed.
    Launch,
    /// Ends in good order when it is asked to, after what is live has drained.
    Terminate,
    /// Keeps all its recordings together within a number of bytes.
    DiskQuota,
    /// Breaks the connection of an HTTP/1.0 reader with a reset: a FIN is an end to such a reader.
    ResetHttp10,
    /// Notices at once that a reader has left to whom nothing is sent.
    NoticeIdleReaders,
    /// Makes each request to an upstream itself, and so once.
    AskOnce,
    /// Sends the body of a GET on.
    GetBody,
    /// Answers under a public origin although it listens on loopback.
    PublicOrigin,
    /// Tells by tokens or credentials whose recordings are whose.
    Scopes,
    /// Fetches an origin from where it was told that it is.
    Maps,
}

impl Ability {
    /// Why a case that needs it does not apply.
    pub(crate) fn lacking(self) -> &'static str {
        match self {
            Self::Launch => "the target cannot launch recorders",
            Self::Terminate => "the recorder is not ended in good order",
            Self::DiskQuota => "the recorder has no quota over all its recordings",
            Self::ResetHttp10 => "the recorder's HTTP server never resets",
            Self::NoticeIdleReaders => "the recorder notices at its next write that a reader has left",
            Self::AskOnce => "the recorder's platform makes a GET once more whose connection has ended",
            Self::PublicOrigin => "the recorder takes no public origin here",
            Self::Scopes => "the recorder knows no scopes",
            Self::Maps => "the recorder maps no origins",
            Self::GetBody => "the recorder's HTTP client sends no body with a GET",
        }
    }
}

/// What a case wants otherwise than by default. `None` is the recorder's own default.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How long a recording is kept after its last use.
    pub ttl: Option<Duration>,
    /// How long a recording is kept after its end, whatever uses it.
    pub max_age: Option<Duration>,
    /// The longest request body, in bytes.
    pub request_bytes: Option<u64>,
    /// The longest body of one recording, in bytes.
    pub recording_bytes: Option<u64>,
    /// Bytes of all recordings together.
    pub disk_bytes: Option<u64>,
    /// How many recordings may be in flight at once.
    pub in_flight: Option<usize>,
    /// How long a connection to the upstream may take.
    pub connect_timeout: Option<Duration>,
    /// How long the upstream may take to send response headers.
    pub header_timeout: Option<Duration>,
    /// How long the upstream may be silent inside a body.
    pub idle_timeout: Option<Duration>,
    /// Upstreams that may be asked, each an origin with a path prefix. Empty: any.
    pub allow: Vec<String>,
    /// What is not in `allow` may be fetched as well, where its address is public.
    pub allow_any: bool,
    /// The path under which it is mounted, such as `/df`.
    pub mount: Option<String>,
    /// How long live recordings may go on after it was asked to end.
    pub drain: Option<Duration>,
    /// Origins besides loopback whose pages may ask.
    pub origins: Vec<String>,
    /// Pages without an origin may ask.
    pub origin_null: bool,
    /// The origin under which others reach it.
    pub public_origin: Option<String>,
    /// It is enough to know a URL.
    pub unguessable_urls: bool,
    /// Secrets that tokens may be signed with. Empty: no token is wanted.
    pub token_secrets: Vec<String>,
    /// What is presented tells whose a recording is: `authorization`, `cookie:NAME`. Empty: it does not.
    pub scope_by: Vec<String>,
    /// What signed tokens among these are checked with: the secret of HS256.
    pub jwt_key: Option<String>,
    /// Headers of requests that go to no upstream at all.
    pub drop_headers: Vec<String>,
    /// Where an origin is, as `https://app.example=http://127.0.0.1:3000`.
    pub maps: Vec<String>,
    /// Proxies that may say where a request comes from. Empty: those of this machine.
    pub trusted_proxies: Vec<String>,
}

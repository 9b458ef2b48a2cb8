//! How a recorder is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::DropHeader;
use durablefetch_protocol::access::{Access, Pages};
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::allow::Allow;
use durablefetch_protocol::client_address::TrustedProxies;
use durablefetch_protocol::life::KeepFor;
use durablefetch_protocol::limits;
use durablefetch_protocol::map::Map;
use durablefetch_protocol::scope::Scoping;

use crate::error::StartError;
use crate::resolve::{Lookup, System};

/// The set-up of a recorder.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where recordings are kept. Made if it is not there; one recorder at a time may use it.
    pub data: PathBuf,
    /// How long a recording is kept after its last use. Default 6 hours.
    pub ttl: Duration,
    /// How long a recording is kept after its end, whatever uses it. Default 7 days.
    pub max_age: Duration,
    /// The origin under which others reach it, serialised as browsers do. None: it serves this machine only.
    pub public_origin: Option<String>,
    /// What may be fetched: origins with a path prefix. Empty: anything on the internet and, without a public
    /// origin, on this machine. What is in private networks is fetched only where it is named here.
    pub allow: Vec<Allow>,
    /// Whether all of the internet may be fetched besides what is named in `allow`.
    pub allow_any: bool,
    /// Headers of requests that go to no upstream at all.
    pub drop_headers: Vec<DropHeader>,
    /// Where to connect in place of an origin that is asked for.
    pub maps: Vec<Map>,
    /// The proxies that may say where a request comes from, which mapped apps are told. Default: those of this machine.
    pub trusted_proxies: TrustedProxies,
    /// How it tells whose recordings a request is about. Default: everybody's are everybody's.
    pub scoping: Scoping,
    /// Whether it is enough for others that they know a URL.
    pub unguessable_urls: bool,
    /// The certificate and key, for TLS. Default: none, and no TLS.
    pub tls: Option<TlsFiles>,
    /// Who looks up the names of upstreams. Default: the system. What it answers is checked all the same.
    pub lookup: Arc<dyn Lookup>,
    /// Further pages that may ask; loopback ones always may without a public origin.
    pub pages: Pages,
    /// The path under which the recorder is mounted, without a trailing slash; empty at the root.
    pub base_path: String,
    /// How long live recordings may go on after a shutdown was asked for. Default 30 s.
    pub drain: Duration,
    /// What this process is called, among those behind one balancer: in logs, metrics and answers. Default: nothing.
    pub node: Option<String>,
    /// The cluster that it is one of. Default: none, and the data directory has all.
    pub cluster: Option<Shared>,
    /// What one recording or one request may take.
    pub limits: Limits,
}

/// What the processes of a cluster share, and where this one is reached by the others.
#[derive(Clone)]
pub struct Shared {
    /// The URL of a database of PostgreSQL, with the password that it may have.
    pub database: String,
    /// Where this process listens for the others.
    pub peer_listen: SocketAddr,
    /// Where they reach it, `https://10.0.0.5:8788`. None: at the address that it listens on.
    pub peer_url: Option<String>,
    /// How long the database may take for what has to be known. Default 10 s.
    pub store_timeout: Duration,
    /// Bytes of bodies in the database. Default 16 GiB.
    pub most_bytes: u64,
    /// How long a process has what it has without renewing that. The same in all of them. Default 8 s.
    pub lease: Duration,
}

impl Shared {
    /// Where the others reach this process, whose listener is bound here.
    ///
    /// # Errors
    /// Where it listens on all addresses and nobody has said which one is meant.
    pub(crate) fn url(&self, bound: SocketAddr) -> Result<String, StartError> {
        match &self.peer_url {
            Some(url) => Ok(url.clone()),
            None if bound.ip().is_unspecified() => Err(StartError::NoPeerUrl(bound)),
            None => Ok(format!("https://{bound}")),
        }
    }
}

/// Without the database's password.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("peer_listen", &self.peer_listen)
            .field("peer_url", &self.peer_url)
            .field("store_timeout", &self.store_timeout)
            .field("most_bytes", &self.most_bytes)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// Where a certificate and its key are, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the recorder's own first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The limits of a recorder.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one recording; one that outgrows it fails with `recording-too-large`. Default 1 GiB.
    pub recording_bytes: u64,
    /// Recordings in flight; further starts get 503 `too-many-recordings`. Default 10,000.
    pub recordings: usize,
    /// Recordings in flight of one scope; further starts get 503 `too-many-recordings`. Default 100, and as
    /// [`Limits::recordings`] where nothing tells whose a recording is.
    pub scope_recordings: Option<usize>,
    /// Readers of one recording; further ones get 503 `too-many-readers`. Default 10,000.
    pub readers: usize,
    /// Readers of all recordings; further ones get 503 `too-many-readers`. Default 20,000.
    pub total_readers: usize,
    /// Connections; on further ones every fetch and control call gets 503 `too-many-connections`. Default 10,000.
    ///
    /// A connection takes one file descriptor, a recording in flight two. Where the process may not have as many,
    /// recordings in flight are limited to a third of those it may have, and connections to what is left.
    pub connections: usize,
    /// Bytes of a request body; a longer one gets 413 `request-too-large`. Default 32 MiB.
    pub request_bytes: u64,
    /// Bytes of all request bodies that are in memory, each from its first byte until its upstream has answered; a body
    /// that finds no room gets 503 `too-many-uploads`. At least [`Limits::request_bytes`]. Default 64 MiB.
    pub upload_bytes: u64,
    /// Bytes of all that is stored: bodies, heads, URLs, request ids, kept answers, the database and its log. The oldest
    /// finished recordings go first, of the scope that has most, and where none is left the longest live one of that
    /// scope fails with `storage-full`. Default 16 GiB.
    pub disk_bytes: u64,
    /// Bytes of all that one scope has stored. Default: an eighth of [`Limits::disk_bytes`], and all of it where nothing
    /// tells whose a recording is.
    pub scope_disk_bytes: Option<u64>,
    /// Bytes of live recordings held in memory, over all of them. Default 64 MiB.
    pub memory_bytes: usize,
    /// How long a connection to an upstream may take, for each hop of a redirect: to look its name up, to connect to one
    /// of its addresses, and for TLS. Then `upstream-unreachable`. Default 10 s.
    pub connect_timeout: Duration,
    /// How long after its address was checked an idle connection to an upstream may take another request. Default 60 s,
    /// and never longer.
    pub upstream_kept: Duration,
    /// How long an upstream may take to send response headers; then `upstream-timeout`. Default 5 min.
    pub header_timeout: Duration,
    /// How long an upstream may be silent inside a body; then `upstream-idle`. Default 10 min.
    pub idle_timeout: Duration,
    /// How long a client may be silent inside a request, take nothing of an answer, and be idle between two; then its
    /// connection is closed, or its HTTP/2 stream. A request body may take twenty times as long. Default 30 s.
    pub request_timeout: Duration,
}

impl Limits {
    /// Those that a metric can come near to, by the words of the flags.
    pub(crate) fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("recordings", self.recordings as u64),
            ("total-readers", self.total_readers as u64),
            ("readers", self.readers as u64),
            ("connections", self.connections as u64),
            ("recording-bytes", self.recording_bytes),
            ("disk-bytes", self.disk_bytes),
            ("memory-bytes", self.memory_bytes as u64),
            ("upload-bytes", self.upload_bytes),
        ]
    }
}

impl Config {
    /// The defaults, for this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            ttl: limits::TTL,
            max_age: limits::MAX_AGE,
            public_origin: None,
            allow: Vec::new(),
            allow_any: false,
            drop_headers: Vec::new(),
            maps: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            scoping: Scoping::Shared,
            unguessable_urls: false,
            tls: None,
            lookup: Arc::new(System),
            pages: Pages::default(),
            base_path: String::new(),
            drain: Duration::from_secs(30),
            node: None,
            cluster: None,
            limits: Limits::default(),
        }
    }
}

/// How long a process may go on where another one has taken its place. Nobody waits for its end, and what it takes is memory.
const SUCCEEDED: Duration = Duration::from_mins(15);

impl Config {
    /// How long what is live may go on after another process has taken this one's place.
    pub(crate) fn drain_succeeded(&self) -> Duration {
        self.drain.max(SUCCEEDED)
    }

    /// How long what is live may go on at most, after the recorder was told to end.
    #[must_use]
    pub fn drain_most(&self) -> Duration {
        if self.cluster.is_some() { self.drain_succeeded() } else { self.drain }
    }

    /// How long recordings are kept.
    pub(crate) fn keep(&self) -> KeepFor {
        KeepFor { unused_ms: self.ttl.as_millis() as u64, age_ms: self.max_age.as_millis() as u64 }
    }

    /// The rules for who asks.
    pub(crate) fn access(&self) -> Access {
        Access::new(self.public_origin.as_deref(), self.pages.clone())
    }

    /// What the recorder knows of its own address.
    pub(crate) fn own(&self, port: u16) -> Own {
        self.access().own(&self.base_path, port, &self.maps)
    }

    /// Refuses a set-up in which others than this machine's user would reach the recorder, and nothing was said
    /// about what they may do.
    ///
    /// # Errors
    /// [`StartError::Exposed`] names the flags; [`StartError::Unmapped`] a mapping that would never be used.
    pub fn check(&self, listen: SocketAddr) -> Result<(), StartError> {
        let unused = self.maps.iter().find(|map| {
            let is_allowed = |allow: &Allow| allow.origin() == map.origin();
            !self.allow.is_empty() && !self.allow_any && !self.allow.iter().any(is_allowed)
        });
        if let Some(map) = unused {
            return Err(StartError::Unmapped(map.origin().to_owned()));
        }
        if listen.ip().is_loopback() && self.public_origin.is_none() {
            return Ok(());
        }
        let reach = match &self.public_origin {
            Some(origin) => format!("its public origin is {origin}"),
            None => format!("it listens on {listen}, which is not loopback"),
        };
        let mut missing = Vec::new();
        if self.public_origin.is_none() {
            missing.push("--public-origin https://app.example (under which origin it is reached)");
        }
        if self.allow.is_empty() && !self.allow_any {
            missing.push("--allow https://api.example.com/v1/ (what may be fetched) or --allow-any");
        }
        if matches!(self.scoping, Scoping::Shared) && !self.unguessable_urls {
            missing.push("--token-secret, --scope-by or --unguessable-urls (whose recordings are whose)");
        }
        if missing.is_empty() { Ok(()) } else { Err(StartError::Exposed(reach, missing)) }
    }

    /// What is allowed, and should be known to who starts it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let Some(origin) = self.public_origin.as_deref() else {
            let trusts = self.trusted_proxies != TrustedProxies::default();
            let why = "--trusted-proxies without --public-origin: what comes through a proxy is refused all the same";
            return trusts.then(|| why.to_owned()).into_iter().collect();
        };
        let is_here = Upstream::parse(origin).is_ok_and(|origin| origin.is_loopback());
        let in_the_clear = (origin.starts_with("http:") && !is_here).then(|| {
            format!(
                "--public-origin {origin}: everybody on the way can read and change tokens, cookies and answers; \
                 use https, with --tls-cert or a proxy in front"
            )
        });
        let past_the_front = self.maps.iter().any(|map| map.is_of(origin)).then(|| {
            format!(
                "--map of the public origin {origin}: what is asked for through the recorder reaches the app past the \
                 proxy in front; where that authenticates paths or sets headers that the app trusts, it has to do so on \
                 the recorder's path too (docs/deploy.md), and --drop-header keeps such a header from the app"
            )
        });
        in_the_clear.into_iter().chain(past_the_front).collect()
    }
}

impl Limits {
    /// Recordings in flight of a scope that is one person's.
    const SCOPE_RECORDINGS: usize = 100;
    /// The part of the disk that one person may fill.
    const SCOPE_DISK_PART: u64 = 8;

    /// Fills in what one scope may have.
    pub(crate) fn share(&mut self) {
        self.scope_recordings.get_or_insert(Self::SCOPE_RECORDINGS.min(self.recordings));
        self.scope_disk_bytes.get_or_insert(self.disk_bytes / Self::SCOPE_DISK_PART);
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            recording_bytes: 1 << 30,
            recordings: 10_000,
            scope_recordings: None,
            readers: 10_000,
            total_readers: 20_000,
            connections: 10_000,
            request_bytes: limits::REQUEST_BODY_MAX as u64,
            upload_bytes: 64 << 20,
            disk_bytes: 16 << 30,
            scope_disk_bytes: None,
            memory_bytes: 64 << 20,
            connect_timeout: limits::CONNECT_TIMEOUT,
            upstream_kept: limits::UPSTREAM_KEPT,
            header_timeout: limits::HEADER_TIMEOUT,
            idle_timeout: limits::IDLE_TIMEOUT,
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Where recordings are kept if nobody says so: in the user's directory for state, as the XDG base directory specification
/// has it.
pub(crate) fn default_data() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return Some(absolute("LOCALAPPDATA")?.join("durablefetch"));
    }
    let state =
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("durablefetch"))
}

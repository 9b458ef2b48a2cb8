//! How a recorder is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use durablefetch_protocol::{allow::Allow, limits};

use crate::resolve::{Lookup, System};

/// The set-up of a recorder.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where recordings are kept. Made if it is not there; one recorder at a time may use it.
    pub data: PathBuf,
    /// How long a recording is kept after its last use. Default 6 hours.
    pub ttl: Duration,
    /// What may be fetched: origins with a path prefix. Empty: anything on the internet and on this machine.
    /// Hosts in private networks are fetched only where they are named here.
    pub allow: Vec<Allow>,
    /// Who looks up the names of upstreams. Default: the system. What it answers is checked all the same.
    pub lookup: Arc<dyn Lookup>,
    /// Origins besides loopback ones whose pages may ask.
    pub origins: Vec<String>,
    /// The path under which the recorder is mounted, without a trailing slash; empty at the root.
    pub base_path: String,
    /// How long live recordings may go on after a shutdown was asked for. Default 30 s.
    pub drain: Duration,
    /// What one recording or one request may take.
    pub limits: Limits,
}

/// The limits of a recorder.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one recording; one that outgrows it fails with `recording-too-large`. Default 1 GiB.
    pub recording_bytes: u64,
    /// Recordings in flight; further starts get 503 `too-many-recordings`. Default 10,000.
    pub recordings: usize,
    /// Bytes of a request body; a longer one gets 413 `request-too-large`. Default 32 MiB.
    pub request_bytes: u64,
    /// Bytes of all recordings together; the oldest finished ones go first, and where none is left the
    /// longest live one fails with `storage-full`. Default 16 GiB.
    pub disk_bytes: u64,
    /// Bytes of live recordings held in memory, over all of them. Default 64 MiB.
    pub memory_bytes: usize,
    /// How long an upstream may take to send response headers; then `upstream-timeout`. Default 60 s.
    pub header_timeout: Duration,
    /// How long an upstream may be silent inside a body; then `upstream-idle`. Default 10 min.
    pub idle_timeout: Duration,
}

impl Config {
    /// The defaults, for this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            ttl: limits::TTL,
            allow: Vec::new(),
            lookup: Arc::new(System),
            origins: Vec::new(),
            base_path: String::new(),
            drain: Duration::from_secs(30),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            recording_bytes: 1 << 30,
            recordings: 10_000,
            request_bytes: limits::REQUEST_BODY_MAX as u64,
            disk_bytes: 16 << 30,
            memory_bytes: 64 << 20,
            header_timeout: limits::HEADER_TIMEOUT,
            idle_timeout: limits::IDLE_TIMEOUT,
        }
    }
}

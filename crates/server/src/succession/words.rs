//! What a successor and the process that serves say to each other: a line of JSON each. A version says whether they
//! understand each other.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Of these words. A process of another one is refused, and its start fails as it would without any of this.
pub(super) const VERSION: u32 = 1;

/// What a successor says first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asks {
    pub(super) version: u32,
    /// Where it is told to listen.
    pub(super) listen: SocketAddr,
    pub(super) metrics_listen: Option<SocketAddr>,
    pub(super) pid: u32,
}

/// The answer. With [`Answers::Welcome`] come descriptors: the lock, the listener, and that for metrics where both want one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answers {
    Refused(String),
    Welcome {
        /// The service manager's socket, and after how many microseconds of silence it acts.
        notify: Option<String>,
        watchdog_us: Option<u64>,
    },
    Yours(Box<Yours>),
}

/// The store is open beside the one that serves.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) owner: String,
}

/// What a successor has from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Yours {
    pub(super) epoch: u64,
    /// Ids to come are later.
    pub(super) last_id: String,
    pub(super) accounts: Vec<Account>,
}

/// What a scope has stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) scope: String,
    pub(super) bodies: u64,
    pub(super) rows: i64,
    pub(super) requests: i64,
    pub(super) recordings: i64,
    pub(super) own_most: u64,
}

/// What a process tells of itself, again and again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// Keys that it has.
    pub(super) keys: usize,
    /// Recordings in flight, by scope.
    pub(super) seats: HashMap<String, usize>,
    /// What scopes have grown by since the last one: bytes of bodies, and rows.
    pub(super) grown: Vec<(String, i64, [i64; 3])>,
    /// It was told to end, and nobody takes its place.
    pub(super) ends: bool,
}

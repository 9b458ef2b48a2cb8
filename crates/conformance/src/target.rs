//! What is tested.

use std::sync::Arc;

use crate::launch::{Launch, Need};

/// A recorder to test: where it listens and what may be done to it.
///
/// The recorder must be bound to loopback, have no public origin and let loopback upstreams through,
/// because the scripted upstream listens on 127.0.0.1.
#[derive(Clone)]
pub struct Target {
    /// `http://host:port`, optionally with a path under which the recorder is mounted. No TLS.
    pub base_url: String,
    /// How many cases run at the same time. Default 12.
    pub parallel: usize,
    /// What the recorder at `base_url` was configured with.
    pub limits: Limits,
    /// Starts more recorders of this kind with settings of their own. Without it the cases that kill a
    /// recorder, shorten its TTL or lower its limits are left out, and the report says so.
    pub launch: Option<Arc<dyn Launch>>,
}

impl Target {
    /// A recorder with default settings that cannot be restarted.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), parallel: 12, limits: Limits::default(), launch: None }
    }

    /// Adds the ability to start recorders with other settings, and to kill and restart them.
    pub fn with_launch(mut self, launch: impl Launch + 'static) -> Self {
        self.launch = Some(Arc::new(launch));
        self
    }

    /// Why a case with this need does not apply; `None` where it does.
    pub(crate) fn lacks(&self, need: Need) -> Option<&'static str> {
        match (need, &self.launch) {
            (Need::Nothing, _) | (Need::Launch, Some(_)) => None,
            (Need::Launch | Need::Able(_), None) => Some("the target cannot launch recorders"),
            (Need::Able(ability), Some(launch)) => {
                launch.lacks().contains(&ability).then(|| ability.lacking())
            }
        }
    }
}

/// Sizes a case needs to know about the recorder it talks to.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest body of one recording that the suite may produce, in bytes. Default 64 MiB.
    pub recording_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { recording_bytes: 64 << 20 }
    }
}

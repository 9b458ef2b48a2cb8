//! What SIGHUP may change while the recorder runs, all of it at once.

use std::sync::{Arc, PoisonError, RwLock};

use durablefetch_protocol::access::Access;
use durablefetch_protocol::scope::Scoping;

use crate::config::{Config, Limits};
use crate::error::StartError;
use crate::net::descriptors;
use crate::upstream::http::Upstreams;

/// What a request is judged by.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Whose pages may ask.
    pub(crate) access: Access,
    /// Whose recordings are whose.
    pub(crate) scoping: Scoping,
    /// What may be fetched.
    pub(crate) upstreams: Upstreams,
    /// How much there may be. Those that [`Config::reloaded`] does not take over stay.
    pub(crate) limits: Limits,
}

impl Rules {
    pub(crate) fn new(config: &Config, upstreams: Upstreams) -> Self {
        Self {
            access: config.access(),
            scoping: config.scoping.clone(),
            upstreams,
            limits: config.limits.clone(),
        }
    }
}

/// The rules for requests to come. What has begun goes on by those that it began with.
#[derive(Debug)]
pub(crate) struct Current(RwLock<Arc<Rules>>);

impl Current {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(RwLock::new(Arc::new(rules)))
    }

    pub(crate) fn get(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

/// Takes one thing over from a set-up that was read again.
type TakeOver = fn(&mut Config, &Config);

/// What counts without a restart: the flags that say it, and how it is taken over.
const TAKEN_OVER: [(&[&str], TakeOver); 9] = [
    (&["origin", "origin-null"], |ours, read| ours.pages = read.pages.clone()),
    (&["token-secret", "jwt-key"], |ours, read| ours.scoping = read.scoping.clone()),
    (&["allow"], |ours, read| ours.allow = read.allow.clone()),
    (&["allow-any"], |ours, read| ours.allow_any = read.allow_any),
    (&["max-recordings"], |ours, read| ours.limits.recordings = read.limits.recordings),
    (&["max-scope-recordings"], |ours, read| ours.limits.scope_recordings = read.limits.scope_recordings),
    (&["max-readers"], |ours, read| ours.limits.readers = read.limits.readers),
    (&["max-disk-bytes"], |ours, read| ours.limits.disk_bytes = read.limits.disk_bytes),
    (&["max-scope-disk-bytes"], |ours, read| ours.limits.scope_disk_bytes = read.limits.scope_disk_bytes),
];

/// The program sets it itself: a recorder knows no level.
const LOG_LEVEL: &str = "log-level";

/// The flags that SIGHUP reads again.
pub(crate) fn reloaded() -> impl Iterator<Item = &'static str> {
    TAKEN_OVER.iter().flat_map(|(flags, _)| flags.iter().copied()).chain([LOG_LEVEL])
}

impl Config {
    /// This set-up with what of another may be taken over without a restart.
    ///
    /// # Errors
    /// Where the other one tells in another way whose recordings are whose: stored ones would change hands.
    pub(crate) fn reloaded(&self, other: &Self) -> Result<Self, StartError> {
        let is_same = match (&self.scoping, &other.scoping) {
            (Scoping::Shared, Scoping::Shared) | (Scoping::Tokens(_), Scoping::Tokens(_)) => true,
            (Scoping::Presented(ours, _), Scoping::Presented(theirs, _)) => ours == theirs,
            _ => false,
        };
        if !is_same {
            return Err(StartError::OtherScopes);
        }
        let mut config = self.clone();
        for (_, take_over) in TAKEN_OVER {
            take_over(&mut config, other);
        }
        descriptors::fit_process(&mut config.limits);
        config.limits.share();
        Ok(config)
    }
}

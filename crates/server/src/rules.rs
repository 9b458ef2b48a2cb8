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
        let mut limits = Limits {
            disk_bytes: other.limits.disk_bytes,
            scope_disk_bytes: other.limits.scope_disk_bytes,
            recordings: other.limits.recordings,
            scope_recordings: other.limits.scope_recordings,
            readers: other.limits.readers,
            ..self.limits.clone()
        };
        descriptors::fit_process(&mut limits);
        limits.share();
        Ok(Self {
            allow: other.allow.clone(),
            allow_any: other.allow_any,
            pages: other.pages.clone(),
            scoping: other.scoping.clone(),
            limits,
            ..self.clone()
        })
    }
}

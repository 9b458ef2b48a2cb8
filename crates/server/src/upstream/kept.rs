//! Connections that wait for another request to the same upstream.

use std::sync::{Arc, Mutex, PoisonError};

use durablefetch_protocol::destination::Lifted;

use crate::upstream::line::Line;
use crate::upstream::ways::Way;

/// As many wait at most. What is in use does not count: each recording has one.
const IDLE_MAX: usize = 64;

/// What two requests have to have in common to share a connection, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Scheme, host and port that are connected to.
    origin: String,
    /// The host that is asked for.
    authority: String,
    /// What its address was checked by.
    lifted: Lifted,
    /// Whose it is, where the operator has not named the upstream: how soon an answer comes does not tell somebody
    /// which upstreams others ask.
    scope: Option<Arc<str>>,
}

impl Destination {
    pub(crate) fn new(way: &Way, authority: &str, scope: &Arc<str>) -> Self {
        let origin = way.url[..url::Position::BeforePath].to_owned();
        let scope = (!way.lifted.named).then(|| Arc::clone(scope));
        Self { origin, authority: authority.to_owned(), lifted: way.lifted, scope }
    }
}

/// Connections that are idle, the one that was used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Vec<(Destination, Line)>>);

impl Kept {
    /// One that leads there, if there is any, best one of the calling thread.
    pub(crate) fn take(&self, to: &Destination) -> Option<Line> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, line)| line.is_open());
        let fitting = || (0..idle.len()).rev().filter(|&at| idle[at].0 == *to);
        let at = fitting().find(|&at| idle[at].1.is_here()).or_else(|| fitting().next())?;
        let (_, line) = idle.remove(at);
        line.resume();
        Some(line)
    }

    /// Keeps one whose answer has come to its end.
    pub(crate) fn put(&self, to: Destination, line: Line) {
        if !line.is_open() {
            return;
        }
        line.rest();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, line)| line.is_open());
        if idle.len() == IDLE_MAX {
            let oldest = (0..idle.len()).min_by_key(|&at| idle[at].1.until());
            oldest.map(|at| idle.swap_remove(at));
        }
        idle.push((to, line));
    }
}

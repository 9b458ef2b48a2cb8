//! A hint for the operator: somebody comes back for an answer and finds nothing, since what says who they are has changed.
//!
//! A session cookie that is written anew with each answer, or a bearer token that was renewed, is another scope. To the
//! person nothing is there (W15), and to the operator nothing seems wrong.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use durablefetch_protocol::Key;

use super::redact;

/// How many starts are remembered, the latest of each place.
const PLACES: usize = 4096;
/// The least time between two lines.
const EVERY_MS: u64 = 60_000;

/// Whose recordings of which URLs were started lately, as hashes.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    hasher: RandomState,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// URL and scope; grows to [`PLACES`] with the first start in a scope.
    starts: Vec<(u64, u64)>,
    said_ms: Option<u64>,
}

impl Elsewhere {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), seen: Mutex::default() }
    }

    fn hashes(&self, key: &Key) -> (u64, u64) {
        (self.hasher.hash_one(key.url()), self.hasher.hash_one(key.scope()))
    }

    /// Takes note of a start.
    pub(crate) fn started(&self, key: &Key) {
        if key.scope().is_empty() {
            return;
        }
        let (url, scope) = self.hashes(key);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.starts.resize(PLACES, (0, 0));
        seen.starts[url as usize % PLACES] = (url, scope);
    }

    /// Nothing was found for this key. Says so where another scope has started that URL, once a minute.
    pub(crate) fn missed(&self, key: &Key, now_ms: u64) {
        if self.is_news(key, now_ms) {
            let url = redact::key(key);
            tracing::info!(
                url,
                "somebody came back for an answer that another scope has: if it is the same person, what tells scopes \
                 (--scope-by, --token-secret) has changed meanwhile, as a session cookie that is written anew does; see \
                 \"Whose recordings are whose\" in docs/deploy.md"
            );
        }
    }

    fn is_news(&self, key: &Key, now_ms: u64) -> bool {
        if key.scope().is_empty() {
            return false;
        }
        let (url, scope) = self.hashes(key);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_another = |(there, whose): &(u64, u64)| *there == url && *whose != scope;
        let is_due = seen.said_ms.is_none_or(|said| now_ms.saturating_sub(said) >= EVERY_MS);
        let is_news = is_due && seen.starts.get(url as usize % PLACES).is_some_and(of_another);
        if is_news {
            seen.said_ms = Some(now_ms);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_scope_has_is_news_once_a_minute() {
        let elsewhere = Elsewhere::new();
        let key = |scope: &str, url: &str| Key::new(scope, url);
        assert!(!elsewhere.is_news(&key("alice", "https://a.example/"), 0), "nothing was started");
        elsewhere.started(&key("alice", "https://a.example/"));
        for (scope, url) in
            [("alice", "https://a.example/"), ("bob", "https://b.example/"), ("", "https://a.example/")]
        {
            assert!(!elsewhere.is_news(&key(scope, url), 0), "{scope} {url}");
        }
        for (now, is_news) in [(1000, true), (1001, false), (60_999, false), (61_000, true), (61_001, false)]
        {
            assert_eq!(elsewhere.is_news(&key("bob", "https://a.example/"), now), is_news, "{now}");
        }
        // Then it is bob's.
        elsewhere.started(&key("bob", "https://a.example/"));
        assert!(!elsewhere.is_news(&key("bob", "https://a.example/"), 200_000));
        assert!(elsewhere.is_news(&key("alice", "https://a.example/"), 200_000));
        elsewhere.started(&key("", "https://c.example/"));
        assert!(!elsewhere.is_news(&key("bob", "https://c.example/"), 400_000), "nobody's is not another's");
    }
}

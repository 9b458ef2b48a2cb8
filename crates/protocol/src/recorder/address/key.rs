//! The key of a recording: whose it is and what it is of.

/// Scope + upstream URL. A key may have several recordings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    scope: String,
    url: String,
}

impl Key {
    /// A key. `url` is WHATWG-serialised and has no fragment.
    #[must_use]
    pub fn new(scope: &str, url: &str) -> Self {
        Self { scope: scope.to_owned(), url: url.to_owned() }
    }

    /// Whose recording it is; empty unless a token or credential says otherwise.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// What it is a recording of.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is one of the recorder's own demo streams.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.url.starts_with("demo:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_whose_and_what() {
        let key = Key::new("alice", "https://a.example/");
        assert_eq!((key.scope(), key.url()), ("alice", "https://a.example/"));
    }
}

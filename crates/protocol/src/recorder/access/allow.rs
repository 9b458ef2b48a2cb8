//! Allow entries: an origin and a path prefix that a recorder may fetch.

use url::Url;

use crate::recorder::address::Upstream;
use crate::words::{ErrorCode, ProtocolError};

/// One allowed origin and path prefix, such as `https://api.example.com/v1/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow(Url);

impl Allow {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidUrl`] for anything but an http(s) URL without credentials, query and fragment.
    pub fn parse(text: &str) -> Result<Self, ProtocolError> {
        if text.contains(['?', '#']) {
            return Err(ProtocolError::new(
                ErrorCode::InvalidUrl,
                format!("`{text}` has a query or fragment: an allow entry is an origin and a path prefix"),
            ));
        }
        let url = Upstream::parse(text)?.url().clone();
        Ok(Self(url))
    }

    /// Its origin, as browsers serialise it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether the upstream is of this origin and below this path. A prefix ends at a slash: `/v1` allows
    /// `/v1` and `/v1/x`, not `/v1x`.
    #[must_use]
    pub fn covers(&self, upstream: &Upstream) -> bool {
        let url = upstream.url();
        url.origin() == self.0.origin()
            && url
                .path()
                .strip_prefix(self.0.path())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.0.path().ends_with('/'))
    }
}

/// Refuses an upstream that no entry covers. No entries at all refuse nothing.
///
/// # Errors
/// [`ErrorCode::UpstreamNotAllowed`].
pub fn check(entries: &[Allow], upstream: &Upstream) -> Result<(), ProtocolError> {
    if entries.is_empty() || entries.iter().any(|entry| entry.covers(upstream)) {
        return Ok(());
    }
    let origin = upstream.url().origin().ascii_serialization();
    Err(ProtocolError::new(
        ErrorCode::UpstreamNotAllowed,
        format!(
            "this recorder may not fetch that URL of {origin}: start it with --allow {origin}/ if it shall"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(entry: &str, url: &str) -> bool {
        Allow::parse(entry).unwrap().covers(&Upstream::parse(url).unwrap())
    }

    #[test]
    fn an_entry_covers_its_origin_below_its_path() {
        assert!(covers("https://a.example", "https://a.example/x?y"));
        assert!(covers("https://a.example/v1/", "https://a.example:443/v1/x"));
        assert!(covers("https://a.example/v1", "https://a.example/v1"));
        assert!(covers("https://a.example/v1", "https://a.example/v1/x"));
        assert!(covers("http://127.0.0.1:3000", "http://127.0.0.1:3000/x"));
    }

    #[test]
    fn an_entry_covers_nothing_else() {
        for url in [
            "http://a.example/v1/x",
            "https://a.example:8443/v1/x",
            "https://b.a.example/v1/x",
            "https://a.example/v1x",
            "https://a.example/v1/../v2",
            "https://a.example/v1/%2e%2e/v2",
            "https://a.example/",
        ] {
            assert!(!covers("https://a.example/v1", url), "{url}");
        }
    }

    #[test]
    fn entries_are_origins_with_a_path() {
        for bad in ["a.example", "ftp://a.example", "https://a.example/?x", "https://u@a.example/", ""] {
            assert_eq!(Allow::parse(bad).unwrap_err().code, ErrorCode::InvalidUrl, "{bad}");
        }
    }

    #[test]
    fn no_entries_refuse_nothing() {
        let upstream = Upstream::parse("https://a.example/").unwrap();
        assert!(check(&[], &upstream).is_ok());
        let other = [Allow::parse("https://b.example").unwrap()];
        assert_eq!(check(&other, &upstream).unwrap_err().code, ErrorCode::UpstreamNotAllowed);
    }

    #[test]
    fn an_entry_tells_its_origin() {
        assert_eq!(Allow::parse("https://a.example:443/v1").unwrap().origin(), "https://a.example");
    }
}

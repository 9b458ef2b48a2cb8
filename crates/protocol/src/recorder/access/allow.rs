//! Allow entries: an origin and a path prefix that a recorder may fetch.

use url::Url;

use super::climb::climbs;
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
        if climbs(url.path()) {
            return Err(ProtocolError::new(
                ErrorCode::InvalidUrl,
                format!("the path of `{text}` has a coded `.` or `..` in it: write where it leads to"),
            ));
        }
        Ok(Self(url))
    }

    /// Its origin, as browsers serialise it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether the upstream is of this origin and below this path. A prefix ends at a slash: `/v1` allows
    /// `/v1` and `/v1/x`, not `/v1x`. Where the entry has a path, that is a boundary: what a server on the way could
    /// read as a way out of it is not below it.
    #[must_use]
    pub fn covers(&self, upstream: &Upstream) -> bool {
        self.is_above(upstream) && (self.0.path() == "/" || !climbs(upstream.url().path()))
    }

    /// Whether the upstream is of this origin and its path begins with this one.
    fn is_above(&self, upstream: &Upstream) -> bool {
        let url = upstream.url();
        url.origin() == self.0.origin()
            && url
                .path()
                .strip_prefix(self.0.path())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.0.path().ends_with('/'))
    }
}

/// Refuses an upstream that no entry covers. No entries at all refuse nothing. `remedy` says what allows an origin.
///
/// # Errors
/// [`ErrorCode::UpstreamNotAllowed`].
pub fn check(
    entries: &[Allow],
    upstream: &Upstream,
    remedy: impl Fn(&str) -> String,
) -> Result<(), ProtocolError> {
    if entries.is_empty() || entries.iter().any(|entry| entry.covers(upstream)) {
        return Ok(());
    }
    let origin = upstream.url().origin().ascii_serialization();
    let message = if entries.iter().any(|entry| entry.is_above(upstream)) {
        format!(
            "that URL of {origin} has a coded `.` or `..` in its path, which may lead out of what this recorder may \
             fetch: write the path without it"
        )
    } else {
        format!("this recorder may not fetch that URL of {origin}: to allow it, {}", remedy(&origin))
    };
    Err(ProtocolError::new(ErrorCode::UpstreamNotAllowed, message))
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
    fn a_path_is_a_boundary_and_an_origin_has_none() {
        for way_out in ["/v1/..%2fadmin", "/v1/x/%252e%252e/admin", "/v1/..;/admin"] {
            let url = format!("https://a.example{way_out}");
            for entry in ["https://a.example/v1", "https://a.example/v1/"] {
                assert!(!covers(entry, &url), "{url}");
            }
            assert!(covers("https://a.example", &url), "{url}");
        }
        let entries = [Allow::parse("https://a.example/v1/").unwrap()];
        let said = |url: &str| {
            let upstream = Upstream::parse(url).unwrap();
            check(&entries, &upstream, |origin| format!("name {origin}")).unwrap_err().message
        };
        assert!(said("https://a.example/v1/..%2fadmin").contains("a coded `.` or `..`"));
        assert!(said("https://a.example/..%2fv1/").contains("to allow it, name https://a.example"));
    }

    #[test]
    fn entries_are_origins_with_a_path() {
        for bad in [
            "a.example",
            "ftp://a.example",
            "https://a.example/?x",
            "https://u@a.example/",
            "https://a.example/v1/..%2fv2/",
            "",
        ] {
            assert_eq!(Allow::parse(bad).unwrap_err().code, ErrorCode::InvalidUrl, "{bad}");
        }
    }

    #[test]
    fn no_entries_refuse_nothing() {
        let upstream = Upstream::parse("https://a.example/").unwrap();
        assert!(check(&[], &upstream, str::to_owned).is_ok());
        let other = [Allow::parse("https://b.example").unwrap()];
        assert_eq!(check(&other, &upstream, str::to_owned).unwrap_err().code, ErrorCode::UpstreamNotAllowed);
    }

    #[test]
    fn an_entry_tells_its_origin() {
        assert_eq!(Allow::parse("https://a.example:443/v1").unwrap().origin(), "https://a.example");
    }
}

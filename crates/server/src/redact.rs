//! URLs as they may stand in a log: without their query, which often carries a secret.

use durablefetch_protocol::Key;

/// `https://host/path?…`
pub(crate) fn url(url: &str) -> String {
    match url.split_once('?') {
        Some((before, _)) => format!("{before}?…"),
        None => url.to_owned(),
    }
}

/// The URL of a key, redacted.
pub(crate) fn key(key: &Key) -> String {
    url(key.url())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_query_is_not_logged() {
        assert_eq!(super::url("https://a.example/p?token=1"), "https://a.example/p?…");
        assert_eq!(super::url("https://a.example/p"), "https://a.example/p");
    }
}

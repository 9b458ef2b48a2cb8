//! URLs as they may stand in a log: without query, fragment, user name and password, which often are secrets.

use durablefetch_protocol::Key;

/// `https://host/path?…`
pub(crate) fn url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (shown, cut) = url.split_at(end);
    let mark = match cut.chars().next() {
        Some('?') => "?…",
        Some(_) => "#…",
        None => "",
    };
    // What stands before an `@` may be a password, wherever a sloppy URL has it.
    let shown = match shown.rsplit_once('@') {
        Some((before, after)) => format!("{}…@{after}", before.split_once(":/").map_or("", |_| "…:/")),
        None => shown.to_owned(),
    };
    shown + mark
}

/// The URL of a key, redacted.
pub(crate) fn key(key: &Key) -> String {
    url(key.url())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_may_be_a_secret_is_not_logged() {
        for (url, logged) in [
            ("https://a.example/p?token=1", "https://a.example/p?…"),
            ("https://a.example/p", "https://a.example/p"),
            ("https://a.example/p#token?x", "https://a.example/p#…"),
            ("https://user:pw@a.example/p?x", "…:/…@a.example/p?…"),
            ("user:p@ss@a.example", "…@a.example"),
            ("/https:/user:pw@a.example/", "…:/…@a.example/"),
            ("", ""),
        ] {
            assert_eq!(super::url(url), logged, "{url}");
        }
    }
}

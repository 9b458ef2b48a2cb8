//! What others choose, as it may stand in a log: URLs without query, fragment, path parameters, user name and password,
//! which often are secrets, and everything cut, so that a line has a length that a log can bear.

use std::borrow::Cow;

use durablefetch_protocol::Key;

/// The most characters of a URL.
const URL_MAX: usize = 200;
/// The most characters of one segment of it: a UUID and a name fit, a token does not.
const SEGMENT_MAX: usize = 64;
/// What is shown of a segment that is longer.
const SEGMENT_SHOWN: usize = 16;
/// The most characters of any other text.
const TEXT_MAX: usize = 300;

/// `https://host/path?…`
pub(crate) fn url(url: &str) -> String {
    let end = url.find(['?', '#']).into_iter().chain(encoded(url, &["3f", "23"])).min().unwrap_or(url.len());
    let (shown, cut) = url.split_at(end);
    let mark = match cut.as_bytes() {
        [] => "",
        [b'?', ..] | [b'%', b'3', ..] => "?…",
        _ => "#…",
    };
    // What stands before an `@` may be a password, wherever a sloppy URL has it.
    let who = shown.rfind('@').into_iter().chain(shown.to_ascii_lowercase().rfind("%40")).max();
    let (who, shown) = match who.map(|at| shown.split_at(at)) {
        Some((before, after)) => {
            let who = if before.contains(":/") { "…:/…@" } else { "…@" };
            (who, after.strip_prefix('@').unwrap_or_else(|| &after["%40".len()..]))
        }
        None => ("", shown),
    };
    let mut out = who.to_owned();
    let mut is_host = true;
    for (number, segment) in shown.split('/').enumerate() {
        if number > 0 {
            out.push('/');
        }
        // The first that is neither empty nor a scheme.
        let is_first = is_host && !segment.is_empty() && !segment.ends_with(':');
        out.push_str(&if is_first { host(segment) } else { without_parameters(segment) });
        is_host &= !is_first;
    }
    let mut out = cut_to(&out, URL_MAX - mark.chars().count()).into_owned();
    out.push_str(mark);
    out
}

/// The URL of a key, redacted.
pub(crate) fn key(key: &Key) -> String {
    url(key.url())
}

/// A host, which says most at its end, without what may follow it.
pub(crate) fn host(host: &str) -> Cow<'_, str> {
    let long = host.chars().count().checked_sub(SEGMENT_MAX).filter(|more| *more > 0);
    match long.and_then(|more| host.char_indices().nth(more + 1)) {
        None => without_parameters(host),
        Some((at, _)) => Cow::Owned(format!("…{}", without_parameters(&host[at..]))),
    }
}

/// A text that others have a say in: what an upstream's certificate says of itself, a method.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    cut_to(text, TEXT_MAX)
}

/// A segment of a path without its parameters, `;name=value`, and only the beginning of a long one.
fn without_parameters(segment: &str) -> Cow<'_, str> {
    let end = segment.find(';').into_iter().chain(encoded(segment, &["3b"])).min();
    let name = &segment[..end.unwrap_or(segment.len())];
    let is_long = name.chars().count() > SEGMENT_MAX;
    let shown = if is_long { cut_to(name, SEGMENT_SHOWN + 1) } else { Cow::Borrowed(name) };
    match end {
        Some(_) => Cow::Owned(format!("{shown};…")),
        None => shown,
    }
}

/// Where one of these bytes stands percent-encoded, at first.
fn encoded(text: &str, bytes: &[&str]) -> Option<usize> {
    text.match_indices('%').map(|(at, _)| at).find(|at| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| bytes.iter().any(|byte| byte.eq_ignore_ascii_case(digits)))
    })
}

/// At most so many characters, the last of which says that there were more.
fn cut_to(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().count() <= max {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(max - 1).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_logged() {
        for (url, logged) in [
            ("https://a.example/p?token=1", "https://a.example/p?…"),
            ("https://a.example/p", "https://a.example/p"),
            ("https://a.example/p#token?x", "https://a.example/p#…"),
            ("https://user:pw@a.example/p?x", "…:/…@a.example/p?…"),
            ("user:p@ss@a.example", "…@a.example"),
            ("/https:/user:pw@a.example/", "…:/…@a.example/"),
            ("/https:/user:pw%40a.example/", "…:/…@a.example/"),
            ("https://a.example/p;jsessionid=s3cr3t", "https://a.example/p;…"),
            ("https://a.example/a;v=1/b;t=2;u=3/c?x", "https://a.example/a;…/b;…/c?…"),
            ("https://a.example/;s3cr3t/", "https://a.example/;…/"),
            ("/a.example/p%3Bjsessionid=s3cr3t/q", "/a.example/p;…/q"),
            ("/a.example/p%3bs3cr3t;x", "/a.example/p;…"),
            ("/a.example/p%3Ftoken=1", "/a.example/p?…"),
            ("/a.example/p%23token", "/a.example/p#…"),
            ("/a.example;s3cr3t/p", "/a.example;…/p"),
            ("/a.example/100%/%zz/%3", "/a.example/100%/%zz/%3"),
            ("", ""),
        ] {
            assert_eq!(super::url(url), logged, "{url}");
        }
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "x".repeat(60_000);
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.hmac-of-it-that-nobody-may-see";
        for (url, begins, ends) in [
            (format!("https://a.example/{long}"), "https://a.example/xxxxxxxxxxxxxxxx…", "x…"),
            (format!("https://a.example/{long}/end?{long}"), "https://a.example/xx", "x…/end?…"),
            (format!("https://{long}.a.example/p"), "https://…xx", "xx.a.example/p"),
            (format!("https://a.example/reset/{token}"), "https://a.example/reset/eyJhbGciOiJIUzI1…", "…"),
            (format!("https://a.example{}?x", "/segment".repeat(1000)), "https://a.example/segment/", "…?…"),
            (format!("https://a.example/;{long}"), "https://a.example/;…", ";…"),
            (format!("{long}@{long}"), "…@…xx", "x"),
            (long.clone(), "…xx", "x"),
            ("é/".repeat(60_000), "é/é", "…"),
            (format!("{}€", "é".repeat(64)), "…éé", "é€"),
        ] {
            let logged = super::url(&url);
            assert!(logged.chars().count() <= URL_MAX, "{logged}");
            assert!(logged.starts_with(begins) && logged.ends_with(ends), "{logged}");
        }
        let uuid = "https://a.example/chat/6ba7b810-9dad-11d1-80b4-00c04fd430c8/messages";
        assert_eq!(super::url(uuid), uuid);
        assert_eq!((text(&long).chars().count(), text("short").as_ref()), (TEXT_MAX, "short"));
    }
}

//! The addresses of the rest of a recording, where nothing starts.
//!
//! `GET {base}/continue/{recording}/{offset}/{scheme}:/{authority}/{path}` has all that it asks for in its path. A request whose
//! `durablefetch-` headers some gateway has taken off is still the same there, and a cache that goes by URLs cannot take one
//! rest for another.
//!
//! `POST {base}/continue` has it in headers. It is one address for all, for which a browser asks once whether a page of
//! another origin may use it, and no cache has an answer for a POST.

use super::own::Own;

const NAME: &str = "continue";

/// Where a recording is to be continued, as the path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuation<'a> {
    pub(crate) recording: &'a str,
    pub(crate) offset: &'a str,
    /// The path and query behind it, which name the URL: without a slash at the beginning.
    pub(super) rest: &'a str,
}

impl<'a> Continuation<'a> {
    /// Reads a path and query. `None` for every other address.
    ///
    /// `has_url`: the URL is in `durablefetch-url`, and a recorder need not know where it is mounted to be asked. It must
    /// not take the path for decoration then, since it would start something.
    pub(crate) fn read(path_and_query: &'a str, has_url: bool, own: &Own) -> Option<Self> {
        let rest = behind(path_and_query, has_url, own)?.strip_prefix('/')?;
        let path = &rest[..rest.find('?').unwrap_or(rest.len())];
        let mut parts = path.splitn(3, '/');
        let (recording, offset) = (parts.next()?, parts.next().unwrap_or_default());
        let at = (recording.len() + 1 + offset.len() + 1).min(rest.len());
        Some(Self { recording, offset, rest: &rest[at..] })
    }

    /// Whether this is the address of rests that are told by headers. `has_url` as for [`Self::read`].
    pub(crate) fn is_told_by_headers(path_and_query: &str, has_url: bool, own: &Own) -> bool {
        behind(path_and_query, has_url, own).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
    }
}

/// What stands behind the name of these addresses: nothing, or it begins with `/` or `?`. `None` for every other address.
fn behind<'a>(path_and_query: &'a str, has_url: bool, own: &Own) -> Option<&'a str> {
    let base = path_and_query.strip_prefix(own.base_path.as_str()).filter(|rest| rest.starts_with('/'));
    let mut rest = base.or(has_url.then_some(path_and_query))?.strip_prefix('/')?;
    let is_mount =
        |segment: &str| !segment.is_empty() && segment != "localhost" && !segment.contains(['.', ':', '?']);
    loop {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (segment, behind) = rest.split_at(end);
        if segment == NAME {
            return Some(behind);
        }
        if !has_url || !is_mount(segment) {
            return None;
        }
        rest = behind.strip_prefix('/')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        base: &str,
        has_url: bool,
        path: &'static str,
    ) -> Option<(&'static str, &'static str, &'static str)> {
        let own = Own { base_path: base.into(), ..Own::default() };
        let found = Continuation::read(path, has_url, &own)?;
        Some((found.recording, found.offset, found.rest))
    }

    #[test]
    fn it_is_read_below_the_base_path() {
        for (base, path) in [
            ("", "/continue/R/5/https:/a.example/x?y=/z"),
            ("/df", "/df/continue/R/5/https:/a.example/x?y=/z"),
            ("/v1.0/df", "/v1.0/df/continue/R/5/https:/a.example/x?y=/z"),
        ] {
            for has_url in [false, true] {
                assert_eq!(read(base, has_url, path), Some(("R", "5", "https:/a.example/x?y=/z")), "{path}");
            }
        }
        for path in [
            "/df/continue/R/5/a.example/",
            "/continue",
            "/continue?x",
            "/a.example/continue/R/5/b.example/",
            "/dfcontinue/R/5/x",
        ] {
            assert_eq!(read("", false, path), None, "{path}");
        }
    }

    #[test]
    fn with_the_url_in_a_header_it_is_found_wherever_the_recorder_is_mounted() {
        for (base, path) in [
            ("", "/df/continue/R/5/x"),
            ("", "/api/df/continue/R/5/x"),
            ("/df", "/continue/R/5/x"),
            ("/df", "/other/continue/R/5/x"),
        ] {
            assert_eq!(read(base, true, path), Some(("R", "5", "x")), "{path}");
        }
        // What follows a host or a scheme is an upstream's.
        for path in [
            "/a.example/continue/R/5/x",
            "/https:/host/continue/R/5/x",
            "/host:80/continue/R/5/x",
            "/localhost/continue/R/5/x",
            "/x?/continue/R/5/x",
        ] {
            assert_eq!(read("", true, path), None, "{path}");
        }
    }

    #[test]
    fn one_address_is_told_by_headers() {
        let is = |base: &str, has_url, path| {
            let own = Own { base_path: base.into(), ..Own::default() };
            Continuation::is_told_by_headers(path, has_url, &own)
        };
        for (base, path) in [("", "/continue"), ("", "/continue?durablefetch=x"), ("/df", "/df/continue")] {
            assert!(is(base, true, path) && is(base, false, path), "{path}");
        }
        for (base, path) in [("", "/df/continue"), ("/df", "/continue"), ("/df", "/other/api/continue?x")] {
            assert!(is(base, true, path) && !is(base, false, path), "{path}");
        }
        for path in [
            "/continue/",
            "/continue/R/5/x",
            "/continues",
            "/fetch",
            "/a.example/continue",
            "/https:/host/continue",
            "/host:80/continue",
            "/localhost/continue",
            "/x?/continue",
        ] {
            assert!(!is("", true, path), "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_empty() {
        for (path, found) in [
            ("/continue/", ("", "", "")),
            ("/continue/R", ("R", "", "")),
            ("/continue/R/", ("R", "", "")),
            ("/continue/R/5", ("R", "5", "")),
            ("/continue/R/5/", ("R", "5", "")),
            ("/continue/R/5?x", ("R", "5", "x")),
        ] {
            assert_eq!(read("", false, path), Some(found), "{path}");
        }
    }
}

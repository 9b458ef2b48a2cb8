//! Which pages may ask, besides those that may anyway: an operator names their origins.
//!
//! Browsers send an origin of every page that fetches: `https://app.example`, `chrome-extension://ID` of an extension,
//! `tauri://localhost` of a desktop app, and `null` of what has none.

use super::origin::parse_origin;

/// An origin whose pages may ask, or all of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrigin {
    /// In lower case.
    scheme: String,
    /// `host[:port]`; none for whatever it is.
    authority: Option<String>,
}

/// Schemes of which every page on the web may have a host of its own.
const WEB: [&str; 2] = ["http", "https"];
/// Schemes that no page has.
const NOT_OF_PAGES: [&str; 3] = ["ws", "wss", "ftp"];

impl PageOrigin {
    /// Reads `https://app.example`, `tauri://localhost`, `chrome-extension://ID`, or `chrome-extension://*` for all of a
    /// scheme.
    ///
    /// # Errors
    /// A sentence with the right form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let help = || {
            format!(
                "`{text}` is not an origin: write https://app.example, chrome-extension://ID, tauri://localhost or app://*, \
                 without a path"
            )
        };
        if text == "null" {
            return Err(
                "`null` is not an origin of one page: sandboxed frames and local files of everybody have it; \
                        --origin-null (on the worker ORIGIN_NULL) answers them"
                    .to_owned(),
            );
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(help)?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if WEB.contains(&scheme.as_str()) {
            if authority.contains('*') {
                let one = if authority.starts_with("*.") {
                    authority.replacen('*', "www", 1)
                } else {
                    "app.example".into()
                };
                return Err(format!(
                    "`{text}` is not an origin: one of {scheme} has no `*`, since anybody may get such a name; name each, as \
                     {scheme}://{one}"
                ));
            }
            let origin = parse_origin(text).map_err(|_| help())?;
            let authority = origin.split_once("://").map(|(_, authority)| authority.to_owned());
            return Ok(Self { scheme, authority });
        }
        if !is_scheme(&scheme) || NOT_OF_PAGES.contains(&scheme.as_str()) {
            return Err(help());
        }
        match authority {
            "*" => Ok(Self { scheme, authority: None }),
            _ if is_authority(authority) => Ok(Self { scheme, authority: Some(authority.to_owned()) }),
            _ => Err(help()),
        }
    }

    /// Whether a page of this origin, as its browser sends it, is meant.
    #[must_use]
    pub fn covers(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        scheme == self.scheme
            && match &self.authority {
                // Safari writes the hosts of extensions in upper case.
                Some(own) if WEB.contains(&scheme) => own == authority,
                Some(own) => own.eq_ignore_ascii_case(authority),
                None => is_authority(authority),
            }
    }

    /// As a browser sends it; `*` where any host is meant.
    #[must_use]
    pub fn as_text(&self) -> String {
        format!("{}://{}", self.scheme, self.authority.as_deref().unwrap_or("*"))
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether this may stand behind `://` in an origin: a host, empty for files, and perhaps a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    host.bytes().all(of_a_host) && (host.starts_with('[') || !host.contains(':')) && port.is_none_or(is_port)
}

/// How an operator tells a recorder what to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToldBy {
    /// By flags of its command line.
    #[default]
    Flags,
    /// By variables of a Worker.
    Variables,
}

/// The pages that may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// Those of these origins.
    pub named: Vec<PageOrigin>,
    /// Those without one, whose browsers send `null`.
    pub null: bool,
    /// Where the two are said.
    pub told_by: ToldBy,
}

impl Pages {
    /// Whether a page of this origin, as its browser sends it, may ask.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        if origin == "null" { self.null } else { self.named.iter().any(|named| named.covers(origin)) }
    }

    /// What an operator has to do so that pages of this origin may ask.
    pub(super) fn remedy(&self, origin: &str) -> String {
        match (origin, self.told_by) {
            ("null", ToldBy::Flags) => {
                return "to allow it, start the recorder with --origin-null".to_owned();
            }
            ("null", ToldBy::Variables) => {
                return "to allow it, set the variable ORIGIN_NULL to `true`".to_owned();
            }
            _ => {}
        }
        let written =
            PageOrigin::parse(origin).ok().filter(|named| named.covers(origin)).map(|named| named.as_text());
        match (written, self.told_by) {
            (Some(origin), ToldBy::Flags) => {
                format!("to allow it, start the recorder with --origin {origin}")
            }
            (Some(origin), ToldBy::Variables) => format!("to allow it, add {origin} to the variable ORIGINS"),
            (None, _) => "no browser sends that of a page, and nothing allows it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What browsers and shells send: of extensions, desktop and mobile apps, editors, files.
    const OF_PAGES: [&str; 22] = [
        "https://app.example",
        "http://b.example:81",
        "http://[::1]:3000",
        "http://tauri.localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://9c1d3b6e-5d5f-4a63-9d2c-0c5d1c9e2b10",
        "safari-web-extension://E5D8A3B0-1C6E-4E8B-9A55-0F5A7C1C2D3E",
        "tauri://localhost",
        "capacitor://localhost",
        "ionic://localhost",
        "app://.",
        "app://-",
        "app://obsidian.md",
        "wails://wails.localhost:34115",
        "vscode-webview://0a1b2c3d4e",
        "vscode-file://vscode-app",
        "resource://app_1",
        "electron+x.y://main",
        "file://",
        "com.example.app://localhost:0",
        "x://[fe80::1]:80",
        "http-app://localhost",
    ];

    fn pages(origins: &[&str]) -> Pages {
        let named = origins.iter().map(|text| PageOrigin::parse(text).unwrap()).collect();
        Pages { named, ..Pages::default() }
    }

    #[test]
    fn every_origin_of_a_page_can_be_named_and_covers_itself_alone() {
        for origin in OF_PAGES {
            let named = pages(&[origin]);
            let covered: Vec<_> = OF_PAGES.into_iter().filter(|other| named.allow(other)).collect();
            assert_eq!(covered, [origin]);
            assert_eq!(pages(&[&format!("{origin}/")]), named, "{origin}");
            assert!(!named.allow("null"));
        }
    }

    #[test]
    fn what_a_refusal_says_works() {
        for origin in OF_PAGES {
            let said = Pages::default().remedy(origin);
            let flag = said.rsplit_once("--origin ").expect(&said).1;
            assert!(pages(&[flag]).allow(origin), "{said}");
            let said = Pages { told_by: ToldBy::Variables, ..Pages::default() }.remedy(origin);
            assert!(said.contains(&format!("add {flag} to the variable ORIGINS")), "{said}");
        }
        let null = Pages::default();
        assert!(null.remedy("null").ends_with("--origin-null"), "{}", null.remedy("null"));
        assert!(Pages { null: true, ..null }.allow("null"));
        for of_nothing in [
            "",
            "x",
            "https://app.example/x",
            "HTTPS://app.example",
            "https://app.example:443",
            "app://*",
            "(not ASCII)",
            "a b://c",
        ] {
            let said = Pages::default().remedy(of_nothing);
            assert!(said.contains("nothing allows it") && !said.contains("--"), "{of_nothing}: {said}");
        }
    }

    #[test]
    fn all_of_a_scheme_is_named_by_a_star_but_not_on_the_web() {
        let any = pages(&["chrome-extension://*", "FILE://*"]);
        for (origin, allowed) in [
            ("chrome-extension://abc", true),
            ("chrome-extension://abc:1", true),
            ("chrome-extension://", true),
            ("file://", true),
            ("chrome-extension://*", false),
            ("chrome-extension://a/b", false),
            ("chrome-extension://a@b", false),
            ("chrome-extension:a", false),
            ("moz-extension://abc", false),
            ("xchrome-extension://abc", false),
            ("null", false),
        ] {
            assert_eq!(any.allow(origin), allowed, "{origin}");
        }
        assert_eq!(any.named[0].as_text(), "chrome-extension://*");
    }

    #[test]
    fn what_cannot_be_named_says_the_right_form() {
        for (bad, form) in [
            ("https://*.example.com", "https://www.example.com"),
            ("http://*.x", "http://www.x"),
            ("https://*", "https://app.example"),
            ("https://app-*.example", "https://app.example"),
            ("HTTP://*.example:8080", "http://www.example:8080"),
            ("*", "https://app.example"),
            ("null", "--origin-null"),
            ("app.example", "https://app.example"),
            ("localhost:3000", "https://app.example"),
            ("https://app.example/x", "without a path"),
            ("app://x/y", "without a path"),
            ("app://*.x", "app://*"),
            ("app://x*", "app://*"),
            ("app://a:b", "app://*"),
            ("app://a:99999", "app://*"),
            ("1app://x", "app://*"),
            ("app://a@b", "app://*"),
            ("ws://a.example", "https://app.example"),
            ("wss://*", "https://app.example"),
            ("https://u:p@a.example", "https://app.example"),
            ("://x", "https://app.example"),
            ("", "https://app.example"),
        ] {
            let said = PageOrigin::parse(bad).unwrap_err();
            assert!(
                said.contains(bad) && said.contains("is not an origin") && said.contains(form),
                "{bad}: {said}"
            );
        }
    }

    #[test]
    fn origins_of_the_web_are_serialised_as_browsers_do() {
        for (text, origin) in [
            ("HTTPS://App.Example:443/", "https://app.example"),
            ("http://b.example:81", "http://b.example:81"),
            ("http://b.example:80", "http://b.example"),
            ("Tauri://localhost/", "tauri://localhost"),
        ] {
            assert_eq!(PageOrigin::parse(text).unwrap().as_text(), origin);
        }
        // Hosts of extensions are the same in any case, as in Safari.
        assert!(pages(&["safari-web-extension://abc-d"]).allow("safari-web-extension://ABC-D"));
        assert!(!pages(&["https://app.example"]).allow("https://APP.example"));
    }
}

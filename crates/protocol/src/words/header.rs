//! Headers as such: one that may stand once, and those that concern one connection only.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName};

use super::error::{ErrorCode, ProtocolError};

/// Headers that concern one connection only (RFC 9110 §7.6.1), with the old `proxy-connection`.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names that the `connection` header adds to the hop-by-hop ones.
pub(crate) fn connection_named(headers: &HeaderMap) -> Vec<HeaderName> {
    list(headers, header::CONNECTION).filter_map(|token| token.parse().ok()).collect()
}

/// The members of a header that is a comma-separated list (RFC 9110 §5.6.1), without the blanks around them.
pub(crate) fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether this byte may stand in a token (RFC 9110 §5.6.2).
pub(crate) fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether proxies add this header, to say for whom they ask.
pub(crate) fn is_of_proxy(name: &HeaderName) -> bool {
    let name = plain(name);
    name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
}

/// A header's name as servers behind CGI and WSGI know it, to whom `_` and `-` are the same.
pub(crate) fn plain(name: &HeaderName) -> Cow<'_, str> {
    let name = name.as_str();
    if name.contains('_') { Cow::Owned(name.replace('_', "-")) } else { Cow::Borrowed(name) }
}

pub(crate) fn is_hop_by_hop(name: &HeaderName, named: &[HeaderName]) -> bool {
    HOP_BY_HOP.contains(&name.as_str()) || named.contains(name)
}

/// Whether a header is one of those that decide who asks and what for. They stand once, or what the recorder reads and
/// what somebody before it read might be two things.
#[must_use]
pub fn stands_once(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "host" | "origin" | "service-worker")
        || name.starts_with("sec-fetch-")
        || name.starts_with(super::name::PREFIX)
}

/// The value of a header that may stand once.
///
/// # Errors
/// [`ErrorCode::BadRequest`] where it stands twice or is not ASCII.
pub fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ProtocolError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad(name, "stands twice"));
    }
    value.to_str().map(Some).map_err(|_| bad(name, "is not plain ASCII"))
}

/// A header whose value is none.
pub(crate) fn bad(name: &str, what: &str) -> ProtocolError {
    ProtocolError::new(ErrorCode::BadRequest, format!("the header {name} {what}"))
}

#[cfg(test)]
pub(crate) mod testing {
    use http::HeaderValue;

    use super::*;

    /// Headers with these names and values.
    pub(crate) fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    /// Each name once, sorted.
    pub(crate) fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }
}

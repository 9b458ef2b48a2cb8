//! The upstream URL: what can be fetched.

use url::{Host, Url};

use crate::words::{ErrorCode, ProtocolError};

/// An upstream URL: http or https, WHATWG-serialised, without fragment or credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream(Url);

impl Upstream {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidUrl`] for anything that is not an absolute http(s) URL without credentials.
    pub fn parse(text: &str) -> Result<Self, ProtocolError> {
        let invalid = |message: String| ProtocolError::new(ErrorCode::InvalidUrl, message);
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(invalid("the upstream URL contains a control character: percent-encode it".into()));
        }
        let mut url = Url::parse(text).map_err(|error| {
            invalid(format!(
                "the upstream URL is not a valid absolute URL ({error}): write it as https://host/path"
            ))
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!(
                "the upstream URL has the scheme `{}`: only http and https can be fetched",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "the upstream URL contains a user name or password: send them in the authorization header"
                    .into(),
            ));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the upstream is this machine, by its name alone: `localhost`, `*.localhost`, 127/8, `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.0.host())
    }
}

/// Whether this host of a URL is this machine, by its name alone.
pub(crate) fn is_loopback_host(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => is_localhost_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a host name is `localhost` or below it; RFC 6761 §6.3 gives those to loopback.
#[must_use]
pub fn is_localhost_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.len() > ".localhost".len()
            && name.is_char_boundary(name.len() - ".localhost".len())
            && name[name.len() - ".localhost".len()..].eq_ignore_ascii_case(".localhost")
}

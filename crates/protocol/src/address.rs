//! Addresses: what the path (or `durablefetch-url`) of a request to a recorder names.

use url::{Host, Url};

use crate::{ErrorCode, Key, ProtocolError};

/// The most bytes that the id of a demo stream may have.
pub const DEMO_ID_MAX: usize = 128;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An upstream URL, recorded.
    Upstream(Upstream),
    /// The built-in event stream of this id, recorded like any other and never fetched over HTTP.
    Demo(String),
    /// A control call; its JSON body names the URL.
    Control(Control),
    /// `GET /`: a page for people.
    Page,
    /// `GET /healthz`.
    Healthz,
    /// `GET /metrics`.
    Metrics,
    /// `favicon.ico` or `robots.txt`, which browsers and crawlers ask for by themselves.
    WellKnown(&'static str),
}

/// The three control calls, each a POST with a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// `POST {base}/in-progress`.
    InProgress,
    /// `POST {base}/delete`.
    Delete,
    /// `POST {base}/stop`.
    Stop,
}

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
        match self.0.host() {
            Some(Host::Domain(name)) => is_localhost_name(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
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

/// What a recorder knows of its own address, to read the addresses of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// The path under which it is mounted, without a trailing slash; empty at the root.
    pub base_path: String,
    /// The port it listens on; every loopback name at this port is the recorder itself.
    pub loopback_port: Option<u16>,
    /// Further authorities (`host` or `host:port`) that lead to it, below the base path alone: the rest is the app
    /// that it is mounted in.
    pub authorities: Vec<String>,
    /// Whether these authorities are mapped to the app elsewhere, so that nothing of theirs outside of a base path
    /// leads here.
    pub is_mapped: bool,
}

impl Own {
    /// Whether a URL leads back to this recorder.
    #[must_use]
    pub fn is_self(&self, upstream: &Upstream) -> bool {
        let url = upstream.url();
        if self.loopback_port.is_some()
            && upstream.is_loopback()
            && url.port_or_known_default() == self.loopback_port
        {
            return true;
        }
        let authority = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return false,
        };
        let is_here = match url.path().strip_prefix(self.base_path.as_str()) {
            // The proxy in front may have taken a path off, so that the rest of the origin may be the app. What is
            // the recorder after all is known by `via`.
            Some(rest) if self.base_path.is_empty() => !self.is_mapped && rest.starts_with("/demo/"),
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        is_here && self.authorities.iter().any(|own| own.eq_ignore_ascii_case(&authority))
    }

    /// What an upstream URL names for this recorder: itself, or one of its own demo streams.
    ///
    /// # Errors
    /// [`ErrorCode::LoopDetected`] where the recorder would fetch itself.
    pub fn resolve(&self, upstream: Upstream) -> Result<Target, ProtocolError> {
        if !self.is_self(&upstream) {
            return Ok(Target::Upstream(upstream));
        }
        let path = upstream.url().path();
        match path.strip_prefix(self.base_path.as_str()).and_then(|path| path.strip_prefix("/demo/")) {
            Some(id) => demo(id),
            None => Err(ProtocolError::new(
                ErrorCode::LoopDetected,
                "the upstream URL leads to this recorder itself: name the origin that it shall fetch",
            )),
        }
    }
}

/// Reads the target of a request.
///
/// `path_and_query` is as it stood in the request line; `url_header` is the value of `durablefetch-url`.
///
/// # Errors
/// [`ErrorCode::NotFound`] for a path that names nothing, [`ErrorCode::InvalidUrl`] and
/// [`ErrorCode::LoopDetected`] for an upstream that cannot be fetched.
pub fn parse_target(
    path_and_query: &str,
    url_header: Option<&str>,
    own: &Own,
) -> Result<Target, ProtocolError> {
    if let Some(url) = url_header {
        return own.resolve(Upstream::parse(url)?);
    }
    let rest = path_and_query
        .strip_prefix(own.base_path.as_str())
        .filter(|rest| rest.starts_with(['/', '?']) || rest.is_empty())
        .ok_or_else(|| not_found(&format!("this recorder is mounted at `{}`", own.base_path)))?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let path = rest.split('?').next().unwrap_or_default();
    match path {
        "" => return Ok(Target::Page),
        "in-progress" => return Ok(Target::Control(Control::InProgress)),
        "delete" => return Ok(Target::Control(Control::Delete)),
        "stop" => return Ok(Target::Control(Control::Stop)),
        "healthz" => return Ok(Target::Healthz),
        "metrics" => return Ok(Target::Metrics),
        "favicon.ico" => return Ok(Target::WellKnown("favicon.ico")),
        "robots.txt" => return Ok(Target::WellKnown("robots.txt")),
        _ => {}
    }
    if let Some(id) = path.strip_prefix("demo/") {
        return demo(id);
    }
    own.resolve(Upstream::parse(&upstream_text(rest)?)?)
}

/// Spells out the upstream URL of `{authority}/{path}` or `{scheme}:/{authority}/{path}` (one slash or two).
fn upstream_text(rest: &str) -> Result<String, ProtocolError> {
    for scheme in ["http", "https"] {
        let Some((head, tail)) = rest.split_at_checked(scheme.len()) else { continue };
        if let Some(tail) = tail.strip_prefix(":/").filter(|_| head.eq_ignore_ascii_case(scheme)) {
            let tail = tail.strip_prefix('/').unwrap_or(tail);
            let (authority, tail) = split_authority(tail)?;
            return Ok(format!("{scheme}://{authority}{tail}"));
        }
    }
    let (authority, tail) = split_authority(rest)?;
    let has_port =
        authority.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && !port.ends_with(']'));
    if !has_port && !authority.contains('.') && !authority.starts_with('[') && !is_localhost_name(&authority)
    {
        if let Some(scheme) = authority.strip_suffix(':') {
            return Err(not_found(&format!(
                "`{scheme}` is no scheme that can be fetched: write http or https"
            )));
        }
        return Err(not_found(&format!(
            "`{authority}` is no address of this recorder and no host; write /host.example/path"
        )));
    }
    let probe = Upstream::parse(&format!("http://{authority}/"))?;
    let scheme = if probe.is_loopback() { "http" } else { "https" };
    Ok(format!("{scheme}://{authority}{tail}"))
}

/// Splits `authority[/path][?query]`. The brackets of an IPv6 literal may come percent-encoded, as some
/// clients write them in a path.
fn split_authority(rest: &str) -> Result<(String, &str), ProtocolError> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority =
        rest[..end].replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
    if authority.is_empty() {
        return Err(not_found("the path names no host; write /host.example/path"));
    }
    Ok((authority, &rest[end..]))
}

fn demo(id: &str) -> Result<Target, ProtocolError> {
    if id.is_empty() || id.len() > DEMO_ID_MAX || id.contains('/') {
        return Err(not_found(
            "a demo stream is named /demo/{id}, where the id has 1 to 128 bytes and no slash",
        ));
    }
    Ok(Target::Demo(id.to_owned()))
}

fn not_found(message: &str) -> ProtocolError {
    ProtocolError::new(ErrorCode::NotFound, message)
}

impl Target {
    /// The key under which this target is recorded; `None` for what is never recorded.
    #[must_use]
    pub fn key(&self, scope: &str) -> Option<Key> {
        match self {
            Self::Upstream(upstream) => Some(Key::new(scope, upstream.url().as_str())),
            Self::Demo(id) => Some(Key::new(scope, &format!("demo:{id}"))),
            Self::Control(_) | Self::Page | Self::Healthz | Self::Metrics | Self::WellKnown(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;

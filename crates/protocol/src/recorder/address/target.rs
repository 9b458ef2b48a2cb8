//! The target of a request: what its path (or `durablefetch-url`) names.

use super::continuation::Continuation;
use super::key::Key;
use super::own::Own;
use super::upstream::{Upstream, is_localhost_name};
use crate::words::{ErrorCode, ProtocolError};

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
    /// `GET /readyz`.
    Readyz,
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

impl Own {
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
                "the upstream URL leads to this recorder itself: name the origin that it should fetch",
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
    if let Some(continuation) = Continuation::read(path_and_query, false, own) {
        return recorded(continuation.rest, own);
    }
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    match path_of(rest) {
        "" => Ok(Target::Page),
        "in-progress" => Ok(Target::Control(Control::InProgress)),
        "delete" => Ok(Target::Control(Control::Delete)),
        "stop" => Ok(Target::Control(Control::Stop)),
        "healthz" => Ok(Target::Healthz),
        "readyz" => Ok(Target::Readyz),
        "metrics" => Ok(Target::Metrics),
        "favicon.ico" => Ok(Target::WellKnown("favicon.ico")),
        "robots.txt" => Ok(Target::WellKnown("robots.txt")),
        _ => recorded(rest, own),
    }
}

/// What is recorded: an upstream's URL or a demo stream.
fn recorded(rest: &str, own: &Own) -> Result<Target, ProtocolError> {
    match path_of(rest).strip_prefix("demo/") {
        Some(id) => demo(id),
        None => own.resolve(Upstream::parse(&upstream_text(rest)?)?),
    }
}

fn path_of(rest: &str) -> &str {
    rest.split('?').next().unwrap_or_default()
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
                "`{scheme}` is not a scheme that can be fetched: write http or https"
            )));
        }
        return Err(not_found(&format!(
            "`{authority}` is neither an address of this recorder nor a host; write /host.example/path"
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
            Self::Control(_)
            | Self::Page
            | Self::Healthz
            | Self::Readyz
            | Self::Metrics
            | Self::WellKnown(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;

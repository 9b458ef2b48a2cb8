//! The recorder's own address.

use super::upstream::Upstream;

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
}

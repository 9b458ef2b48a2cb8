//! Where clients ask, and what for.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

use crate::record::{RECORD_MAX, RECORD_MIN};

/// The server that clients connect to, and how an upstream's path becomes a path there.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where to connect.
    pub address: SocketAddr,
    /// What comes before the upstream's path.
    pub prefix: String,
    /// How a stream is read there.
    pub form: Form,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its bytes are a response's body.
    Body,
    /// Its bytes are in events; the app at this address starts it.
    Events(SocketAddr),
    /// One answer after the other, each asked for from where the last one ended; the app at this address starts it.
    Polls(SocketAddr),
}

impl Form {
    /// Who is asked to start a stream before it is read.
    #[must_use]
    pub const fn app(self) -> Option<SocketAddr> {
        match self {
            Self::Body => None,
            Self::Events(app) | Self::Polls(app) => Some(app),
        }
    }
}

impl Target {
    /// Reads `http://127.0.0.1:8787/{upstream}`; `{upstream}` becomes the upstream's `host:port`.
    ///
    /// # Errors
    /// Where this is not a plain HTTP URL with an IP address and a port.
    pub fn parse(url: &str, upstream: SocketAddr) -> Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!("`{url}` is not a target: write http://127.0.0.1:PORT/prefix");
        };
        let (address, path) = rest.split_once('/').map_or((rest, ""), |(address, path)| (address, path));
        let address = address.replace("{upstream}", &upstream.to_string());
        let address = address.parse().with_context(|| format!("`{url}`: `{address}` is not IP:PORT"))?;
        let path = path.trim_end_matches('/').replace("{upstream}", &upstream.to_string());
        let prefix = if path.is_empty() { path } else { format!("/{path}") };
        Ok(Self { address, prefix, form: Form::Body })
    }

    /// The upstream itself, with nothing between.
    #[must_use]
    pub const fn direct(upstream: SocketAddr) -> Self {
        Self { address: upstream, prefix: String::new(), form: Form::Body }
    }

    /// The path to ask for.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

/// A stream that the upstream serves: its path says all about it, so that a program in between can ask for it at
/// any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Names it; streams of one name are different streams all the same.
    pub name: String,
    /// Bytes of a chunk, which is one record.
    pub chunk: usize,
    /// Microseconds from one chunk to the next; 0 for as fast as they are taken.
    pub every_us: u64,
    /// Chunks after which it ends; 0 for none: it ends when [`crate::upstream::Upstream::end_all`] says so.
    pub chunks: u64,
}

impl Stream {
    /// The path at the upstream.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/s/{}/{}/{}/{}", self.name, self.chunk, self.every_us, self.chunks)
    }

    /// Reads what [`Stream::path`] wrote; a query is ignored.
    ///
    /// # Errors
    /// Where the path is none of ours or a chunk cannot hold a record.
    pub fn parse(path: &str) -> Result<Self> {
        let path = path.split('?').next().unwrap_or_default();
        let mut parts = path.split('/').skip_while(|part| *part != "s").skip(1);
        let mut part = || parts.next().with_context(|| format!("`{path}` is not a path of the upstream"));
        let stream = Self {
            name: part()?.to_owned(),
            chunk: part()?.parse()?,
            every_us: part()?.parse()?,
            chunks: part()?.parse()?,
        };
        ensure!(
            (RECORD_MIN..=RECORD_MAX).contains(&stream.chunk),
            "a chunk has {RECORD_MIN} to {RECORD_MAX} bytes, not {}",
            stream.chunk
        );
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_know_the_upstream() {
        let upstream: SocketAddr = ([127, 0, 0, 1], 81).into();
        let target = Target::parse("http://127.0.0.1:80/df/{upstream}/", upstream).unwrap();
        assert_eq!(target.path("/s/a"), "/df/127.0.0.1:81/s/a");
        assert_eq!(Target::parse("http://127.0.0.1:80", upstream).unwrap().path("/s"), "/s");
        assert!(Target::parse("https://127.0.0.1:80/", upstream).is_err());
        assert!(Target::parse("http://localhost:80/", upstream).is_err());
    }

    #[test]
    fn a_path_says_all() {
        let stream = Stream { name: "a-1".into(), chunk: 150, every_us: 20_000, chunks: 7 };
        assert_eq!(Stream::parse(&stream.path()).unwrap(), stream);
        assert_eq!(Stream::parse(&format!("/prefix{}?x=1", stream.path())).unwrap(), stream);
        assert!(Stream::parse("/s/a/1/1/1").is_err() && Stream::parse("/x").is_err());
    }
}

//! The suite's client: one connection per request, every byte of the answer visible.

mod request;
mod response;

pub use request::{Open, Request};
pub use response::{End, Response};

use crate::check::{Checked, Oops};

/// Where a recorder listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    /// `host:port`, which is also the `Host` header.
    pub authority: String,
    /// The path under which it is mounted, without a slash at its end. Mostly empty.
    pub mount: String,
}

impl Recorder {
    /// Reads a base URL. An error where it is not `http://host:port[/path]`.
    pub fn at(base_url: &str) -> Checked<Self> {
        let rest = base_url
            .strip_prefix("http://")
            .ok_or_else(|| Oops::new(format!("the base URL must start with http://: {base_url}")))?;
        let (authority, mount) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        Ok(Self { authority: authority.to_owned(), mount: mount.trim_end_matches('/').to_owned() })
    }

    /// A request to this recorder. `path` starts with a slash and is sent as it stands.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self, method, path)
    }

    /// A request for an upstream URL, in the seed's form `{base}/{authority}/{path}`.
    pub fn fetch(&self, method: &str, url: &str) -> Request {
        let address = url.strip_prefix("http://").unwrap_or(url);
        self.request(method, &format!("/{address}"))
    }

    /// The rest of a recording of this upstream URL, at the address that says all.
    pub fn rest(&self, method: &str, recording: &str, offset: &str, url: &str) -> Request {
        self.request(method, &format!("/continue/{recording}/{offset}/{}", url.replacen("://", ":/", 1)))
    }

    /// The same at the one address of all rests, which headers tell of what.
    pub fn told_rest(&self, method: &str, recording: &str, offset: usize, url: &str) -> Request {
        self.request(method, "/continue").header("durablefetch-url", url).rest_of(recording, offset)
    }
}

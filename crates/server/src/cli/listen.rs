//! Flags: where a recorder is reached.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use durablefetch_protocol::access::{PageOrigin, parse_origin};

/// See `durablefetch serve --help`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where it is reached")]
pub struct ListenArgs {
    /// Where to listen. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// The origin under which others reach it, as https://app.example.
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    pub(super) public_origin: Option<String>,

    /// Answer pages of this origin (or app://*) too; repeatable.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = PageOrigin::parse, value_delimiter = ',')]
    pub(super) origins: Vec<PageOrigin>,

    /// Answer pages without an origin: sandboxed frames, local files.
    #[arg(long, value_parser = FalseyValueParser::new())]
    pub(super) origin_null: bool,

    /// The path under which it is mounted, such as /df.
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true, value_parser = parse_base)]
    pub(super) base_path: String,

    /// A certificate chain, PEM; SIGHUP reads it again.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,

    /// Where to answer /metrics, /healthz, /readyz and nothing else.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_listen)]
    pub metrics_listen: Option<SocketAddr>,
}

/// An address and port, with `localhost` for 127.0.0.1.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:");
    let address = port.map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    address.parse().map_err(|_| format!("`{text}` is not an address and port: write 127.0.0.1:8787"))
}

fn parse_base(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let fits = path.is_empty()
        || path.starts_with('/') && !path.contains(['?', '#', '%', ' ']) && !path.contains("//");
    if fits { Ok(path.to_owned()) } else { Err(format!("`{text}` is not a path: write /df")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_has_a_port() {
        assert_eq!(parse_listen("localhost:8787").unwrap().to_string(), "127.0.0.1:8787");
        assert_eq!(parse_listen("[::1]:0").unwrap().to_string(), "[::1]:0");
        for bad in ["8787", ":8787", "127.0.0.1", "app.example:80"] {
            assert!(parse_listen(bad).unwrap_err().contains("write 127.0.0.1:8787"), "{bad}");
        }
    }
}

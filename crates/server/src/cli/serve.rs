//! `durablefetch serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use durablefetch_protocol::access::Pages;
use durablefetch_protocol::units;

use super::access::{ScopeArgs, UpstreamArgs};
use super::cluster::ClusterArgs;
use super::limits::LimitArgs;
use super::listen::ListenArgs;
use super::values;
use crate::config::{self, Config, TlsFiles};

/// The flags of `durablefetch serve`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "A flag such as --max-recordings is also the variable DURABLEFETCH_MAX_RECORDINGS and the key \
                  `max-recordings` of the file. What is said twice: the flag counts, then the variable."
)]
pub struct Serve {
    /// Where it listens.
    #[command(flatten)]
    pub at: ListenArgs,

    #[command(flatten)]
    scope: ScopeArgs,

    #[command(flatten)]
    upstream: UpstreamArgs,

    #[command(flatten)]
    keep: KeepArgs,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// How it logs.
    #[command(flatten)]
    pub operating: OperatingArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What is kept")]
struct KeepArgs {
    #[cfg_attr(unix, doc = "Where recordings are kept. [default: ~/.local/state/durablefetch]")]
    #[cfg_attr(windows, doc = r"Where recordings are kept. [default: %LOCALAPPDATA%\durablefetch]")]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// How long a recording is kept after its last use.
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = values::time)]
    ttl: Duration,

    /// How long it is kept after its end, whatever uses it.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = values::time)]
    max_age: Duration,
}

/// How it is run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operating")]
pub struct OperatingArgs {
    /// A TOML file with the same names as here.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print every setting and where it came from, and end.
    #[arg(long, value_parser = FalseyValueParser::new())]
    pub dry_run: bool,

    /// How long live recordings may go on after SIGTERM.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::duration)]
    drain: Duration,

    /// End as by SIGTERM once stdin closes: for programs that start a recorder. People need not read of it.
    #[arg(long, hide = true, value_parser = FalseyValueParser::new())]
    pub until_stdin_closes: bool,

    /// Go on in the background once it listens: for `systemctl reload`, which starts the successor so.
    #[arg(long, hide = true, value_parser = FalseyValueParser::new())]
    pub detach: bool,

    /// The process that has done so.
    #[arg(long, value_name = "PID", hide = true)]
    pub detached_from: Option<u32>,

    /// What this process is called: in logs, metrics and answers.
    #[arg(long, value_name = "NAME", value_parser = values::node)]
    node: Option<String>,

    /// From error, warn, info or debug on; or RUST_LOG.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = level)]
    pub log_level: tracing::Level,

    /// Log lines as text or json.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Serve {
    /// The set-up that these flags describe.
    ///
    /// # Errors
    /// A sentence, where no data directory is named and the user has none, or where a token secret is none.
    pub fn into_config(self) -> Result<Config, String> {
        let data = match self.keep.data {
            Some(data) => data,
            None => config::default_data()
                .ok_or("recordings need a directory, and no home directory is known: name one with --data")?,
        };
        Ok(Config {
            public_origin: self.at.public_origin,
            pages: Pages { named: self.at.origins, null: self.at.origin_null, ..Pages::default() },
            base_path: self.at.base_path,
            tls: self.at.tls_cert.zip(self.at.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
            scoping: self.scope.scoping()?,
            unguessable_urls: self.scope.unguessable_urls,
            trusted_proxies: self.upstream.trusted_proxies(),
            allow: self.upstream.allow,
            allow_any: self.upstream.allow_any,
            drop_headers: self.upstream.drop_headers,
            maps: self.upstream.maps,
            ttl: self.keep.ttl,
            max_age: self.keep.max_age,
            drain: self.operating.drain,
            node: self.operating.node,
            cluster: self.cluster.shared()?,
            limits: self.limits.into(),
            ..Config::new(data)
        })
    }
}

fn level(text: &str) -> Result<tracing::Level, String> {
    text.parse().map_err(|_| format!("`{text}` is not a level: write error, warn, info, debug or trace"))
}

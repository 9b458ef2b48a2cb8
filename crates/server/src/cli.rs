//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use durablefetch_protocol::allow::Allow;
use durablefetch_protocol::units;
use url::Url;

use crate::config::{Config, Limits};

/// Records upstream responses once and serves them to whoever asks, live and later.
#[derive(Debug, Parser)]
#[command(name = "durablefetch", version, about, term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a recorder.
    Serve(Box<Serve>),
}

/// The flags of `durablefetch serve`. Each has an environment variable, which a flag overrides.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Every flag has an environment variable: --max-recordings is DURABLEFETCH_MAX_RECORDINGS."
)]
pub struct Serve {
    /// Where to listen: a loopback address. Port 0 picks a free one.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8787",
        env = "DURABLEFETCH_LISTEN",
        hide_env = true
    )]
    pub listen: SocketAddr,

    /// Where recordings are kept. [default: durablefetch in the user's state directory]
    #[arg(long, value_name = "DIR", env = "DURABLEFETCH_DATA", hide_env = true)]
    data: Option<PathBuf>,

    /// How long a recording is kept after its last use.
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = units::duration, env = "DURABLEFETCH_TTL", hide_env = true)]
    ttl: Duration,

    /// Fetch this origin and path prefix only; may be repeated. Hosts in private networks need one.
    /// [default: the internet and this machine]
    #[arg(long, value_name = "PREFIX", value_parser = parse_allow, env = "DURABLEFETCH_ALLOW", hide_env = true, value_delimiter = ',')]
    allow: Vec<Allow>,

    /// Answer pages of this origin too, besides those on localhost; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = parse_origin, env = "DURABLEFETCH_ORIGIN", hide_env = true, value_delimiter = ',')]
    origins: Vec<String>,

    /// The path under which the recorder is mounted, such as /df.
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true, value_parser = parse_base, env = "DURABLEFETCH_BASE_PATH", hide_env = true)]
    base_path: String,

    /// How long live recordings may go on after SIGTERM.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::duration, env = "DURABLEFETCH_DRAIN", hide_env = true)]
    drain: Duration,

    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Bytes of one recording.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = units::size, env = "DURABLEFETCH_MAX_RECORDING_BYTES", hide_env = true)]
    max_recording_bytes: u64,

    /// Recordings in flight.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 10_000,
        env = "DURABLEFETCH_MAX_RECORDINGS",
        hide_env = true
    )]
    max_recordings: usize,

    /// Bytes of a request body.
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = units::size, env = "DURABLEFETCH_MAX_REQUEST_BYTES", hide_env = true)]
    max_request_bytes: u64,

    /// Bytes of all recordings together; the oldest finished ones go first.
    #[arg(long, value_name = "SIZE", default_value = "16GiB", value_parser = units::size, env = "DURABLEFETCH_MAX_DISK_BYTES", hide_env = true)]
    max_disk_bytes: u64,

    /// Bytes of live recordings held in memory.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::size, env = "DURABLEFETCH_MAX_MEMORY_BYTES", hide_env = true)]
    max_memory_bytes: u64,

    /// How long an upstream may take to send response headers.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = units::duration, env = "DURABLEFETCH_HEADER_TIMEOUT", hide_env = true)]
    header_timeout: Duration,

    /// How long an upstream may be silent inside a body.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = units::duration, env = "DURABLEFETCH_IDLE_TIMEOUT", hide_env = true)]
    idle_timeout: Duration,
}

impl Serve {
    /// The set-up that these flags describe.
    ///
    /// # Errors
    /// A sentence, where no data directory is named and the user has none.
    pub fn into_config(self) -> Result<Config, String> {
        let data = match self.data {
            Some(data) => data,
            None => default_data()
                .ok_or("there is no home directory to keep recordings in: name one with --data")?,
        };
        Ok(Config {
            ttl: self.ttl,
            allow: self.allow,
            origins: self.origins,
            base_path: self.base_path,
            drain: self.drain,
            limits: Limits {
                recording_bytes: self.limits.max_recording_bytes,
                recordings: self.limits.max_recordings,
                request_bytes: self.limits.max_request_bytes,
                disk_bytes: self.limits.max_disk_bytes,
                memory_bytes: usize::try_from(self.limits.max_memory_bytes).unwrap_or(usize::MAX),
                header_timeout: self.limits.header_timeout,
                idle_timeout: self.limits.idle_timeout,
            },
            ..Config::new(data)
        })
    }
}

fn default_data() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state =
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("durablefetch"))
}

fn parse_allow(text: &str) -> Result<Allow, String> {
    Allow::parse(text).map_err(|error| error.message)
}

/// An origin as browsers serialise it, so that it can be compared byte for byte.
fn parse_origin(text: &str) -> Result<String, String> {
    let help = || format!("`{text}` is no origin: write https://app.example, without a path");
    let url = Url::parse(text).map_err(|_| help())?;
    let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let origin = url.origin();
    if !origin.is_tuple() || !plain || !url.username().is_empty() {
        return Err(help());
    }
    Ok(origin.ascii_serialization())
}

fn parse_base(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let fits = path.is_empty()
        || path.starts_with('/') && !path.contains(['?', '#', '%', ' ']) && !path.contains("//");
    if fits { Ok(path.to_owned()) } else { Err(format!("`{text}` is no path: write /df")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(args: &[&str]) -> Result<Config, String> {
        let args = ["durablefetch", "serve", "--data", "d"].iter().chain(args);
        let Command::Serve(serve) = Cli::try_parse_from(args).map_err(|error| error.to_string())?.command;
        serve.into_config()
    }

    #[test]
    fn defaults_are_the_librarys() {
        let from_flags = serve(&[]).unwrap();
        assert_eq!(format!("{from_flags:?}"), format!("{:?}", Config::new("d")));
    }

    #[test]
    fn origins_are_serialised_as_browsers_do() {
        let config =
            serve(&["--origin", "HTTPS://App.Example:443/", "--origin", "http://b.example:81"]).unwrap();
        assert_eq!(config.origins, ["https://app.example", "http://b.example:81"]);
        for bad in ["app.example", "https://app.example/x", "null", "file:///x"] {
            assert!(serve(&["--origin", bad]).unwrap_err().contains("is no origin"), "{bad}");
        }
    }

    #[test]
    fn a_base_path_has_no_trailing_slash() {
        assert_eq!(serve(&["--base-path", "/df/"]).unwrap().base_path, "/df");
        assert!(serve(&["--base-path", "df"]).unwrap_err().contains("write /df"));
    }

    #[test]
    fn help_fits_a_width_of_100() {
        use clap::CommandFactory;
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("serve").unwrap().render_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

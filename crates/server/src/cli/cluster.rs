//! Flags: the cluster that a recorder is one of.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::listen::parse_listen;
use super::{secrets, values};
use crate::config::Shared;

/// See `durablefetch serve --help`.
#[derive(Args)]
#[command(next_help_heading = "Several machines")]
pub(super) struct ClusterArgs {
    /// The database of PostgreSQL that they share: postgres://…, or @FILE.
    #[arg(long, value_name = "URL", requires = "peer_listen")]
    cluster: Option<String>,

    /// Where the others of the cluster reach this one.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_listen, requires = "cluster")]
    peer_listen: Option<SocketAddr>,

    /// The same as they see it. [default: https://ADDRESS]
    #[arg(long, value_name = "URL", value_parser = peer_url, requires = "cluster")]
    peer_url: Option<String>,

    /// How long the database may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::time)]
    store_timeout: Duration,

    /// Bytes of bodies in the database.
    #[arg(long, value_name = "SIZE", default_value = "16GiB", value_parser = values::size)]
    max_cluster_bytes: u64,

    /// How long a process that is not heard of has what it has; the same in all. For tests: 8 s is right for all others.
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = lease, hide = true)]
    lease: Duration,
}

/// Without the database's password.
impl std::fmt::Debug for ClusterArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterArgs").field("peer_listen", &self.peer_listen).finish_non_exhaustive()
    }
}

impl ClusterArgs {
    /// The cluster that these flags name; `None` where they name none.
    pub(super) fn shared(self) -> Result<Option<Shared>, String> {
        let (Some(cluster), Some(peer_listen)) = (self.cluster, self.peer_listen) else { return Ok(None) };
        let database = secrets::read(&cluster)?;
        let Self { peer_url, store_timeout, max_cluster_bytes: most_bytes, lease, .. } = self;
        Ok(Some(Shared { database, peer_listen, peer_url, store_timeout, most_bytes, lease }))
    }
}

fn peer_url(text: &str) -> Result<String, String> {
    let is_one = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" && url.host().is_some() && url.path() == "/" && url.query().is_none()
    });
    let text = text.trim_end_matches('/');
    if is_one {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not where a process is reached: write https://10.0.0.5:8788"))
    }
}

/// Shorter than this, a pause of the machine takes for dead what lives.
const LEASE_MIN: Duration = Duration::from_millis(500);

fn lease(text: &str) -> Result<Duration, String> {
    let lease = values::time(text)?;
    if lease < LEASE_MIN {
        return Err(format!(
            "{text} is less than a machine may pause: write 500ms or more, and 8s if nothing speaks against it"
        ));
    }
    Ok(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_reached_over_https() {
        assert_eq!(peer_url("https://10.0.0.5:8788/").unwrap(), "https://10.0.0.5:8788");
        for bad in ["10.0.0.5:8788", "http://10.0.0.5:8788", "https://df/path", "https://df?x"] {
            assert!(peer_url(bad).unwrap_err().contains("write https://10.0.0.5:8788"), "{bad}");
        }
    }

    #[test]
    fn a_lease_outlasts_a_pause() {
        assert_eq!(lease("1s").unwrap(), Duration::from_secs(1));
        assert!(lease("100ms").unwrap_err().contains("write 500ms or more"));
    }
}

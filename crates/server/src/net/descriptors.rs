//! File descriptors: how many the process may have, and what fits into that.

use crate::config::Limits;

/// For what is neither a connection nor a recording in flight: database, listener, stored bodies, name look-ups.
const RESERVED: usize = 256;
/// A recording in flight has a connection to its upstream and a body file.
const PER_RECORDING: usize = 2;

/// Fewer than this, and a recorder for more than a few people is short of them: worth a line that nobody asked for.
const FEW: usize = 1000;

/// Raises the limit of open files as far as the system lets the process: the usual soft limit of 1024 is for
/// programs that use `select`.
pub fn raise() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

/// How many files the process may have open, where there is a limit.
#[cfg(unix)]
fn limit() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.and_then(|open| usize::try_from(open).ok())
}

/// Memory alone limits them.
#[cfg(windows)]
fn limit() -> Option<usize> {
    None
}

/// Warns of limits that do not fit into what the process may have open.
pub fn warn_of(limits: &Limits) {
    fit_process(&mut limits.clone());
}

/// Lowers limits to what the process may have open, and says so.
pub(crate) fn fit_process(limits: &mut Limits) {
    let Some(open) = limit() else { return };
    let wanted = (limits.recordings, limits.connections);
    fit(limits, open);
    let (recordings, connections) = (limits.recordings, limits.connections);
    if (recordings, connections) == wanted {
        return;
    }
    let default = Limits::default();
    let is_named = wanted != (default.recordings, default.connections);
    if is_named || recordings.min(connections) < FEW {
        tracing::warn!(
            recordings,
            connections,
            "the limit of {open} open files allows fewer recordings in flight and connections than the set-up: \
             raise it (`ulimit -n`, systemd's LimitNOFILE=), or lower --max-recordings and --max-connections"
        );
    } else {
        tracing::debug!(
            recordings,
            connections,
            "the limit of {open} open files allows fewer than the default"
        );
    }
}

fn fit(limits: &mut Limits, open: usize) {
    let open = open.saturating_sub(RESERVED).max(PER_RECORDING + 1);
    if limits.recordings.saturating_mul(PER_RECORDING).saturating_add(limits.connections) > open {
        limits.recordings = limits.recordings.min(open / (PER_RECORDING + 1)).max(1);
        limits.connections = limits.connections.min(open - PER_RECORDING * limits.recordings).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(recordings: usize, connections: usize, open: usize) -> (usize, usize) {
        let mut limits = Limits { recordings, connections, ..Limits::default() };
        fit(&mut limits, open);
        (limits.recordings, limits.connections)
    }

    #[test]
    fn limits_fit_into_the_open_files() {
        assert_eq!(fitted(10_000, 10_000, 1 << 20), (10_000, 10_000));
        assert_eq!(fitted(10_000, 10_000, 20_000), (6581, 6582));
        assert_eq!(fitted(5000, 10_000, 20_000), (5000, 9744));
        assert_eq!(fitted(10_000, 10_000, 1024), (256, 256));
        assert_eq!(fitted(10, 100, 1024), (10, 100));
        assert_eq!(fitted(10_000, 10_000, 0), (1, 1), "it tries");
        for open in 0..3000 {
            let (recordings, connections) = fitted(5000, 777, open);
            let used = PER_RECORDING * recordings + connections;
            assert!(used <= open.saturating_sub(RESERVED).max(3), "{open}");
        }
    }
}

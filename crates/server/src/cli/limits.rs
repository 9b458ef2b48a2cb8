//! Flags: what one recording or one request may take.

use std::time::Duration;

use clap::Args;

use durablefetch_protocol::{limits, units};

use super::values;
use crate::config::Limits;

/// See `durablefetch serve --help`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Bytes of one recording.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = values::size)]
    max_recording_bytes: u64,

    /// Recordings in flight.
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = values::count)]
    max_recordings: usize,

    /// The same of one scope, where these differ. [default: 100]
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    max_scope_recordings: Option<usize>,

    /// Readers of one recording.
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = values::count)]
    max_readers: usize,

    /// Readers of all.
    #[arg(long, value_name = "COUNT", default_value = "20000", value_parser = values::count)]
    max_total_readers: usize,

    /// Connections; each takes an open file.
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = values::count)]
    max_connections: usize,

    /// Bytes of a request body.
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = values::size)]
    max_request_bytes: u64,

    /// Bytes of all request bodies in memory.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = values::size)]
    max_upload_bytes: u64,

    /// Bytes stored; the oldest recordings go first.
    #[arg(long, value_name = "SIZE", default_value = "16GiB", value_parser = values::disk)]
    max_disk_bytes: u64,

    /// The same of one scope. [default: an eighth]
    #[arg(long, value_name = "SIZE", value_parser = values::disk)]
    max_scope_disk_bytes: Option<u64>,

    /// Bytes of live recordings held in memory.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::size)]
    max_memory_bytes: u64,

    /// How long a connection to an upstream may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::time)]
    connect_timeout: Duration,

    /// How long an upstream may take to answer.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::time)]
    header_timeout: Duration,

    /// Silence of an upstream inside a body.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::time)]
    idle_timeout: Duration,

    /// Silence of a client inside a request or answer.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::time)]
    request_timeout: Duration,
}

impl From<LimitArgs> for Limits {
    fn from(args: LimitArgs) -> Self {
        Self {
            recording_bytes: args.max_recording_bytes,
            recordings: args.max_recordings,
            scope_recordings: args.max_scope_recordings,
            readers: args.max_readers,
            total_readers: args.max_total_readers,
            connections: args.max_connections,
            request_bytes: args.max_request_bytes,
            upload_bytes: args.max_upload_bytes,
            disk_bytes: args.max_disk_bytes,
            scope_disk_bytes: args.max_scope_disk_bytes,
            memory_bytes: usize::try_from(args.max_memory_bytes).unwrap_or(usize::MAX),
            connect_timeout: args.connect_timeout,
            upstream_kept: limits::UPSTREAM_KEPT,
            header_timeout: args.header_timeout,
            idle_timeout: args.idle_timeout,
            request_timeout: args.request_timeout,
        }
    }
}

//! The commands and their flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use durablefetch_bench::soak::Attack;

/// Loads what stands between an upstream and its clients, being both.
#[derive(Parser)]
#[command(name = "durablefetch-bench", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Many live streams at a steady pace, with readers that follow them.
    Live(LiveArgs),
    /// One of the loads that are more than comfortable, checked to the byte.
    Soak(SoakArgs),
    /// What a start costs while the recorder removes what is old; `cargo xtask bench sweep` runs this.
    Sweep(SweepArgs),
    /// Time to the first byte of an upstream over TLS that is far away; `cargo xtask bench distant` runs this.
    Distant(DistantArgs),
    /// The names of the attacks that `soak attacked` knows, a line each; the first is none.
    Attacks,
    /// One stream as fast as it is taken; then the same path again, which a recorder replays.
    Bulk(BulkArgs),
    /// The native recorder beside its peers; `cargo xtask bench` runs this with everything in place.
    Native(NativeArgs),
    /// The native recorder beside the one of another commit; `cargo xtask bench against` runs this.
    Against(AgainstArgs),
    /// Write docs/benchmarks.md from what `native` measured.
    Report(ReportArgs),
    /// The app beside durable-streams' server: a GET of a path appends what the upstream sends of it to a stream.
    Append(AppendArgs),
}

#[derive(Args)]
pub(super) struct NativeArgs {
    /// The recorder's program.
    #[arg(long)]
    pub(super) recorder: PathBuf,
    /// nginx.
    #[arg(long, default_value = "nginx")]
    pub(super) nginx: PathBuf,
    /// The folder of the peers on Node.
    #[arg(long)]
    pub(super) peers: PathBuf,
    /// The Rust server of durable-streams.
    #[arg(long, default_value = "durable-streams-server")]
    pub(super) durable_streams: PathBuf,
    /// Where figures are kept from one run to the next.
    #[arg(long)]
    pub(super) results: PathBuf,
    /// This case alone; may be repeated.
    #[arg(long, value_name = "CASE")]
    pub(super) only: Vec<String>,
    /// Rounds; medians are over them.
    #[arg(long, default_value_t = 5)]
    pub(super) rounds: usize,
}

#[derive(Args)]
pub(super) struct AppendArgs {
    /// IP:PORT of the upstream.
    #[arg(long)]
    pub(super) upstream: SocketAddr,
    /// IP:PORT of the server.
    #[arg(long)]
    pub(super) server: SocketAddr,
}

#[derive(Args)]
pub(super) struct AgainstArgs {
    /// The recorder.
    #[arg(long)]
    pub(super) recorder: PathBuf,
    /// The recorder that it is compared with.
    #[arg(long)]
    pub(super) other: PathBuf,
    /// How often each is measured.
    #[arg(long, default_value_t = 9)]
    pub(super) rounds: usize,
    /// A live case; may be repeated.
    #[arg(long, default_values = ["live-50x1", "live-10x20", "growth-5000"])]
    pub(super) only: Vec<String>,
}

#[derive(Args)]
pub(super) struct SweepArgs {
    /// The recorder.
    #[arg(long)]
    pub(super) recorder: PathBuf,
    /// Finished recordings in the store.
    #[arg(long, default_value_t = 50_000)]
    pub(super) recordings: u64,
    /// Request ids that nothing was recorded for.
    #[arg(long, default_value_t = 2_000)]
    pub(super) ids: u64,
    /// Milliseconds that 99 of 100 starts must stay below.
    #[arg(long, default_value_t = 50.0)]
    pub(super) p99_ms: f64,
}

#[derive(Args)]
pub(super) struct DistantArgs {
    /// The recorder.
    #[arg(long)]
    pub(super) recorder: PathBuf,
    /// Requests of each kind, after the first.
    #[arg(long, default_value_t = 50)]
    pub(super) rounds: usize,
}

#[derive(Args)]
pub(super) struct ReportArgs {
    /// Where the figures are.
    #[arg(long)]
    pub(super) results: PathBuf,
    /// The folder of the documents.
    #[arg(long)]
    pub(super) docs: PathBuf,
    /// A line about the machine or a version; may be repeated.
    #[arg(long)]
    pub(super) about: Vec<String>,
}

#[derive(Args)]
pub(super) struct At {
    /// Whom to ask: http://127.0.0.1:PORT/prefix, where {upstream} stands for the upstream's host:port. Without it,
    /// the upstream itself: what the generator costs alone.
    #[arg(long, value_name = "URL")]
    pub(super) target: Option<String>,
    /// A process whose CPU and memory are measured, with its descendants; may be repeated.
    #[arg(long = "pid", value_name = "PID")]
    pub(super) pids: Vec<u32>,
    /// A header line of every request; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<String>,
}

#[derive(Args)]
pub(super) struct LiveArgs {
    #[command(flatten)]
    pub(super) at: At,
    /// Streams at a time.
    #[arg(long, default_value_t = 50)]
    pub(super) streams: usize,
    /// Readers of each.
    #[arg(long, default_value_t = 1)]
    pub(super) readers: usize,
    /// Bytes of a chunk.
    #[arg(long, default_value_t = 150)]
    pub(super) chunk: usize,
    /// Microseconds from one chunk to the next.
    #[arg(long, default_value_t = 20_000)]
    pub(super) every_us: u64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 5.0)]
    pub(super) seconds: f64,
}

#[derive(Args)]
pub(super) struct BulkArgs {
    #[command(flatten)]
    pub(super) at: At,
    /// Bytes of a chunk.
    #[arg(long, default_value_t = 16 * 1024)]
    pub(super) chunk: usize,
    /// Bytes of the body, in millions.
    #[arg(long, default_value_t = 64)]
    pub(super) megabytes: u64,
    /// Ask for it as often as this.
    #[arg(long, default_value_t = 2)]
    pub(super) times: usize,
}

#[derive(Args)]
pub(super) struct SoakArgs {
    #[command(flatten)]
    pub(super) at: At,
    /// Which one.
    #[arg(value_enum)]
    pub(super) load: Load,
    /// Its size: 1 is 5,000 recordings for a minute, 1,000 readers, 200 slow readers of 64 MB for 30 seconds, or 200 honest
    /// clients for five minutes, of whom there are as many at any size.
    #[arg(long, default_value_t = 1.0)]
    pub(super) scale: f64,
    /// What is random.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Of `attacked`: this attack alone; may be repeated.
    #[arg(long = "attack", value_enum)]
    pub(super) attacks: Vec<Attack>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Load {
    /// Live recordings at a chunk a second, with readers that come and go.
    Churn,
    /// Readers of one recording.
    Crowd,
    /// Readers at 1 kB a second, beside a fast one.
    Slow,
    /// Honest clients beside everything that could keep them out.
    Attacked,
}

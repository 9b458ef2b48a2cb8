//! The binary: one measurement, printed as JSON; or the whole comparison.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use durablefetch_bench::live::{self, Live};
use durablefetch_bench::native::Programs;
use durablefetch_bench::native::against::Pair;
use durablefetch_bench::process::Processes;
use durablefetch_bench::soak::{Attack, Attacked, Churn, Crowd, Place, Slow};
use durablefetch_bench::sweep::{Row, Sweep};
use durablefetch_bench::target::{Stream, Target};
use durablefetch_bench::upstream::Upstream;
use durablefetch_bench::{bulk, native, record, rival};

/// Loads what stands between an upstream and its clients, being both.
#[derive(Parser)]
#[command(name = "durablefetch-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
struct NativeArgs {
    /// The recorder's program.
    #[arg(long)]
    recorder: PathBuf,
    /// nginx.
    #[arg(long, default_value = "nginx")]
    nginx: PathBuf,
    /// The folder of the peers on Node.
    #[arg(long)]
    peers: PathBuf,
    /// The Rust server of durable-streams.
    #[arg(long, default_value = "durable-streams-server")]
    durable_streams: PathBuf,
    /// Where figures are kept from one run to the next.
    #[arg(long)]
    results: PathBuf,
    /// This case alone; may be repeated.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Rounds; medians are over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Args)]
struct AppendArgs {
    /// IP:PORT of the upstream.
    #[arg(long)]
    upstream: SocketAddr,
    /// IP:PORT of the server.
    #[arg(long)]
    server: SocketAddr,
}

#[derive(Args)]
struct AgainstArgs {
    /// The recorder.
    #[arg(long)]
    recorder: PathBuf,
    /// The recorder that it is compared with.
    #[arg(long)]
    other: PathBuf,
    /// How often each is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// A live case; may be repeated.
    #[arg(long, default_values = ["live-50x1", "live-10x20", "growth-5000"])]
    only: Vec<String>,
}

#[derive(Args)]
struct SweepArgs {
    /// The recorder.
    #[arg(long)]
    recorder: PathBuf,
    /// Finished recordings in the store.
    #[arg(long, default_value_t = 50_000)]
    recordings: u64,
    /// Request ids that nothing was recorded for.
    #[arg(long, default_value_t = 2_000)]
    ids: u64,
    /// Milliseconds that 99 of 100 starts must stay below.
    #[arg(long, default_value_t = 50.0)]
    p99_ms: f64,
}

#[derive(Args)]
struct DistantArgs {
    /// The recorder.
    #[arg(long)]
    recorder: PathBuf,
    /// Requests of each kind, after the first.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

#[derive(Args)]
struct ReportArgs {
    /// Where the figures are.
    #[arg(long)]
    results: PathBuf,
    /// The folder of the documents.
    #[arg(long)]
    docs: PathBuf,
    /// A line about the machine or a version; may be repeated.
    #[arg(long)]
    about: Vec<String>,
}

#[derive(Args)]
struct At {
    /// Whom to ask: http://127.0.0.1:PORT/prefix, where {upstream} stands for the upstream's host:port. Without it,
    /// the upstream itself: what the generator costs alone.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// A process whose CPU and memory are measured, with its descendants; may be repeated.
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,
    /// A header line of every request; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

#[derive(Args)]
struct LiveArgs {
    #[command(flatten)]
    at: At,
    /// Streams at a time.
    #[arg(long, default_value_t = 50)]
    streams: usize,
    /// Readers of each.
    #[arg(long, default_value_t = 1)]
    readers: usize,
    /// Bytes of a chunk.
    #[arg(long, default_value_t = 150)]
    chunk: usize,
    /// Microseconds from one chunk to the next.
    #[arg(long, default_value_t = 20_000)]
    every_us: u64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Args)]
struct BulkArgs {
    #[command(flatten)]
    at: At,
    /// Bytes of a chunk.
    #[arg(long, default_value_t = 16 * 1024)]
    chunk: usize,
    /// Bytes of the body, in millions.
    #[arg(long, default_value_t = 64)]
    megabytes: u64,
    /// Ask for it as often as this.
    #[arg(long, default_value_t = 2)]
    times: usize,
}

#[derive(Args)]
struct SoakArgs {
    #[command(flatten)]
    at: At,
    /// Which one.
    #[arg(value_enum)]
    load: Load,
    /// Its size: 1 is 5,000 recordings for a minute, 1,000 readers, 200 slow readers of 64 MB for 30 seconds, or 200 honest
    /// clients for five minutes, of whom there are as many at any size.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// What is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of `attacked`: this attack alone; may be repeated.
    #[arg(long = "attack", value_enum)]
    attacks: Vec<Attack>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Load {
    /// Live recordings at a chunk a second, with readers that come and go.
    Churn,
    /// Readers of one recording.
    Crowd,
    /// Readers at 1 kB a second, beside a fast one.
    Slow,
    /// Honest clients beside everything that could keep them out.
    Attacked,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = raise_descriptor_limit() {
        eprintln!("durablefetch-bench: the limit of open files stays as it is: {error:#}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime
        .context("no runtime")
        .and_then(|runtime| tokio::task::LocalSet::new().block_on(&runtime, run(cli.command)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("durablefetch-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    if let Command::Append(args) = command {
        return rival::app::run(args.upstream, args.server).await;
    }
    let upstream = Upstream::start().await?;
    match command {
        Command::Append(_) => {}
        Command::Live(args) => {
            let (target, headers, processes) = resolve(args.at, &upstream)?;
            let live = Live {
                streams: args.streams,
                readers: args.readers,
                chunk: args.chunk,
                every: Duration::from_micros(args.every_us),
                warm: Duration::from_secs(1),
                measure: Duration::from_secs_f64(args.seconds),
            };
            let outcome = live::run(&live, &target, &headers, &upstream, &processes).await?;
            println!("{}", serde_json::to_string(&outcome)?);
        }
        Command::Soak(args) => {
            let (target, _, processes) = resolve(args.at, &upstream)?;
            let place = Place { target, upstream, processes };
            let scaled = |count: f64| (count * args.scale).ceil().max(1.0) as usize;
            let second = Duration::from_secs(1);
            let outcome = match args.load {
                Load::Churn => {
                    let (recordings, stay) = (scaled(5000.0), 10 * second);
                    let chunks = scaled(60.0).max(5) as u64;
                    let load = Churn { recordings, every: second, chunks, chunk: 150, stay, seed: args.seed };
                    load.run(&place).await?
                }
                Load::Crowd => {
                    let every = Duration::from_millis(100);
                    let load = Crowd { readers: scaled(1000.0), every, chunks: 200, chunk: 150 };
                    load.run(&place).await?
                }
                Load::Slow => {
                    let time = second * u32::try_from(scaled(30.0))?;
                    let readers = scaled(200.0);
                    Slow { readers, rate: 1000, time, bytes: 64_000_000, chunk: 16_000 }.run(&place).await?
                }
                Load::Attacked => {
                    let time = second * u32::try_from(scaled(300.0))?;
                    let all = args.attacks.is_empty();
                    let attacks = if all { Attack::ALL.to_vec() } else { args.attacks };
                    Attacked { clients: 200, time, chunk: 150, attacks }.run(&place).await?
                }
            };
            println!("{}", serde_json::to_string(&outcome)?);
        }
        Command::Sweep(args) => sweep(args, &upstream).await?,
        Command::Distant(args) => distant(args).await?,
        Command::Attacks => {
            let names = Attack::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            names.for_each(|name| println!("{}", name.get_name()));
        }
        Command::Native(args) => native(args, &upstream).await?,
        Command::Against(args) => {
            let pair = Pair { ours: args.recorder, theirs: args.other, rounds: args.rounds };
            println!("{:<14} {:<15} {:>10} {:>10} {:>8}", "case", "figure", "ours", "other", "ratio");
            for case in &args.only {
                native::against::run(case, &pair, &upstream)
                    .await?
                    .iter()
                    .for_each(|line| println!("{line}"));
            }
        }
        Command::Report(args) => native::report::write(&args.results, &args.docs, &args.about)?,
        Command::Bulk(args) => {
            let (target, headers, processes) = resolve(args.at, &upstream)?;
            let chunks = (args.megabytes * 1_000_000 / args.chunk as u64).max(1);
            let name = format!("{}-{}", std::process::id(), record::now());
            let stream = Stream { name, chunk: args.chunk, every_us: 0, chunks };
            for _ in 0..args.times {
                let outcome =
                    bulk::fetch(&target, &stream.path(), &headers, Some(args.chunk), &processes).await?;
                println!("{}", serde_json::to_string(&outcome)?);
            }
        }
    }
    Ok(())
}

async fn sweep(args: SweepArgs, upstream: &Upstream) -> Result<()> {
    let sweep = Sweep { recorder: args.recorder, recordings: args.recordings, ids: args.ids };
    println!("| beside | starts | in | p50 | p99 | longest |\n|---|---|---|---|---|---|");
    let mut late = Vec::new();
    for Row { beside, starts, seconds, ms: [half, most, longest] } in sweep.run(upstream).await? {
        println!("| {beside} | {starts} | {seconds:.1} s | {half:.1} ms | {most:.1} ms | {longest:.1} ms |");
        late.extend((most >= args.p99_ms).then_some(beside));
    }
    if !late.is_empty() {
        bail!(
            "one start in a hundred takes {} ms or more beside {}",
            args.p99_ms,
            late.join(", and beside ")
        );
    }
    Ok(())
}

async fn distant(args: DistantArgs) -> Result<()> {
    let (rows, missed) = durablefetch_bench::distant::run(&args.recorder, args.rounds).await?;
    println!("| POST, an upstream at 40 ms | p50, ms | p90, ms |\n|---|---:|---:|");
    for row in rows {
        println!("| {} | {:.1} | {:.1} |", row.name, row.median, row.most);
    }
    if !missed.is_empty() {
        bail!("the recorder adds more than it may: {}", missed.join("; "));
    }
    Ok(())
}

async fn native(args: NativeArgs, upstream: &Upstream) -> Result<()> {
    let programs = Programs {
        recorder: args.recorder,
        nginx: args.nginx,
        peers: args.peers,
        durable_streams: args.durable_streams,
    };
    let cases = native::cases::all();
    let known = || cases.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = args.only.iter().find(|only| cases.iter().all(|(name, _)| name != *only)) {
        bail!("`{unknown}` is not a case: there are {}", known());
    }
    for (name, kind) in &cases {
        if !args.only.is_empty() && !args.only.contains(name) {
            continue;
        }
        let measured = native::cases::run(name, kind, args.rounds, &programs, upstream).await?;
        measured.save(&args.results)?;
        println!("{name}");
        for (peer, figures) in &measured.peers {
            let medians = figures.keys().filter_map(|figure| {
                Some(format!("{figure} {}", native::plot::figure(measured.median(peer, figure)?)))
            });
            println!("  {peer}: {}", medians.collect::<Vec<_>>().join(", "));
        }
        for (peer, why) in &measured.failed {
            println!("  {peer} does not finish: {why}");
        }
    }
    Ok(())
}

/// Thousands of connections, and the servers that this starts inherit it.
fn raise_descriptor_limit() -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

fn resolve(at: At, upstream: &Upstream) -> Result<(Target, String, Processes)> {
    let target = match at.target {
        Some(url) => Target::parse(&url, upstream.address())?,
        None => Target::direct(upstream.address()),
    };
    let headers = at.headers.iter().map(|line| format!("{line}\r\n")).collect();
    Ok((target, headers, Processes::new(at.pids)))
}

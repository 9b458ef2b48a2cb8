//! The binary: one measurement, printed as JSON; or the whole comparison.

mod args;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use args::{At, Cli, Command, DistantArgs, Load, NativeArgs, SweepArgs};
use clap::{Parser, ValueEnum};
use durablefetch_bench::live::{self, Live};
use durablefetch_bench::native::Programs;
use durablefetch_bench::native::against::Pair;
use durablefetch_bench::process::Processes;
use durablefetch_bench::soak::{Attack, Attacked, Churn, Crowd, Place, Slow};
use durablefetch_bench::sweep::{Row, Sweep};
use durablefetch_bench::target::{Stream, Target};
use durablefetch_bench::upstream::Upstream;
use durablefetch_bench::{bulk, native, record, rival};

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

//! `docs/benchmarks.md` from what was measured: tables, ratios, targets met and missed.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::native::Measured;
use crate::native::cases::{DIRECT, EVENTS, NGINX, OTHERS, RECORDER};
use crate::native::plot::{self, Group, figure};

/// Where the part that is written by hand begins; it is kept.
const BY_HAND: &str = "<!-- by hand from here -->";

/// All that was measured so far.
struct All<'a> {
    folder: &'a Path,
}

impl All<'_> {
    fn case(&self, name: &str) -> Result<Option<Measured>> {
        Measured::load(self.folder, name)
    }

    fn median(&self, case: &str, peer: &str, figure: &str) -> Result<Option<f64>> {
        Ok(self.case(case)?.and_then(|case| case.median(peer, figure)))
    }

    /// One figure divided by another.
    fn ratio(&self, over: (&str, &str, &str), under: (&str, &str, &str)) -> Result<Option<f64>> {
        let over = self.median(over.0, over.1, over.2)?;
        let under = self.median(under.0, under.1, under.2)?;
        Ok(over.zip(under).map(|(over, under)| over / under))
    }
}

/// Whether less or more is wanted.
#[derive(Clone, Copy)]
enum Want {
    AtMost(f64),
    AtLeast(f64),
}

struct Target {
    what: &'static str,
    want: Want,
    unit: &'static str,
    found: Option<f64>,
}

/// Writes the document and the plots into `docs`. `about` are lines on the machine and the versions.
///
/// # Errors
/// Where something that was measured cannot be read, or the documents cannot be written.
pub fn write(folder: &Path, docs: &Path, about: &[String]) -> Result<()> {
    let all = All { folder };
    let path = docs.join("benchmarks.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let by_hand = before.split_once(BY_HAND).map_or("\n", |(_, by_hand)| by_hand);
    let mut out = String::from(
        "# Benchmarks\n\n`cargo xtask bench` writes this page and its plots; what follows the last table is written by hand.\n\
         Everything runs on one machine, over loopback, HTTP/1.1 without TLS. The load generator (`crates/bench`) is both the\n\
         upstream and the clients, one thread in one process, so one clock dates a chunk when it is sent and when it arrives;\n\
         the rows *direct* have nothing between the two. Peers are interleaved, one after the other in every round, and figures\n\
         are medians over the rounds. CPU is user and system time of all processes and threads of what is measured.\n\
         nginx passes through (`proxy_buffering off`) and stores nothing; durablefetch stores every byte.\n\n",
    );
    for line in about {
        let _ = writeln!(out, "- {line}");
    }
    out.push_str("\n## Targets\n\n| | target | measured | |\n|---|---|---|---|\n");
    for target in targets(&all)? {
        let Target { what, want, unit, found } = target;
        let (wanted, met) = match want {
            Want::AtMost(most) => (format!("≤ {most}"), found.map(|found| found <= most)),
            Want::AtLeast(least) => (format!("≥ {least}"), found.map(|found| found >= least)),
        };
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let found = found.map_or_else(|| "–".to_owned(), figure);
        let _ = writeln!(out, "| {what} | {wanted}{unit} | {found}{unit} | {verdict} |");
    }
    for (case, title) in [
        ("live-50x1", "50 live streams, one reader each: 150 bytes every 20 ms"),
        ("live-500x1", "500 live streams, one reader each: 150 bytes every 20 ms"),
        ("live-10x20", "10 live streams, 20 readers each: 150 bytes every 20 ms"),
        ("live-1x1000", "One live stream, 1,000 readers: 150 bytes every 50 ms"),
        ("growth-50", "2,500 chunks a second in all, from 50 streams"),
        ("growth-500", "2,500 chunks a second in all, from 500 streams"),
        ("growth-5000", "2,500 chunks a second in all, from 5,000 streams"),
    ] {
        live(&mut out, &all, case, title)?;
    }
    bulk(&mut out, &all)?;
    let _ = write!(out, "\n{BY_HAND}{by_hand}");
    fs::write(&path, out).with_context(|| path.display().to_string())?;
    plots(&all, docs)
}

fn targets(all: &All<'_>) -> Result<Vec<Target>> {
    let mut out = Vec::new();
    let mut push = |what, want, unit, found| out.push(Target { what, want, unit, found });
    let to_nginx = |case: &str, figure: &str| all.ratio((case, RECORDER, figure), (case, NGINX, figure));
    let x = " × nginx";
    push("50 × 1 readers: CPU per chunk", Want::AtMost(1.3), x, to_nginx("live-50x1", "cpu_us")?);
    push("50 × 1 readers: latency p50", Want::AtMost(1.3), x, to_nginx("live-50x1", "p50")?);
    push("50 × 1 readers: latency p99", Want::AtMost(1.3), x, to_nginx("live-50x1", "p99")?);
    push("500 × 1 readers: CPU per chunk", Want::AtMost(1.3), x, to_nginx("live-500x1", "cpu_us")?);
    push("500 × 1 readers: latency p50", Want::AtMost(1.3), x, to_nginx("live-500x1", "p50")?);
    push("500 × 1 readers: latency p99", Want::AtMost(1.3), x, to_nginx("live-500x1", "p99")?);
    push("10 × 20 readers: CPU per delivered chunk", Want::AtMost(0.6), x, to_nginx("live-10x20", "cpu_us")?);
    push(
        "1 × 1,000 readers: CPU per delivered chunk",
        Want::AtMost(0.6),
        x,
        to_nginx("live-1x1000", "cpu_us")?,
    );
    push("ingest, chunks of 16 KiB: MB/s", Want::AtLeast(1.0), x, to_nginx("ingest", "mb_s")?);
    let end = all.median("live-50x1", RECORDER, "end_p50")?;
    push("end of a body after its upstream's end, p50", Want::AtMost(5.0), " ms", end);
    push(
        "replay of 64 MB from 150-byte chunks: MB/s",
        Want::AtLeast(0.5),
        " × nginx static",
        to_nginx("replay-64", "mb_s")?,
    );
    for (what, case) in [("first byte of 1 MB", "replay-1"), ("first byte of 1 GB", "replay-1000")] {
        push(what, Want::AtMost(2.0), " ms", all.median(case, RECORDER, "first_ms")?);
    }
    let missing = all.ratio(("continue-1000", RECORDER, "ms"), ("continue-1", RECORDER, "ms"))?;
    push("continuation: 1 kB missing of 1 GB", Want::AtMost(1.2), " × of 1 MB", missing);
    let memory = all.median("growth-5000", RECORDER, "kib_per_stream")?;
    push("memory per live recording, 5,000 of them", Want::AtMost(24.0), " KiB", memory);
    let growth = all.ratio(("growth-5000", RECORDER, "cpu_us"), ("growth-50", RECORDER, "cpu_us"))?;
    push("CPU per chunk of 5,000 recordings", Want::AtMost(1.2), " × of 50", growth);
    Ok(out)
}

fn live(out: &mut String, all: &All<'_>, case: &str, title: &str) -> Result<()> {
    let Some(measured) = all.case(case)? else { return Ok(()) };
    let _ = write!(
        out,
        "\n## {title}\n\nMedians of {} rounds, {}. `cargo xtask bench native --only {case}`\n\n\
         | | CPU per chunk, µs | × nginx | latency p50, ms | p99, ms | end p50, ms | memory, MB | generator's CPU, µs |\n\
         |---|---|---|---|---|---|---|---|\n",
        measured.rounds, measured.date
    );
    let others = OTHERS.iter().map(|(name, _)| *name);
    for peer in [DIRECT, NGINX, RECORDER].into_iter().chain(others) {
        if let Some(why) = measured.failed.get(peer) {
            let _ = writeln!(out, "| {peer} | does not finish: {} | | | | | | |", why.replace('|', "/"));
            continue;
        }
        let Some(cpu) = measured.median(peer, "cpu_us") else { continue };
        let cell = |name| measured.median(peer, name).map_or_else(|| "–".to_owned(), figure);
        let (own, ratio) = if peer == DIRECT {
            ("–".to_owned(), "–".to_owned())
        } else {
            let nginx = measured.median(NGINX, "cpu_us");
            (figure(cpu), nginx.map_or_else(|| "–".to_owned(), |nginx| figure(cpu / nginx)))
        };
        let end = measured.median(peer, "end_p50").filter(|end| *end > 0.001);
        let memory = if peer == DIRECT { "–".to_owned() } else { cell("memory_mb") };
        let delivered = measured.median(peer, "delivered").unwrap_or(1.0);
        let note = if delivered < 0.95 {
            format!(" (saturated: {:.0} % delivered)", delivered * 100.0)
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "| {peer}{note} | {own} | {ratio} | {} | {} | {} | {memory} | {} |",
            cell("p50"),
            cell("p99"),
            end.map_or_else(|| "–".to_owned(), figure),
            cell("own_cpu_us")
        );
    }
    Ok(())
}

fn bulk(out: &mut String, all: &All<'_>) -> Result<()> {
    out.push_str(
        "\n## Bulk\n\nOne body at a time, as fast as it comes. The first byte is counted from before the connection is made.\n\n\
         | | MB/s | CPU s per GB | first byte, ms |\n|---|---|---|---|\n",
    );
    for (case, peer, what) in [
        ("ingest", DIRECT, "ingest in chunks of 16 KiB, direct"),
        ("ingest", NGINX, "the same, nginx pass-through"),
        ("ingest", RECORDER, "the same, durablefetch"),
        ("ingest", EVENTS, "the same, durable-streams' Rust server and an app that appends, read by events"),
        ("replay-1", NGINX, "1 MB, nginx static file"),
        ("replay-1", RECORDER, "1 MB recorded from 150-byte chunks, durablefetch"),
        ("replay-1", EVENTS, "the same, durable-streams' Rust server"),
        ("replay-64", NGINX, "64 MB, nginx static file"),
        ("replay-64", RECORDER, "64 MB recorded from 150-byte chunks, durablefetch"),
        ("replay-64", EVENTS, "the same, durable-streams' Rust server"),
        ("replay-1000", NGINX, "1 GB, nginx static file"),
        ("replay-1000", RECORDER, "1 GB recorded from 150-byte chunks, durablefetch"),
        ("replay-1000", EVENTS, "the same, durable-streams' Rust server"),
    ] {
        let Some(rate) = all.median(case, peer, "mb_s")? else { continue };
        let cell = |figure_name| -> Result<String> {
            Ok(all.median(case, peer, figure_name)?.map_or_else(|| "–".to_owned(), figure))
        };
        let cpu = if peer == DIRECT { "–".to_owned() } else { cell("cpu_s_gb")? };
        let _ = writeln!(out, "| {what} | {} | {cpu} | {} |", figure(rate), cell("first_ms")?);
    }
    out.push_str("\n| continuation, 1 kB missing | whole request, ms | CPU, ms |\n|---|---|---|\n");
    for (case, what) in [("continue-1", "of 1 MB"), ("continue-1000", "of 1 GB")] {
        let Some(ms) = all.median(case, RECORDER, "ms")? else { continue };
        let cpu = all.median(case, RECORDER, "cpu_ms")?.map_or_else(|| "–".to_owned(), figure);
        let _ = writeln!(out, "| {what} | {} | {cpu} |", figure(ms));
    }
    Ok(())
}

fn plots(all: &All<'_>, docs: &Path) -> Result<()> {
    for (file, figure_name, title, unit) in [
        ("bench-cpu.svg", "cpu_us", "CPU per chunk that a reader gets", "µs"),
        ("bench-latency.svg", "p99", "From the upstream to the reader, 99th percentile", "ms"),
    ] {
        let mut groups = Vec::new();
        for (case, name) in [
            ("live-50x1", "50 streams, one reader each"),
            ("live-500x1", "500 streams, one reader each"),
            ("live-10x20", "10 streams, 20 readers each"),
        ] {
            let Some(measured) = all.case(case)? else { continue };
            let peers = [RECORDER, NGINX].into_iter().chain(OTHERS.iter().map(|(name, _)| *name));
            let bars = peers.filter_map(|peer| {
                let value = measured.median(peer, figure_name);
                let known = value.is_some() || measured.failed.contains_key(peer);
                let name = if peer == NGINX { "nginx (stores nothing)".to_owned() } else { peer.to_owned() };
                known.then_some((name, value))
            });
            groups.push(Group { name: name.to_owned(), bars: bars.collect() });
        }
        if !groups.is_empty() {
            fs::write(docs.join(file), plot::bars(title, unit, RECORDER, &groups))?;
        }
    }
    Ok(())
}

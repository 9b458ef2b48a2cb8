//! `cargo xtask bench native`: sets everything up; `crates/bench` measures.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::apt;
use crate::progress::Step;
use crate::repo::Repo;
use crate::tools::version_line;
use crate::{measured, npm, rust_tools};

const PEERS: &str = "crates/bench/peers";
const REMEDY: &str = "install nginx and redis-server yourself, or name them in NGINX and REDIS";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// One round, for development: docs/ is left alone.
    #[arg(long)]
    quick: bool,
    /// This case alone, such as live-50x1; may be repeated. The others keep their figures from earlier runs.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Measure nothing; write docs/benchmarks.md from the figures of earlier runs.
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    report: bool,
}

pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let programs = [&apt::NGINX, &apt::REDIS];
    let [nginx, _] = apt::ensure(repo, programs, &["nginx-light", "redis-server"], REMEDY)?;
    npm::ensure(repo, PEERS)?;
    rust_tools::ensure_durable_streams(repo)?;
    let release = measured::build_generator(repo)?;
    let results = repo.target().join(if options.quick { "bench-quick" } else { "bench" });
    if !options.report {
        let mut command = measured::generator(repo);
        command.arg("native").arg("--recorder").arg(release.join("durablefetch"));
        command.arg("--nginx").arg(&nginx).arg("--peers").arg(repo.path(PEERS));
        command.arg("--results").arg(&results).args(["--rounds", if options.quick { "1" } else { "5" }]);
        for case in &options.only {
            command.args(["--only", case]);
        }
        measured::run(command)?;
    }
    if options.quick {
        return Ok(());
    }
    let mut command = measured::generator(repo);
    command.arg("report").arg("--results").arg(&results).arg("--docs").arg(repo.path("docs"));
    for line in about(repo, &nginx)? {
        command.args(["--about", &line]);
    }
    Step::new(repo, "write docs/benchmarks.md", command).run()
}

/// The machine and the versions.
fn about(repo: &Repo, nginx: &Path) -> Result<Vec<String>> {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value).trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split('-').next().unwrap_or_default().trim().to_owned();
    let memory = field("/proc/meminfo", "MemTotal");
    let gib = memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() >> 20;
    let cpu = field("/proc/cpuinfo", "model name");
    let package = |name: &str| -> Result<String> {
        let text = repo.read(&format!("{PEERS}/node_modules/{name}/package.json"))?;
        let package: serde_json::Value = serde_json::from_str(&text)?;
        Ok(package["version"].as_str().unwrap_or_default().to_owned())
    };
    let nginx = repo.command(&nginx.to_string_lossy()).arg("-v").output()?;
    let nginx = String::from_utf8_lossy(&nginx.stderr).trim().replace("nginx version: ", "");
    let redis = version_line(repo, "redis-server").unwrap_or_default();
    let redis =
        redis.split("v=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
    Ok(vec![
        format!("machine: {cores} cores ({cpu}, virtual), {gib} GiB, Linux {kernel}"),
        format!(
            "durablefetch {}, {}",
            env!("CARGO_PKG_VERSION"),
            version_line(repo, "rustc").unwrap_or_default()
        ),
        format!("{nginx}, `worker_processes auto`"),
        format!(
            "resumable-stream {} on Node {} with Redis {redis}, which writes nothing to disk",
            package("resumable-stream")?,
            version_line(repo, "node").unwrap_or_default()
        ),
        format!(
            "durable-streams, Node server: @durable-streams/server {} (files) and @durable-streams/client {}, in one Node process that \
             puts the upstream's bytes into a stream and serves readers from it",
            package("@durable-streams/server")?,
            package("@durable-streams/client")?
        ),
        format!(
            "durable-streams, Rust server: durable-streams {} with its defaults (an append is answered once it is on disk), and a \
             process in Rust that reads the upstream, appends what has come and waits for the answer; readers ask the server. \
             CPU and memory are both processes'",
            rust_tools::DURABLE_STREAMS
        ),
        format!("durablefetch {} on workerd {}", package("original")?, package("workerd")?),
    ])
}

//! `cargo xtask chaos`: faults, seeded, under the packed package, of one recorder or of a cluster. See `crates/chaos`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::browser::Engines;
use crate::progress::Step;
use crate::repo::Repo;
use crate::{apt, browser, npm, package};

/// Runs of the short form in Node and in each engine: of fixed seeds, which takes about a minute for each, and of new ones.
const FIXED: &str = "60";
const NEW: &str = "300";

/// Runs of a cluster, in Node: of fixed seeds, of new ones, and of a night.
const CLUSTER_FIXED: u32 = 20;
const CLUSTER_NEW: u32 = 60;
const CLUSTER_NIGHT: u32 = 200;
/// Of a night, with the lease that everybody has.
const CLUSTER_PATIENT: u32 = 100;
/// Otherwise: what stands still does so for longer than its lease.
const LEASE: &str = "1s";
/// Of clusters: each has a database and three recorders.
const CLUSTER_LANES: &str = "3";

const ENGINES: [&str; 3] = ["chromium", "firefox", "webkit"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many runs.
    #[arg(long, default_value_t = 1000)]
    runs: u64,
    /// The seed of the first run. [default: random, and printed]
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Only the run of this seed, with all that happened in it.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Of these seeds, those alone in which others fill the recorder's disk for a while: one in about twenty.
    #[arg(long)]
    full_for_a_while: bool,
    /// Every client is a page in this browser. [default: Node, and one run in eight in Chromium]
    #[arg(long, value_name = "ENGINE", value_parser = ENGINES)]
    engine: Option<String>,
    /// Three recorders that share a PostgreSQL, in place of one; the client is in Node.
    #[arg(long, conflicts_with_all = ["full_for_a_while", "engine"])]
    cluster: bool,
    /// How long a recorder of a cluster that is not heard of has what it has. The faults last longer, the longer it is; from
    /// 5s on, the database may be gone for a minute.
    #[arg(long, value_name = "TIME", default_value = "8s", requires = "cluster")]
    lease: String,
    /// The client without WebAssembly: `durablefetch/js`.
    #[arg(long)]
    js: bool,
    /// Runs at the same time. [default: 4, and 3 of a cluster]
    #[arg(long)]
    lanes: Option<u64>,
}

/// Builds all that takes part, and runs.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    package::run(repo)?;
    let entry = if options.js { Entry::Js } else { Entry::Wasm };
    let mut command = if options.cluster {
        of_cluster(repo, &apt::postgres(repo)?, entry, Some(&options.lease))?
    } else {
        program(repo, &prepared(repo)?, entry)
    };
    command.args(["--runs", &options.runs.to_string()]);
    for (name, value) in [("--from", options.from), ("--seed", options.seed), ("--lanes", options.lanes)] {
        if let Some(value) = value {
            command.args([name, &value.to_string()]);
        }
    }
    if let Some(engine) = &options.engine {
        command.args(["--engine", engine]);
    }
    command.args(options.full_for_a_while.then_some("--full-for-a-while"));
    let status = command.status().context("cannot start durablefetch-chaos")?;
    if !status.success() {
        bail!("a run did not keep the promise; its seed is above");
    }
    Ok(())
}

/// Which seeds the short form runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// The same ones every time: what they find in a change is the change's.
    Fixed,
    /// New ones, printed: they look for what nobody has found yet.
    New,
}

/// Which entry of the package is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Wasm,
    /// Without WebAssembly.
    Js,
}

/// A few runs in Node and in each engine, for the tests. The package is built.
pub(crate) fn short(repo: &Repo, seeds: Seeds, entry: Entry) -> Result<()> {
    let engines = prepared(repo)?;
    for engine in std::iter::once(None).chain(ENGINES.map(Some)) {
        let mut command = program(repo, &engines, entry);
        let runs = match seeds {
            Seeds::Fixed => {
                command.args(["--from", "1"]);
                FIXED
            }
            Seeds::New => NEW,
        };
        command.args(["--runs", runs]);
        command.args(engine.into_iter().flat_map(|engine| ["--engine", engine]));
        let mut with = engine.map(|engine| format!(" --engine {engine}")).unwrap_or_default();
        if entry == Entry::Js {
            with += " --js";
        }
        Step::new(repo, format!("chaos{with}, {runs} runs"), command)
            .remedy(format!("the log says which seed failed; `cargo xtask chaos{with} --seed N` repeats it"))
            .run()?;
    }
    Ok(())
}

/// A few runs of a cluster, for the tests. The package is built.
pub(crate) fn cluster(repo: &Repo, seeds: Seeds) -> Result<()> {
    let (from, runs) = match seeds {
        Seeds::Fixed => (Some(1), CLUSTER_FIXED),
        Seeds::New => (None, CLUSTER_NEW),
    };
    of_clusters(repo, from, runs, Some(LEASE))
}

/// Those of a night. The package is built.
pub(crate) fn cluster_at_length(repo: &Repo) -> Result<()> {
    of_clusters(repo, None, CLUSTER_NIGHT, Some(LEASE))?;
    of_clusters(repo, None, CLUSTER_PATIENT, None)
}

fn of_clusters(repo: &Repo, from: Option<u32>, runs: u32, lease: Option<&str>) -> Result<()> {
    let mut command = of_cluster(repo, &apt::postgres(repo)?, Entry::Wasm, lease)?;
    command.args(["--runs", &runs.to_string()]);
    command.args(from.into_iter().flat_map(|from| ["--from".to_owned(), from.to_string()]));
    let with = lease.map(|lease| format!(" --lease {lease}")).unwrap_or_default();
    Step::new(repo, format!("chaos --cluster{with}, {runs} runs"), command)
        .remedy(format!(
            "the log says which seed failed; `cargo xtask chaos --cluster{with} --seed N` repeats it"
        ))
        .run()
}

/// What breaks a cluster, built, with all that takes part but the package.
fn of_cluster(repo: &Repo, postgres: &Path, entry: Entry, lease: Option<&str>) -> Result<Command> {
    build(repo)?;
    let mut command = in_node(repo, entry);
    command.args(["--cluster", "--lanes", CLUSTER_LANES]).env(apt::POSTGRES, postgres);
    command.args(lease.into_iter().flat_map(|lease| ["--lease", lease]));
    Ok(command)
}

/// Builds and installs all that takes part.
fn prepared(repo: &Repo) -> Result<Engines> {
    npm::ensure(repo, "tests/lib")?;
    build(repo)?;
    browser::ensure_engines(repo)
}

/// What takes part where no page does.
fn build(repo: &Repo) -> Result<()> {
    let mut build = repo.command("cargo");
    build.args(["build", "-p", "durablefetch-chaos", "-p", "durablefetch-server"]);
    Step::new(repo, "cargo build of the recorder and of what breaks it", build).run()?;
    install(repo)
}

/// What runs, once it is prepared.
fn program(repo: &Repo, engines: &Engines, entry: Entry) -> Command {
    let mut command = in_node(repo, entry);
    command.envs(engines.variables());
    command
}

/// The same without pages.
fn in_node(repo: &Repo, entry: Entry) -> Command {
    let mut command = repo.command(&repo.target().join("debug/durablefetch-chaos").to_string_lossy());
    command.arg("--recorder").arg(repo.recorder()).arg("--client").arg(repo.path("tests/chaos/client.js"));
    command.env("CHAOS_MODULES", repo.target().join("chaos/node_modules"));
    if entry == Entry::Js {
        command.env("CHAOS_ENTRY", "js.js");
    }
    command
}

/// The package as `npm publish` would send it, in a project of its own.
fn install(repo: &Repo) -> Result<()> {
    let project = repo.target().join("chaos");
    let _ = fs::remove_dir_all(&project);
    fs::create_dir_all(&project).with_context(|| format!("cannot make {}", project.display()))?;
    let tarball = npm::pack(repo, &repo.path("pkg"), &project)?;
    fs::write(
        project.join("package.json"),
        "{ \"name\": \"chaos\", \"private\": true, \"type\": \"module\" }\n",
    )?;
    let mut install = repo.command("npm");
    install.args(["install", "--no-audit", "--no-fund", "--offline"]).arg(&tarball).current_dir(&project);
    Step::new(repo, "npm install of the tarball", install).run()
}

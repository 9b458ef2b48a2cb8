//! `cargo xtask soak`: loads that are more than comfortable, on a recorder of their own. Minutes, not part of
//! `cargo xtask test`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::measured;
use crate::repo::Repo;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How much of each load, and for how long: 1 is all of it, some ten minutes.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only this load; `attacked` at a scale of 12 is an hour of attacks.
    #[arg(long, value_name = "LOAD")]
    only: Option<String>,
    /// Of `attacked`: each attack alone beside the honest clients, and the honest clients without any.
    #[arg(long)]
    each: bool,
    /// What is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Options {
    /// All loads, or each attack alone, as by default.
    pub(crate) fn whole(each: bool) -> Self {
        Self { scale: 1.0, only: None, each, seed: 1 }
    }
}

/// The loads, and the megabytes of memory that the recorder may need for each at scale 1.
const LOADS: [(&str, f64); 4] = [("churn", 500.0), ("crowd", 100.0), ("slow", 100.0), ATTACKED];
const ATTACKED: (&str, f64) = ("attacked", 256.0);
/// What an honest client's chunk may be late beside attacks, in 99 of 100.
const LATE_MS: f64 = 250.0;

/// Runs each load on a fresh recorder and prints a table, as Markdown.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    measured::build_generator(repo)?;
    println!(
        "| load | readers | records | late, p50 / p99 | memory, before / at most | CPU | time | faults |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut faults = Vec::new();
    if options.each {
        for attack in attacks(repo)? {
            faults.extend(one(repo, options, ATTACKED, Some(&attack))?);
        }
    } else {
        let wanted = |load: &str| options.only.as_ref().is_none_or(|only| only == load);
        ensure!(
            LOADS.iter().any(|(load, _)| wanted(load)),
            "the loads are: {}",
            LOADS.map(|(load, _)| load).join(", ")
        );
        for load in LOADS.into_iter().filter(|(load, _)| wanted(load)) {
            faults.extend(one(repo, options, load, None)?);
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// The names of the attacks; the first is none.
fn attacks(repo: &Repo) -> Result<Vec<String>> {
    let mut command = measured::generator(repo);
    let output = command.arg("attacks").output().context("cannot start the load generator")?;
    ensure!(output.status.success(), "the load generator failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Runs a load, or of the attacked one an attack alone, on a fresh recorder, and prints its row. Returns what was
/// not as it has to be.
fn one(
    repo: &Repo,
    options: &Options,
    (load, memory_max): (&str, f64),
    attack: Option<&str>,
) -> Result<Vec<String>> {
    let mut outcome = measure(repo, options, load, attack)?;
    if let Some(attack) = attack {
        let words = outcome["load"].as_str().unwrap_or_default().to_owned();
        outcome["load"] = Value::String(format!("`{attack}`: {words}"));
    }
    println!("{}", row(&outcome)?);
    let found = outcome["faults"].as_array().context("no faults are told")?;
    let mut faults: Vec<_> = found.iter().map(|fault| format!("{load}: {fault}")).collect();
    let peak = outcome["memory_mb"][1].as_f64().context("no memory is told")?;
    let late = outcome["late_ms"][1].as_f64().filter(|late| load == ATTACKED.0 && *late > LATE_MS);
    if let Some(late) = late {
        faults.push(format!("{load}: one chunk in a hundred came {late:.0} ms late"));
    }
    if peak > memory_max {
        faults.push(format!(
            "{load}: {peak:.0} MB are more than the {memory_max} that docs/reliability.md names"
        ));
    }
    Ok(faults)
}

fn measure(repo: &Repo, options: &Options, load: &str, attack: Option<&str>) -> Result<Value> {
    let data = repo.target().join("soak");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let mut serve = repo.command(&repo.target().join("release/durablefetch").to_string_lossy());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    // Attacks meet the limits as they come.
    if load != ATTACKED.0 {
        serve.args(["--max-recordings", "5000"]);
    }
    let recorder = Recorder::start(serve)?;
    let mut command = measured::generator(repo);
    command.args(["soak", load, "--target", &format!("{}/{{upstream}}", recorder.url)]);
    command.args(["--pid", &recorder.child.id().to_string()]);
    command.args(["--scale", &options.scale.to_string(), "--seed", &options.seed.to_string()]);
    command.args(attack.map(|attack| format!("--attack={attack}")));
    let output = command.stderr(Stdio::inherit()).output().context("cannot start the load generator")?;
    ensure!(output.status.success(), "the load generator failed: {}", output.status);
    drop(recorder);
    std::fs::remove_dir_all(&data)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn row(outcome: &Value) -> Result<String> {
    let number = |value: &Value| value.as_f64().context("a figure is missing");
    let late = match outcome["late_ms"].as_array() {
        Some(late) => format!("{:.1} / {:.1} ms", number(&late[0])?, number(&late[1])?),
        None => "–".to_owned(),
    };
    let faults = outcome["faults"].as_array().map_or(0, Vec::len);
    Ok(format!(
        "| {} | {} | {} | {late} | {:.0} / {:.0} MB | {:.1} s | {:.0} s | {} |",
        outcome["load"].as_str().unwrap_or_default(),
        outcome["readers"],
        outcome["records"],
        number(&outcome["memory_mb"][0])?,
        number(&outcome["memory_mb"][1])?,
        number(&outcome["cpu_s"])?,
        number(&outcome["seconds"])?,
        if faults == 0 { "none".to_owned() } else { faults.to_string() },
    ))
}

/// A running recorder, killed when dropped.
struct Recorder {
    child: Child,
    url: String,
}

impl Recorder {
    fn start(mut command: std::process::Command) -> Result<Self> {
        command.env("RUST_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the recorder")?;
        let stdout = child.stdout.take().context("no output to read")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some((_, url)) = line.trim().split_once("listening on ") else {
            let _ = child.kill();
            bail!("the recorder did not start");
        };
        Ok(Self { url: url.trim_end_matches('/').to_owned(), child })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

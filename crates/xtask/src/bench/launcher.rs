//! `cargo xtask bench launcher`: what the npm package's command adds to the program that it starts.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::recorder_package::{self, For};
use crate::repo::Repo;

/// What it may take on top of Node's own start, in the median. That start is nothing a package can change.
const TARGET: Duration = Duration::from_millis(60);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds; in each, all are started once.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(15..))]
    rounds: u32,
}

/// Prints a table, as Markdown, and fails where the launcher takes more than it may.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let made = recorder_package::run(repo, For::Here)?;
    let made = made.first().context("no recorder is made for this machine")?;
    let program = &made.program;
    let launcher = recorder_package::unpacked(repo, &made.platform).join("bin/durablefetch.cjs");
    let node = || repo.command("node");
    let through = || {
        let mut command = node();
        command.arg(&launcher).arg("--version").env_remove("DURABLEFETCH_BINARY");
        command
    };
    let directly = || {
        let mut command = Command::new(program);
        command.arg("--version");
        command
    };
    let nothing = || {
        let mut command = node();
        command.args(["--eval", ""]);
        command
    };
    let mut times = [const { Vec::new() }; 3];
    // One round more: the first reads the files from the disk.
    for round in 0..=options.rounds {
        for (times, command) in times.iter_mut().zip([directly(), through(), nothing()]) {
            let took = timed(command)?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let [directly, through, nothing] = times.map(Spread::of);
    println!("Medians of {} rounds.\n", options.rounds);
    println!("| `--version` | median, ms | fastest, ms |\n|---|---:|---:|");
    for (name, spread) in [
        ("the program", directly),
        ("through the launcher", through),
        ("Node with nothing to do", nothing),
        ("added by the launcher", through.since(directly)),
        ("of it, on top of Node's start", through.since(nothing)),
    ] {
        println!("| {name} | {:.1} | {:.1} |", ms(spread.median), ms(spread.fastest));
    }
    let own = through.since(nothing).median;
    ensure!(
        own < TARGET,
        "the launcher takes {:.0} ms on top of Node's start, and may take {} ms: is the machine doing something else?",
        ms(own),
        TARGET.as_millis()
    );
    Ok(())
}

#[derive(Clone, Copy)]
struct Spread {
    median: Duration,
    fastest: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { median: times[times.len() / 2], fastest: times[0] }
    }

    /// How much more this is than the other.
    fn since(self, other: Self) -> Self {
        Self {
            median: self.median.saturating_sub(other.median),
            fastest: self.fastest.saturating_sub(other.fastest),
        }
    }
}

/// How long a program takes from its start to its end.
fn timed(mut command: Command) -> Result<Duration> {
    let started = Instant::now();
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {}", output.status, said.trim());
    Ok(took)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let spread = Spread::of([3, 1, 9].map(Duration::from_millis).into());
        assert_eq!((spread.median, spread.fastest), (Duration::from_millis(3), Duration::from_millis(1)));
        let other = Spread::of([2, 2].map(Duration::from_millis).into());
        assert_eq!(spread.since(other).median, Duration::from_millis(1));
        assert_eq!(spread.since(other).fastest, Duration::ZERO);
    }
}

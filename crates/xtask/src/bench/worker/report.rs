//! docs/benchmarks-worker.md.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::Value;

use super::cases::{CASES, Goal};
use super::peers::PEERS;
use super::{Results, median};
use crate::repo::Repo;
use crate::tools::version_line;

/// How the last two columns are to be read.
const FLOORS: &str = "\
The last two columns are no recorders: they say what workerd itself takes, in the same run (`floor.js` beside the
program). *Fan-out in JavaScript* reads the upstream and writes each chunk to every reader, with nothing stored, checked
or counted. *Passed through* hands the upstream's body through one Durable Object, each reader with an upstream request of
its own: its bytes never enter JavaScript, so nothing could record them.
";

/// Why what is missed is missed.
const WHY: &str = include_str!("why.md");

/// The whole page.
pub(super) fn of(repo: &Repo, rounds: u16, results: &Results) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workerd: Value =
        serde_json::from_str(&repo.read("crates/worker/tools/node_modules/workerd/package.json")?)?;
    let mut text = format!(
        "# The worker, measured\n\nThe recorder on Durable Objects beside the worker of durablefetch 0.1.0 (from npm), both on workerd {}, case by \
         case in turn, each case on a fresh process and an empty store. Medians of {rounds} rounds on {cores} cores with {}. \
         One process is upstream and clients. `cargo xtask bench worker` writes this page.\n\n{FLOORS}",
        workerd["version"].as_str().unwrap_or_default(),
        version_line(repo, "rustc").unwrap_or_default(),
    );
    for (case, results) in CASES.iter().zip(results) {
        let floors = &PEERS[case.peers.clone()][2..];
        let names: String = floors.iter().map(|peer| format!(" {} |", peer.name)).collect();
        let rule = "---|".repeat(6 + floors.len());
        write!(text, "\n## {}\n\n| | durablefetch | 0.1.0 | ratio | goal | |{names}\n|{rule}\n", case.name)?;
        for (at, figure) in case.figures.iter().enumerate() {
            let medians: Vec<f64> = results.iter().map(|peer| median(&peer[at])).collect();
            let (ours, theirs) = (medians[0], medians[1]);
            let (goal, met) = judge(&figure.goal, ours, theirs);
            let ratio = ours / theirs;
            write!(text, "| {} | {} | {} |", figure.name, short(ours), short(theirs))?;
            write!(text, " {ratio:.3} | {goal} | {met} |")?;
            medians[2..].iter().try_for_each(|floor| write!(text, " {} |", short(*floor)))?;
            writeln!(text)?;
        }
    }
    text.push_str(WHY);
    Ok(text)
}

/// The goal in words, and whether it is met.
fn judge(goal: &Goal, ours: f64, theirs: f64) -> (String, &'static str) {
    let (text, met) = match goal {
        Goal::Ratio(most) => (format!("≤ {most:.2} ×"), ours <= theirs * most),
        Goal::Times(least) => (format!("≥ {least} ×"), ours >= theirs * least),
        Goal::Below(most) => (format!("< {most}"), ours < *most),
        Goal::Nothing => return (String::new(), ""),
    };
    (text, if met { "met" } else { "missed" })
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged() {
        assert_eq!(judge(&Goal::Ratio(0.25), 1.0, 4.0).1, "met");
        assert_eq!(judge(&Goal::Ratio(0.25), 1.1, 4.0).1, "missed");
        assert_eq!(judge(&Goal::Times(10.0), 99.0, 10.0).1, "missed");
        assert_eq!(judge(&Goal::Below(50.0), 49.0, 1.0).1, "met");
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }
}

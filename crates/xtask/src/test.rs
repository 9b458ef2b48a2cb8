//! `cargo xtask test` and `cargo xtask night`: every check, each timed, and a summary. A failed check stops only those that need it.

mod checks;
mod circles;
mod matrices;
mod nightly;
mod passed;
mod previous;

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::browser::Engines;
use crate::progress::seconds;
use crate::repo::Repo;
use passed::Passed;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also the slow tier: the matrices of libraries, and more seeds for the tests that use randomness. What has passed
    /// on the same files in an earlier such run is not run again.
    #[arg(long)]
    all: bool,
    /// Run only the checks (of either tier) whose name contains this, and those they need.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct NightOptions {
    /// Run only what has this in its name, and what it needs.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// What the checks share.
struct Context<'a> {
    repo: &'a Repo,
    all: bool,
    /// Set by the check that sets up the tools; those that need it come after.
    engines: OnceLock<Engines>,
}

impl Context<'_> {
    fn engines(&self) -> Result<&Engines> {
        self.engines.get().ok_or_else(|| anyhow!("no browser was set up"))
    }
}

/// Checks that compute while those after them wait for pages and timers: each runs on a thread of its own, and needs nothing.
const BESIDE: [&str; 1] = ["other systems"];

/// One row of the summary.
struct Check {
    name: &'static str,
    /// Names of checks that must have passed.
    needs: &'static [&'static str],
    run: fn(&Context<'_>) -> Result<()>,
}

enum Outcome {
    Passed,
    /// On the same files, in an earlier run.
    PassedBefore,
    Failed,
    /// What it needs did not pass. Counts as failed: nothing was shown to work.
    Blocked(&'static str),
}

impl Outcome {
    fn is_passed(&self) -> bool {
        matches!(self, Self::Passed | Self::PassedBefore)
    }
}

/// `cargo xtask test`.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let slow = if options.all || options.only.is_some() { matrices::MATRICES } else { &[] };
    let candidates: Vec<&Check> = checks::CHECKS.iter().chain(slow).collect();
    let selected = select(&candidates, options.only.as_deref())?;
    let passed = if options.all { Some(Passed::read(repo)?) } else { None };
    run_all(Context { repo, all: options.all, engines: OnceLock::new() }, &selected, passed)
}

/// `cargo xtask night`: what passed on the same files in an earlier run is not run again.
pub(crate) fn night(repo: &Repo, options: &NightOptions) -> Result<()> {
    let night: Vec<&Check> = nightly::NIGHT.iter().collect();
    let wanted = named(&night, options.only.as_deref().unwrap_or_default())?;
    let candidates: Vec<&Check> = checks::CHECKS.iter().chain(nightly::NIGHT).collect();
    let selected = with_needs(&candidates, wanted);
    let passed = Some(Passed::read(repo)?);
    run_all(Context { repo, all: false, engines: OnceLock::new() }, &selected, passed)
}

/// Runs the checks and prints the summary, whose last line is `N passed, M failed`.
fn run_all(context: Context<'_>, selected: &[&Check], mut passed: Option<Passed>) -> Result<()> {
    let context = &context;
    let mut results: Vec<(&Check, Outcome, Duration)> = Vec::new();
    thread::scope(|scope| {
        let mut beside = Vec::new();
        for &check in selected {
            let before = passed.as_ref().is_some_and(|passed| passed.has(check.name));
            if !before && BESIDE.contains(&check.name) {
                beside.push((check, scope.spawn(move || timed(|| run_one(check, context, &[])))));
                continue;
            }
            let run = || if before { Outcome::PassedBefore } else { run_one(check, context, &results) };
            let (outcome, took) = timed(run);
            note(context.repo, &mut passed, check, &outcome)?;
            results.push((check, outcome, took));
        }
        for (check, thread) in beside {
            let (outcome, took) =
                thread.join().map_err(|_| anyhow!("the check {:?} panicked", check.name))?;
            note(context.repo, &mut passed, check, &outcome)?;
            results.push((check, outcome, took));
        }
        anyhow::Ok(())
    })?;
    let failed = results.iter().filter(|(_, outcome, _)| !outcome.is_passed()).count();
    println!("\n{}", summary(&results));
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed > 0 { std::process::exit(1) } else { Ok(()) }
}

fn timed(run: impl FnOnce() -> Outcome) -> (Outcome, Duration) {
    let started = Instant::now();
    (run(), started.elapsed())
}

fn note(repo: &Repo, passed: &mut Option<Passed>, check: &Check, outcome: &Outcome) -> Result<()> {
    match (outcome, passed) {
        (Outcome::Passed, Some(passed)) => passed.add(repo, check.name),
        _ => Ok(()),
    }
}

fn run_one(check: &Check, context: &Context<'_>, results: &[(&Check, Outcome, Duration)]) -> Outcome {
    let passed =
        |need: &&str| results.iter().any(|(other, outcome, _)| other.name == *need && outcome.is_passed());
    if let Some(need) = check.needs.iter().find(|need| !passed(need)) {
        eprintln!("── {}: not run, it needs `{need}`", check.name);
        return Outcome::Blocked(need);
    }
    eprintln!("── {}", check.name);
    match (check.run)(context) {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            eprintln!("  ✗ {error:#}\n");
            Outcome::Failed
        }
    }
}

/// The checks named by `only` and, before them, everything they need.
fn select<'a>(checks: &[&'a Check], only: Option<&str>) -> Result<Vec<&'a Check>> {
    let Some(only) = only else { return Ok(checks.to_vec()) };
    Ok(with_needs(checks, named(checks, only)?))
}

/// The names that contain `only`.
fn named(checks: &[&Check], only: &str) -> Result<Vec<&'static str>> {
    let names = || checks.iter().map(|check| check.name);
    let wanted: Vec<_> = names().filter(|name| name.contains(only)).collect();
    if wanted.is_empty() {
        bail!("no check is called {only:?}; there are: {}", names().collect::<Vec<_>>().join(", "));
    }
    Ok(wanted)
}

/// These, and before them everything they need.
fn with_needs<'a>(checks: &[&'a Check], mut wanted: Vec<&'static str>) -> Vec<&'a Check> {
    let mut seen = 0;
    while seen < wanted.len() {
        let needs =
            checks.iter().find(|check| check.name == wanted[seen]).map_or(&[][..], |check| check.needs);
        wanted.extend(needs.iter().filter(|need| !wanted.contains(need)).copied().collect::<Vec<_>>());
        seen += 1;
    }
    checks.iter().filter(|check| wanted.contains(&check.name)).copied().collect()
}

fn summary(results: &[(&Check, Outcome, Duration)]) -> String {
    let width = results.iter().map(|(check, ..)| check.name.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  result   time\n", "step");
    for (check, outcome, elapsed) in results {
        let outcome = match outcome {
            Outcome::Passed => "passed ",
            Outcome::PassedBefore => {
                text += &format!("{:width$}  passed   earlier, on the same files\n", check.name);
                continue;
            }
            Outcome::Failed => "FAILED ",
            Outcome::Blocked(need) => {
                text += &format!("{:width$}  FAILED   not run: needs `{need}`\n", check.name);
                continue;
            }
        };
        text += &format!("{:width$}  {outcome}  {:>8}\n", check.name, seconds(*elapsed));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: fn(&Context<'_>) -> Result<()> = |_| Ok(());
    const CHECKS: &[Check] = &[
        Check { name: "tools", needs: &[], run: NOTHING },
        Check { name: "format", needs: &[], run: NOTHING },
        Check { name: "package", needs: &["tools"], run: NOTHING },
        Check { name: "end to end", needs: &["package"], run: NOTHING },
    ];

    fn all() -> Vec<&'static Check> {
        CHECKS.iter().collect()
    }

    fn names(only: Option<&str>) -> Vec<&'static str> {
        select(&all(), only).unwrap().iter().map(|check| check.name).collect()
    }

    #[test]
    fn only_brings_along_what_is_needed() {
        assert_eq!(names(None).len(), 4);
        assert_eq!(names(Some("format")), ["format"]);
        assert_eq!(names(Some("end")), ["tools", "package", "end to end"]);
        assert!(select(&all(), Some("nonsense")).is_err());
    }

    #[test]
    fn every_need_is_an_earlier_check() {
        let all: Vec<_> = checks::CHECKS.iter().chain(matrices::MATRICES).chain(nightly::NIGHT).collect();
        for (at, check) in all.iter().enumerate() {
            for need in check.needs {
                assert!(all[..at].iter().any(|other| other.name == *need), "{}: {need}", check.name);
            }
        }
    }

    #[test]
    fn what_runs_beside_others_is_a_check_that_needs_nothing() {
        for name in BESIDE {
            assert!(
                checks::CHECKS.iter().any(|check| check.name == name && check.needs.is_empty()),
                "{name}"
            );
        }
    }

    #[test]
    fn every_folder_of_tests_is_run_by_a_check() {
        let checks = concat!(include_str!("test/checks.rs"), include_str!("test/matrices.rs"));
        for entry in std::fs::read_dir(Repo::find().unwrap().path("tests")).unwrap() {
            let folder = entry.unwrap();
            if folder.path().join("package.json").exists() {
                let name = format!("\"tests/{}\"", folder.file_name().to_string_lossy());
                assert!(checks.contains(&name), "no check runs {name}");
            }
        }
    }

    #[test]
    fn a_check_whose_need_failed_is_blocked() {
        let repo = Repo::find().unwrap();
        let context = Context { repo: &repo, all: false, engines: OnceLock::new() };
        let results = [(&CHECKS[0], Outcome::Failed, Duration::ZERO)];
        assert!(matches!(run_one(&CHECKS[2], &context, &results), Outcome::Blocked("tools")));
        let results = [(&CHECKS[0], Outcome::Passed, Duration::ZERO)];
        assert!(matches!(run_one(&CHECKS[2], &context, &results), Outcome::Passed));
    }
}

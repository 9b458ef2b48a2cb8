//! Runs the cases: several at a time, each on URLs of its own.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::case::Case;
use crate::cases;
use crate::context::Context;
use crate::launch::{Launch, Settings};
use crate::report::{Outcome, Report, Verdict};
use crate::target::Target;
use crate::upstream::Upstream;

/// Runs every case against `target` and says how each ended. The seed is printed at once.
///
/// # Panics
///
/// Where the scripted upstream cannot listen on 127.0.0.1.
pub async fn run(target: Target) -> Report {
    run_cases(target, selected()).await
}

async fn run_cases(target: Target, cases: Vec<Case>) -> Report {
    let seed = seed();
    println!("conformance of {} with CONFORMANCE_SEED={seed}", target.base_url);
    let started = Instant::now();
    let upstream = Upstream::listen().await.unwrap_or_else(|oops| panic!("{oops}"));
    let permits = Arc::new(Semaphore::new(target.parallel));
    let target = Arc::new(target);
    let running: Vec<_> = cases
        .into_iter()
        .map(|case| {
            let cx = Context::new(target.clone(), upstream.clone(), seed, case.name);
            let missing = target.lacks(case.need);
            (case.name, case.rules, start(case, missing, cx, permits.clone()))
        })
        .collect();
    let mut cases = Vec::new();
    for (name, rules, case) in running {
        cases.push(Verdict { name, rules, outcome: outcome(case).await });
    }
    Report { seed, took: started.elapsed(), cases }
}

/// Launches a recorder with default settings and runs every case against it.
///
/// # Panics
///
/// Where it does not come up.
pub async fn run_launched(launch: impl Launch + 'static) -> Report {
    let recorder = launch.launch(Settings::default()).await.unwrap_or_else(|oops| panic!("{oops}"));
    run(Target::new(recorder.base_url()).with_launch(launch)).await
}

/// The same with the cases alone that use nothing but what durablefetch 0.1.0 had.
///
/// # Panics
///
/// Where it does not come up.
pub async fn run_seed_subset(launch: impl Launch + 'static) -> Report {
    let recorder = launch.launch(Settings::default()).await.unwrap_or_else(|oops| panic!("{oops}"));
    let target = Target::new(recorder.base_url()).with_launch(launch);
    run_cases(target, selected().into_iter().filter(|case| case.seed).collect()).await
}

fn start(
    case: Case,
    missing: Option<&'static str>,
    cx: Context,
    permits: Arc<Semaphore>,
) -> JoinHandle<Outcome> {
    tokio::spawn(async move {
        if let Some(missing) = missing {
            return Outcome::NotApplicable(missing);
        }
        let _permit = permits.acquire().await;
        match tokio::time::timeout(case.deadline, (case.body)(cx)).await {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(failure)) => Outcome::Failed(failure.to_string()),
            Err(_) => Outcome::Failed(format!("did not end within {:?}", case.deadline)),
        }
    })
}

async fn outcome(case: JoinHandle<Outcome>) -> Outcome {
    match case.await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(format!("the case itself broke: {error}")),
    }
}

fn selected() -> Vec<Case> {
    let filter = env::var("CONFORMANCE_FILTER").unwrap_or_default();
    let wanted = |case: &Case| filter.split('|').any(|part| case.name.contains(part));
    cases::all().into_iter().filter(wanted).collect()
}

fn seed() -> u64 {
    match env::var("CONFORMANCE_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("CONFORMANCE_SEED is no number: {text}")),
        Err(_) => RandomState::new().hash_one("seed") >> 32,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::Suite;
    use crate::check::same;

    #[tokio::test]
    async fn whatever_goes_wrong_in_a_case_is_a_failure_of_that_case() {
        let mut suite = Suite::default();
        suite.case("", "holds", |_| async { Ok(()) });
        suite.case("", "differs", |_| async { Ok(same("sum", 1 + 1, 3)?) });
        suite.case("", "breaks", |_| async { panic!("out of cheese") });
        suite.case("", "hangs", |_| std::future::pending());
        suite.launching("", "cannot", |_| async { Ok(()) });
        suite.cases[3].deadline = Duration::from_millis(1);
        let report = run_cases(Target::new("http://127.0.0.1:9"), suite.cases).await;
        let text = report.to_string();
        let failed: Vec<_> = report.failures().map(|(case, _)| case.name).collect();
        assert_eq!(failed, ["differs", "breaks", "hangs"]);
        let line = |text: &str| text.replace(' ', "");
        for said in
            ["expected 3", "got 2", "runner.rs:", "out of cheese", "did not end within", "1 not applicable"]
        {
            assert!(line(&text).contains(&line(said)), "{said}: {text}");
        }
    }
}

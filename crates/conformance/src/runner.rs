//! The cases as tests: each has a name of its own, and the arguments are those of any test program.

use std::env;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use libtest_mimic::{Arguments, Completion, Trial};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::OnceCell;

use crate::case::Case;
use crate::cases;
use crate::check::Checked;
use crate::context::Context;
use crate::launch::{Ability, DEADLINE, Settings};
use crate::process::{Instance, Process};
use crate::upstream::Upstream;

/// How many cases run at once: most of their time they wait.
const PARALLEL: usize = 12;

/// What is tested. The recorder must be bound to loopback, have no public origin and let loopback upstreams
/// through, because the scripted upstream listens on 127.0.0.1.
enum Target {
    Url(String),
    Process(Process, Box<OnceCell<Instance>>),
}

impl Target {
    fn process(&self) -> Option<&Process> {
        match self {
            Self::Url(_) => None,
            Self::Process(process, _) => Some(process),
        }
    }

    fn can(&self, ability: Ability) -> bool {
        self.process().is_some_and(|process| !process.lacks.contains(&ability))
    }

    /// Why this case is none of it, where it is not.
    fn without(&self, case: &str) -> Option<&'static str> {
        let without = &self.process()?.without;
        without.iter().find(|(name, _)| *name == case).map(|(_, why)| *why)
    }

    /// The program is started by the first case that asks; the others share it.
    async fn base_url(&self) -> Checked<&str> {
        match self {
            Self::Url(url) => Ok(url),
            Self::Process(process, shared) => {
                Ok(shared.get_or_try_init(|| process.launch(Settings::default())).await?.base_url())
            }
        }
    }

    async fn run(&self, case: &Case, upstream: Upstream, seed: u64) -> Result<(), String> {
        let url = self.base_url().await.map_err(|oops| oops.to_string())?;
        let cx = Context::new(url, self.process().cloned(), upstream, seed, case.name);
        let within = self.process().map_or(DEADLINE, |process| process.within);
        case.run(cx.map_err(|oops| oops.to_string())?, within).await
    }
}

/// Every case against one or more recorders.
pub struct Tests {
    runtime: Handle,
    upstream: Upstream,
    seed: u64,
    parallel: usize,
    targets: Vec<Arc<Target>>,
    trials: Vec<Trial>,
}

impl Tests {
    /// Listens as an upstream, and prints the seed. Cases run on `runtime`.
    ///
    /// # Panics
    ///
    /// Where the scripted upstream cannot listen on 127.0.0.1.
    pub fn new(runtime: &Runtime) -> Self {
        let upstream = runtime.block_on(Upstream::listen()).unwrap_or_else(|oops| panic!("{oops}"));
        Self {
            runtime: runtime.handle().clone(),
            upstream,
            seed: seed(),
            parallel: PARALLEL,
            targets: Vec::new(),
            trials: Vec::new(),
        }
    }

    /// Runs so many cases at once, where each takes more of the machine than usual. Default 12.
    pub fn at_once(mut self, cases: usize) -> Self {
        self.parallel = cases;
        self
    }

    /// Adds the cases against the recorder at `http://host:port[/path]`; no TLS. The cases that launch recorders
    /// of their own are ignored.
    pub fn at(self, name: &str, base_url: impl Into<String>) -> Self {
        self.add(name, Target::Url(base_url.into()))
    }

    /// Adds the cases against this program. The cases about what it lacks are ignored.
    pub fn launching(self, name: &str, process: Process) -> Self {
        self.add(name, Target::Process(process, Box::default()))
    }

    fn add(mut self, name: &str, target: Target) -> Self {
        let target = Arc::new(target);
        let named = target.process().map(|process| process.without.as_slice()).unwrap_or_default();
        for (without, _) in named {
            assert!(cases::all().iter().any(|case| case.name == *without), "no case is called {without:?}");
        }
        for case in cases::all() {
            let (target, upstream, seed) = (target.clone(), self.upstream.clone(), self.seed);
            let runtime = self.runtime.clone();
            let rules = if case.rules.is_empty() { String::new() } else { format!("{} ", case.rules) };
            self.trials.push(Trial::ignorable_test(format!("{name}: {rules}{}", case.name), move || {
                if let Some(need) = case.need.filter(|need| !target.can(*need)) {
                    let launches = target.process().is_some();
                    let why = if launches { need } else { Ability::Launch }.lacking();
                    return Ok(Completion::ignored_with(why));
                }
                if let Some(why) = target.without(case.name) {
                    return Ok(Completion::ignored_with(why));
                }
                runtime.block_on(target.run(&case, upstream, seed))?;
                Ok(Completion::Completed)
            }));
        }
        self.targets.push(target);
        self
    }

    /// Runs what the arguments of this program choose: `|` separates alternatives in the filter. Prints how each case
    /// ended and how many were ignored.
    pub fn run(self) -> ExitCode {
        let Self { runtime, mut trials, targets, seed, parallel, .. } = self;
        let mut arguments = Arguments::from_args();
        arguments.test_threads.get_or_insert(parallel);
        if let Some(filter) = arguments.filter.take_if(|filter| filter.contains('|')) {
            trials.retain(|trial| filter.split('|').any(|part| trial.name().contains(part)));
        }
        if !arguments.list {
            println!("SEED={seed}");
        }
        let code = libtest_mimic::run(&arguments, trials).exit_code();
        // Programs end within the runtime that started them.
        let _within = runtime.enter();
        drop(targets);
        code
    }
}

/// Runs the cases that use nothing but what durablefetch 0.1.0 had, and says of each what failed.
///
/// # Panics
///
/// Where the scripted upstream cannot listen, or a case panics.
pub fn run_seed_subset(runtime: &Runtime, process: Process) -> Vec<(&'static str, Result<(), String>)> {
    let upstream = runtime.block_on(Upstream::listen()).unwrap_or_else(|oops| panic!("{oops}"));
    let (target, cases, seed) = (Target::Process(process, Box::default()), cases::seed(), seed());
    let run = |case: &Case| (case.name, runtime.block_on(target.run(case, upstream.clone(), seed)));
    let some = |cases: &[Case]| cases.iter().map(run).collect::<Vec<_>>();
    let _within = runtime.enter();
    thread::scope(|scope| {
        let parts = cases.chunks(cases.len().div_ceil(PARALLEL));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || some(part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|cause| resume_unwind(cause))).collect()
    })
}

/// `SEED` repeats the random choices of an earlier run.
fn seed() -> u64 {
    match env::var("SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("SEED is not a number: {text}")),
        Err(_) => fastrand::u64(..1 << 32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Suite;
    use crate::check::same;

    #[tokio::test]
    async fn what_fails_in_a_case_is_told_with_its_line() {
        let mut suite = Suite::default();
        suite.case("", "holds", async |_| Ok(()));
        suite.case("", "differs", async |_| Ok(same("sum", 1 + 1, 3)?));
        let target = Target::Url("http://127.0.0.1:9".into());
        let upstream = Upstream::listen().await.unwrap();
        assert_eq!(target.run(&suite.cases[0], upstream.clone(), 1).await, Ok(()));
        let told = target.run(&suite.cases[1], upstream, 1).await.unwrap_err();
        for said in ["expected 3", "got      2", "runner.rs:"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        assert!(!target.can(Ability::Launch));
    }

    #[tokio::test(start_paused = true)]
    async fn a_case_that_hangs_ends() {
        let mut suite = Suite::default();
        suite.case("", "hangs", async |_| std::future::pending().await);
        let cx = Context::new("http://127.0.0.1:9", None, Upstream::listen().await.unwrap(), 1, "hangs");
        let told = suite.cases[0].run(cx.unwrap(), DEADLINE).await.unwrap_err();
        assert!(told.contains("did not end within"), "{told}");
    }
}

//! What a run found out.

use std::fmt::{self, Display};
use std::time::Duration;

/// How one case ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every check held.
    Passed,
    /// A check did not hold; the text says which, what was expected and what came.
    Failed(String),
    /// The target lacks what the case needs; the text names it.
    NotApplicable(&'static str),
}

/// One case and how it ended.
#[derive(Debug)]
pub struct Verdict {
    /// What the case claims, a sentence of the protocol.
    pub name: &'static str,
    /// The rules of PROTOCOL.md that it checks, separated by blanks.
    pub rules: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// The outcome of every case that the filter let through.
#[derive(Debug)]
pub struct Report {
    /// Repeats this run's random choices when given as `CONFORMANCE_SEED`.
    pub seed: u64,
    /// How long the whole run took.
    pub took: Duration,
    /// In the order of the suite.
    pub cases: Vec<Verdict>,
}

impl Report {
    /// The cases that failed, with what they said.
    pub fn failures(&self) -> impl Iterator<Item = (&Verdict, &str)> {
        self.cases.iter().filter_map(|verdict| match &verdict.outcome {
            Outcome::Failed(why) => Some((verdict, why.as_str())),
            Outcome::Passed | Outcome::NotApplicable(_) => None,
        })
    }

    /// Prints the report.
    ///
    /// # Panics
    ///
    /// Where a case failed, or where no case ran at all (a filter that matches nothing proves nothing).
    pub fn assert_passed(self) {
        println!("{self}");
        let failed = self.failures().count();
        assert!(failed == 0, "{failed} conformance cases failed (seed {})", self.seed);
        assert!(self.count(|o| matches!(o, Outcome::Passed)) > 0, "no conformance case ran");
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|verdict| is(&verdict.outcome)).count()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for verdict in &self.cases {
            if let Outcome::NotApplicable(need) = verdict.outcome {
                writeln!(f, "not applicable ({need}): {}", verdict.name)?;
            }
        }
        for (case, why) in self.failures() {
            writeln!(f, "\nFAILED {} [{}]", case.name, case.rules)?;
            why.lines().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        write!(
            f,
            "\nconformance: {} passed, {} failed, {} not applicable in {:.1} s, seed {}",
            self.count(|o| matches!(o, Outcome::Passed)),
            self.failures().count(),
            self.count(|o| matches!(o, Outcome::NotApplicable(_))),
            self.took.as_secs_f32(),
            self.seed,
        )
    }
}

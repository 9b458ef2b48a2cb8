//! The outcomes of all runs of a cluster, as tables in Markdown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::plan::Plan;
use super::verdict::{Told, Verdict};
use crate::counts::{Ended, Errors, Faults};
use crate::verdict;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    outcomes: BTreeMap<Verdict, u64>,
    faults: Faults,
    errors: Errors,
    readers: usize,
    reconnects: u64,
    unused: usize,
    after: Duration,
    /// How long what was live in dead recorders was taken to be live: of how many, and the longest.
    deaths: u64,
    lived: Duration,
    bad: Vec<u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, plan: &Plan, told: &Told) {
        *self.outcomes.entry(told.verdict).or_default() += 1;
        let ended = match told.verdict {
            Verdict::Read(verdict::Verdict::Whole) => Ended::Whole,
            verdict if verdict.is_bad() => Ended::Bad,
            _ => Ended::Error,
        };
        self.faults.add(plan.kinds(), ended);
        let run = &told.run;
        for got in run.got() {
            self.readers += 1;
            self.reconnects += u64::from(got.reconnects);
            self.errors.add(got.error.as_ref());
        }
        self.unused += plan.faults.len() - run.faults.len();
        self.after = self.after.max(told.after);
        if let Some(lived) = told.lived {
            self.deaths += 1;
            self.lived = self.lived.max(lived);
        }
        if told.verdict.is_bad() {
            self.bad.push(plan.seed);
        }
    }

    pub(crate) fn bad(&self) -> &[u64] {
        &self.bad
    }

    pub(crate) fn runs(&self) -> u64 {
        self.outcomes.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| outcome | runs |\n|---|---:|")?;
        for verdict in Verdict::ALL {
            writeln!(f, "| {verdict} | {} |", self.outcomes.get(&verdict).copied().unwrap_or_default())?;
        }
        writeln!(f, "\n{}", self.faults)?;
        writeln!(f, "Errors of {} readers: {}. Reconnects: {}.", self.readers, self.errors, self.reconnects)?;
        writeln!(
            f,
            "The last reader ended at most {:.1} s after the end of the last fault and of the upstream's answer.",
            self.after.as_secs_f64()
        )?;
        writeln!(
            f,
            "Recordings of recorders that were killed: {}, not live any more after at most {:.1} s.",
            self.deaths,
            self.lived.as_secs_f64()
        )?;
        write!(f, "Faults that did not come about, the run being over: {}.", self.unused)
    }
}

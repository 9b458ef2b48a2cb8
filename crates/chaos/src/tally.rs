//! The outcomes of all runs, as tables in Markdown.

use std::collections::BTreeMap;
use std::fmt;

use crate::counts::{Ended, Errors, Faults};
use crate::plan::Plan;
use crate::verdict::{Told, Verdict};

/// What has been counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// For each verdict: in Node, in a page.
    outcomes: BTreeMap<Verdict, [u64; 2]>,
    faults: Faults,
    errors: Errors,
    reconnects: u64,
    bytes: u64,
    unused: usize,
    /// Recordings that followed on one that met a full disk.
    next: u64,
    /// Pages in which nothing has caught an error after their last run.
    late: u64,
    bad: Vec<u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, plan: &Plan, told: &Told) {
        self.outcomes.entry(told.verdict()).or_default()[usize::from(plan.browser)] += 1;
        let ended = match told.verdict() {
            Verdict::Whole => Ended::Whole,
            verdict if verdict.is_bad() => Ended::Bad,
            _ => Ended::Error,
        };
        self.faults.add(plan.kinds(), ended);
        if let Some(got) = &told.got {
            self.reconnects += u64::from(got.reconnects);
            self.bytes += got.bytes as u64;
            self.errors.add(got.error.as_ref());
        }
        self.unused += told.truth.unused;
        self.next += u64::from(told.next.is_some());
        if told.is_bad() {
            self.bad.push(plan.seed);
        }
    }

    /// What came to light after this run, which was the last of its page.
    pub(crate) fn add_late(&mut self, plan: &Plan) {
        self.late += 1;
        self.bad.push(plan.seed);
    }

    pub(crate) fn bad(&self) -> &[u64] {
        &self.bad
    }

    pub(crate) fn runs(&self) -> u64 {
        self.outcomes.values().flatten().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| outcome | Node | page | all |\n|---|---|---|---|")?;
        for verdict in Verdict::ALL {
            let [node, browser] = self.outcomes.get(&verdict).copied().unwrap_or_default();
            writeln!(f, "| {verdict} | {node} | {browser} | {} |", node + browser)?;
        }
        writeln!(f, "\n{}", self.faults)?;
        writeln!(f, "Errors that apps got: {}.", self.errors)?;
        write!(
            f,
            "Reconnects seen by apps: {}. Bytes read: {} MB. Faults that did not come about, the run being over: {}.",
            self.reconnects,
            self.bytes / 1_000_000,
            self.unused
        )?;
        if self.late > 0 {
            write!(f, "\nPages with an uncaught error after their last run: {}.", self.late)?;
        }
        match self.next {
            0 => Ok(()),
            next => {
                let whole =
                    next - self.outcomes.get(&Verdict::NotAgain).map_or(0, |[node, browser]| node + browser);
                write!(f, "\nRecorded once there was room again: {next}, {whole} of them whole.")
            }
        }
    }
}

//! Whether the promise was kept in one run.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::clients::Got;
use crate::plan::Plan;

/// What may become of a run, whatever the recorder says.
pub(crate) struct Case<'a> {
    /// What the upstream sends.
    pub(crate) body: &'a [u8],
    /// Something other than the client's side can keep the recording from completing.
    pub(crate) may_fail: bool,
    /// The app may ask the upstream again.
    pub(crate) may_repeat: bool,
}

/// What the recorder and the upstream say afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    /// The state of the recording; `none` where there is none.
    pub(crate) state: String,
    /// Requests that reached the upstream.
    pub(crate) requests: u64,
    /// Faults that did not come about.
    pub(crate) unused: usize,
}

/// One run, judged.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) verdict: Verdict,
    pub(crate) got: Option<Got>,
    pub(crate) truth: Truth,
    /// Where others filled the disk: the one after it, on the same recorder.
    pub(crate) next: Option<Box<Self>>,
}

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// All bytes and a clean end.
    Whole,
    /// The recording did not complete, and the app got an error after a prefix of the bytes.
    Error,
    /// Nothing was recorded, and the app got a response that says so: the 502 or 504 of a broken upstream.
    ErrorAnswer,
    /// The recording completed, and the app got an error.
    ErrorForNothing,
    /// The request reached the upstream twice.
    Twice,
    /// A clean end, and not all of the bytes.
    Short,
    /// Bytes that the upstream never sent at this place.
    Wrong,
    /// Neither an end nor an error in time.
    Hang,
    /// There is room again, and what is recorded next is not whole.
    NotAgain,
    /// All is well but for an error in the page that nothing caught.
    Uncaught,
}

impl Verdict {
    pub(crate) const ALL: [Self; 10] = [
        Self::Whole,
        Self::Error,
        Self::ErrorAnswer,
        Self::ErrorForNothing,
        Self::Twice,
        Self::Short,
        Self::Wrong,
        Self::Hang,
        Self::NotAgain,
        Self::Uncaught,
    ];

    pub(crate) fn is_bad(self) -> bool {
        self > Self::ErrorAnswer
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "recording complete, app has every byte (SHA-256) and a clean end",
            Self::Error => "recording not complete, app has an error after a true prefix",
            Self::ErrorAnswer => "no recording, app has the error answer",
            Self::ErrorForNothing => "BAD: recording complete, but the app has an error",
            Self::Twice => "BAD: sent upstream twice",
            Self::Short => "BAD: clean end, bytes missing",
            Self::Wrong => "BAD: wrong bytes",
            Self::Hang => "BAD: neither end nor error in time",
            Self::NotAgain => "BAD: room again, and the next recording is not whole",
            Self::Uncaught => "BAD: an error in the page that nothing caught",
        })
    }
}

impl Told {
    pub(crate) fn of(plan: &Plan, got: Option<Got>, truth: Truth) -> Self {
        let case = Case {
            body: &plan.body(),
            may_fail: plan.may_fail(),
            // An app that comes back to a recording that broke starts anew, and means to.
            may_repeat: plan.leaves_at.is_some(),
        };
        let verdict = judge(&case, got.as_ref(), &truth);
        let uncaught = got.as_ref().is_some_and(|got| !got.uncaught.is_empty());
        let verdict = if uncaught && !verdict.is_bad() { Verdict::Uncaught } else { verdict };
        Self { verdict, got, truth, next: None }
    }

    /// The worse of its own verdict and what became of the next one.
    pub(crate) fn verdict(&self) -> Verdict {
        let next = self.next.as_ref().is_none_or(|next| next.verdict == Verdict::Whole);
        if next || self.verdict.is_bad() { self.verdict } else { Verdict::NotAgain }
    }

    pub(crate) fn is_bad(&self) -> bool {
        self.verdict().is_bad()
    }
}

/// Whether the promise was kept to one who reads.
pub(crate) fn judge(case: &Case<'_>, got: Option<&Got>, truth: &Truth) -> Verdict {
    let Some(got) = got.filter(|got| got.how != "hang") else { return Verdict::Hang };
    if got.status.is_some_and(|status| status >= 400) && truth.state == "none" && case.may_fail {
        return Verdict::ErrorAnswer;
    }
    let prefix = case.body.get(..got.bytes);
    if prefix.is_none_or(|prefix| hex(&Sha256::digest(prefix)) != got.sha256) {
        return Verdict::Wrong;
    }
    if truth.requests > 1 && !case.may_repeat {
        return Verdict::Twice;
    }
    let whole = got.bytes == case.body.len();
    match (got.how.as_str(), truth.state.as_str()) {
        ("end", "complete") if whole => Verdict::Whole,
        ("end", _) => Verdict::Short,
        (_, "complete") => Verdict::ErrorForNothing,
        _ if case.may_fail => Verdict::Error,
        _ => Verdict::ErrorForNothing,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Machine;

    fn told(how: &str, bytes: usize, of: usize, state: &str, requests: u64) -> Verdict {
        let mut plan = Plan::of(1, Machine { fills_disks: false, only_pages: false });
        (plan.length, plan.leaves_at, plan.kill_at) = (100, None, Some(3));
        let got = got(how, bytes, &plan.body()[..of]);
        Told::of(&plan, Some(got), Truth { state: state.into(), requests, unused: 0 }).verdict()
    }

    fn got(how: &str, bytes: usize, body: &[u8]) -> Got {
        let sha256 = hex(&Sha256::digest(body));
        Got {
            how: how.into(),
            status: Some(200),
            bytes,
            sha256,
            error: None,
            reconnects: 0,
            uncaught: Vec::new(),
        }
    }

    #[test]
    fn an_error_that_nothing_caught_is_bad_however_well_it_ends() {
        let mut plan = Plan::of(1, Machine { fills_disks: false, only_pages: true });
        plan.length = 100;
        let truth = Truth { state: "complete".into(), requests: 1, unused: 0 };
        let mut whole = got("end", 100, &plan.body());
        assert_eq!(Told::of(&plan, Some(whole.clone()), truth.clone()).verdict(), Verdict::Whole);
        whole.uncaught.push("TypeError: x is undefined".into());
        assert_eq!(Told::of(&plan, Some(whole), truth).verdict(), Verdict::Uncaught);
    }

    #[test]
    fn only_whole_bodies_and_honest_errors_are_good() {
        assert_eq!(told("end", 100, 100, "complete", 1), Verdict::Whole);
        assert_eq!(told("error", 40, 40, "interrupted", 1), Verdict::Error);
        assert_eq!(told("end", 99, 99, "complete", 1), Verdict::Short);
        assert_eq!(told("end", 40, 40, "failed", 1), Verdict::Short);
        assert_eq!(told("error", 100, 100, "complete", 1), Verdict::ErrorForNothing);
        assert_eq!(told("end", 100, 99, "complete", 1), Verdict::Wrong);
        assert_eq!(told("end", 100, 100, "complete", 2), Verdict::Twice);
        assert_eq!(told("hang", 40, 40, "streaming", 1), Verdict::Hang);
    }

    #[test]
    fn what_comes_after_a_full_disk_must_be_whole() {
        let one = |verdict| {
            let truth = Truth { state: "failed".into(), requests: 1, unused: 0 };
            Told { verdict, got: None, truth, next: None }
        };
        let both = |first, next| Told { next: Some(Box::new(one(next))), ..one(first) };
        assert_eq!(both(Verdict::Error, Verdict::Whole).verdict(), Verdict::Error);
        assert_eq!(both(Verdict::Whole, Verdict::ErrorAnswer).verdict(), Verdict::NotAgain);
        assert_eq!(both(Verdict::Short, Verdict::Error).verdict(), Verdict::Short);
        assert!(!one(Verdict::Error).is_bad() && both(Verdict::Error, Verdict::Error).is_bad());
    }

    #[test]
    fn a_disk_that_others_fill_is_all_that_keeps_a_run_from_its_end() {
        let machine = Machine { fills_disks: true, only_pages: false };
        let plans: Vec<_> = (0..2_000).map(|seed| Plan::of(seed, machine)).collect();
        let filled: Vec<_> = plans.iter().filter(|plan| plan.ballast.is_some()).collect();
        assert!(filled.len() > 60, "{} of 2,000", filled.len());
        for plan in filled {
            assert!(plan.kill_at.is_none() && !plan.disk_full && plan.may_fail(), "{plan:?}");
            let next = plan.next();
            assert!(
                !next.may_fail() && next.disk_mb() != plan.disk_mb() && next.seed != plan.seed,
                "{next:?}"
            );
        }
    }

    #[test]
    fn a_seed_is_one_plan() {
        for seed in 0..200 {
            let machine = Machine { fills_disks: true, only_pages: false };
            let (one, other) = (Plan::of(seed, machine), Plan::of(seed, machine));
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            assert_eq!(one.body(), other.body());
        }
    }
}

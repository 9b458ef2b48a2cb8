//! Whether the cluster kept its promise in one run.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::plan::{Cluster, Plan, What};
use super::run::{Past, Run};
use crate::verdict::{self, Case, Truth};

/// Within this time after the end of a fault, and of the upstream's answer, every reader has ended.
const AFTER: Duration = Duration::from_secs(20);
/// Beyond its lease, what a dead recorder had is live for no longer than this.
const DEAD: Duration = Duration::from_secs(4);

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// What one who read got, the worst of all: the app, who read beside it, and who reads it afterwards at each recorder.
    Read(verdict::Verdict),
    /// A reader had neither ended nor gone on 20 s after the fault's end.
    Late,
    /// What was live in a recorder that was killed was not `interrupted` in time.
    Lives,
    /// One who read, or asked about it, was told that it is not there.
    Forgotten,
    /// Afterwards, not all recorders give the same.
    Differs,
    /// A recorder has ended by itself.
    Fallen,
}

impl Verdict {
    pub(crate) const ALL: [Self; 13] = [
        Self::Read(verdict::Verdict::Whole),
        Self::Read(verdict::Verdict::Error),
        Self::Read(verdict::Verdict::ErrorAnswer),
        Self::Read(verdict::Verdict::ErrorForNothing),
        Self::Read(verdict::Verdict::Twice),
        Self::Read(verdict::Verdict::Short),
        Self::Read(verdict::Verdict::Wrong),
        Self::Read(verdict::Verdict::Hang),
        Self::Late,
        Self::Lives,
        Self::Forgotten,
        Self::Differs,
        Self::Fallen,
    ];

    pub(crate) fn is_bad(self) -> bool {
        match self {
            Self::Read(verdict) => verdict.is_bad(),
            _ => true,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(verdict::Verdict::Whole) => {
                f.write_str("recording complete, all readers have every byte and a clean end")
            }
            Self::Read(verdict::Verdict::Error) => {
                f.write_str("recording not complete, all readers have an error after a true prefix")
            }
            Self::Read(verdict) => verdict.fmt(f),
            Self::Late => f.write_str("BAD: a reader stands still 20 s after the fault's end"),
            Self::Lives => f.write_str("BAD: a dead recorder's recording is not interrupted in time"),
            Self::Forgotten => f.write_str("BAD: a recording is there, and somebody was told that it is not"),
            Self::Differs => f.write_str("BAD: recorders give different bytes of the same recording"),
            Self::Fallen => f.write_str("BAD: a recorder has ended by itself"),
        }
    }
}

/// One run, judged.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) verdict: Verdict,
    /// How long after the end of a fault, and of the upstream's answer, the last reader ended.
    pub(crate) after: Duration,
    /// How long what was live in a recorder that was killed was taken to be live.
    pub(crate) lived: Option<Duration>,
    pub(crate) run: Run,
}

/// What those who read were told, where it is not an end.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.run.got().filter_map(|got| got.error.as_deref()).collect();
        if errors.is_empty() { Ok(()) } else { write!(f, " ({})", errors.join(", ")) }
    }
}

impl Told {
    pub(crate) fn of(plan: &Plan, cluster: Cluster, run: Run) -> Self {
        let mut verdict = Verdict::Read(of_readers(plan, &run));
        let after = after(&run);
        let mut note = |is_so: bool, found: Verdict| {
            if is_so && (found > verdict || !verdict.is_bad()) {
                verdict = found;
            }
        };
        note(after > AFTER || stands_still(&run), Verdict::Late);
        note(run.faults.iter().any(|past| lives(past, &run, cluster)), Verdict::Lives);
        note(is_forgotten(&run), Verdict::Forgotten);
        let given: BTreeSet<_> = run.replays.iter().flatten().map(|got| (got.bytes, &got.sha256)).collect();
        note(given.len() > 1, Verdict::Differs);
        note(!run.fallen.is_empty(), Verdict::Fallen);
        let lived =
            run.faults.iter().filter_map(|past| Some(past.death.as_ref()?.known? - past.struck.began));
        let lived = lived.max();
        Self { verdict, after, lived, run }
    }
}

/// The worst of what those who read got.
fn of_readers(plan: &Plan, run: &Run) -> verdict::Verdict {
    let (body, may_fail) = (plan.body.body(), may_fail(run));
    let mut ids = run.repeats.clone();
    ids.extend(run.readers.iter().flatten().flat_map(|read| read.recordings.clone()));
    let Some(state) = run.state.clone() else { return verdict::Verdict::Hang };
    // One id, one recording: another one would be a second start.
    let truth = Truth { state, requests: run.requests.max(ids.len() as u64), unused: 0 };
    let case = Case { body: &body, may_fail, may_repeat: false };
    let judge = |got| verdict::judge(&case, got, &truth);
    let app = judge(run.app.as_ref());
    let readers = run.readers.iter().filter_map(|read| match read {
        None => Some(verdict::Verdict::Hang),
        // One for whom nothing was there has nothing to say.
        Some(read) => read.got.as_ref().map(|got| judge(Some(got))),
    });
    let replays = run.replays.iter().map(|got| judge(got.as_ref()));
    readers.chain(replays).fold(app, std::cmp::max)
}

/// Whether something that has happened can keep a recording from completing.
fn may_fail(run: &Run) -> bool {
    let costs = |past: &Past| past.struck.fault.may_cost(past.struck.owner_is_hit);
    let is = |what: fn(&What) -> bool| {
        run.faults.iter().any(|past| what(&past.struck.fault.what) && past.struck.owner_is_hit)
    };
    let nobody_hears = is(|what| matches!(what, What::NoPeers(..) | What::NobodyNoPeers(_)));
    // Neither the database nor its peers hear of it: it is taken for dead.
    run.faults.iter().any(costs) || nobody_hears && is(|what| matches!(what, What::NoDatabase(..)))
}

/// When there was nothing more to wait for.
fn calm(run: &Run) -> Option<Instant> {
    run.faults.iter().map(|past| past.ended).chain(run.upstream_over).max()
}

/// How long after that the last reader ended.
fn after(run: &Run) -> Duration {
    let ended = run.readers.iter().flatten().filter_map(|read| read.times.last().copied());
    let ended = ended.chain(run.app_ended).max();
    ended.zip(calm(run)).map_or(Duration::ZERO, |(ended, calm)| ended.saturating_duration_since(calm))
}

/// Whether one of those who were reading got nothing for too long after the last fault, though it went on later.
fn stands_still(run: &Run) -> bool {
    let Some(end) = run.faults.iter().map(|past| past.ended).max() else { return false };
    let stands = |times: &[Instant]| {
        let next = times.iter().find(|at| **at > end);
        next.is_some_and(|at| *at > end + AFTER)
    };
    run.readers.iter().flatten().any(|read| stands(&read.times))
}

/// Whether what a dead recorder had was live for too long.
fn lives(past: &Past, run: &Run, cluster: Cluster) -> bool {
    let Some(death) = &past.death else { return false };
    let others = run.faults.iter().filter(|other| other.struck.began != past.struck.began);
    let mut until = past.struck.began + cluster.lease + DEAD;
    for other in others {
        // Who takes over has had its own lease for as long as one lasts.
        until = until.max(other.ended + 2 * cluster.lease + DEAD);
    }
    death.known.is_none_or(|known| known > until)
}

/// Whether somebody who had bytes of it, or asked about what had bytes, was told that it is not there.
fn is_forgotten(run: &Run) -> bool {
    let gone = |error: &str| matches!(error, "gone" | "superseded" | "deleted" | "not-found");
    let mut deaths = run.faults.iter().filter_map(|past| past.death.as_ref());
    run.got().filter_map(|got| got.error.as_deref()).any(gone)
        || deaths.any(|death| death.states.contains("none"))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::super::plan::{At, Cut, Fault, Whom};
    use super::super::readers::Read;
    use super::super::run::Death;
    use super::super::world::Struck;
    use super::*;
    use crate::clients::Got;
    use crate::verdict::hex;

    const CLUSTER: Cluster = Cluster { lease: Duration::from_secs(1), fills_disks: true };

    fn plan() -> Plan {
        let mut plan = Plan::of(1, CLUSTER);
        plan.body.length = 100;
        plan
    }

    fn got(how: &str, bytes: usize) -> Got {
        let sha256 = hex(&Sha256::digest(&plan().body.body()[..bytes]));
        let (status, error, uncaught) = (Some(200), None, Vec::new());
        Got { how: how.into(), status, bytes, sha256, error, reconnects: 0, uncaught }
    }

    fn past(what: What, owner_is_hit: bool) -> Past {
        let began = Instant::now();
        let fault = Fault { at: At::Asked, what, lasts: Duration::from_secs(1) };
        let struck = Struck { fault, node: 0, owner_is_hit, was_live: true, began };
        Past { struck, ended: began + Duration::from_secs(1), death: None }
    }

    /// A run in which a recorder that reads for somebody was killed, and everybody has everything.
    fn whole() -> Run {
        let past = past(What::Kill(Whom::Other), false);
        let ended = past.ended;
        let read = Read {
            got: Some(got("end", 100)),
            recordings: ["a".to_owned()].into(),
            times: vec![ended - Duration::from_millis(500), ended],
        };
        Run {
            began: past.struck.began,
            faults: vec![past],
            app: Some(got("end", 100)),
            app_ended: Some(ended),
            readers: vec![Some(read)],
            repeats: ["a".to_owned()].into(),
            upstream_over: Some(ended),
            requests: 1,
            state: Some("complete".into()),
            replays: vec![Some(got("end", 100)); 3],
            fallen: Vec::new(),
        }
    }

    /// The same where it was the one that records.
    fn broken() -> Run {
        let mut run = whole();
        run.faults = vec![past(What::Kill(Whom::Owner), true)];
        run.app = Some(got("error", 60));
        run.readers[0] = Some(Read { got: Some(got("error", 70)), ..run.readers[0].clone().unwrap() });
        run.state = Some("interrupted".into());
        run.replays = vec![Some(got("error", 40)); 3];
        run
    }

    fn verdict(run: &Run) -> Verdict {
        Told::of(&plan(), CLUSTER, run.clone()).verdict
    }

    fn read(run: &mut Run) -> &mut Read {
        run.readers[0].as_mut().unwrap()
    }

    #[test]
    fn what_is_whole_or_honestly_broken_is_good() {
        assert_eq!(verdict(&whole()), Verdict::Read(verdict::Verdict::Whole));
        assert_eq!(verdict(&broken()), Verdict::Read(verdict::Verdict::Error));
        let mut nothing = whole();
        read(&mut nothing).got = None;
        assert_eq!(verdict(&nothing), Verdict::Read(verdict::Verdict::Whole));
    }

    #[test]
    fn each_that_reads_is_judged() {
        use verdict::Verdict::{ErrorForNothing, Hang, Short, Wrong};
        let of = |change: fn(&mut Run), run: Run| {
            let mut run = run;
            change(&mut run);
            verdict(&run)
        };
        assert_eq!(of(|run| run.app = Some(got("end", 60)), broken()), Verdict::Read(Short));
        assert_eq!(of(|run| read(run).got = Some(got("end", 70)), broken()), Verdict::Read(Short));
        // A replay of what is interrupted breaks.
        assert_eq!(of(|run| run.replays = vec![Some(got("end", 40)); 3], broken()), Verdict::Read(Short));
        assert_eq!(of(|run| run.replays[1] = Some(got("error", 40)), whole()), Verdict::Differs);
        let wrong = |run: &mut Run| read(run).got.as_mut().unwrap().bytes = 99;
        assert_eq!(of(wrong, whole()), Verdict::Read(Wrong));
        assert_eq!(of(|run| run.app = Some(got("error", 100)), whole()), Verdict::Read(ErrorForNothing));
        assert_eq!(of(|run| run.app = None, whole()), Verdict::Read(Hang));
        assert_eq!(of(|run| run.readers[0] = None, whole()), Verdict::Read(Hang));
        assert_eq!(of(|run| run.replays[2] = None, whole()), Verdict::Read(Hang));
        assert_eq!(of(|run| run.state = None, whole()), Verdict::Read(Hang));
    }

    #[test]
    fn what_no_fault_can_have_done_is_an_error_for_nothing() {
        let mut run = broken();
        run.faults = vec![past(What::Kill(Whom::Other), false)];
        assert_eq!(verdict(&run), Verdict::Read(verdict::Verdict::ErrorForNothing));
        run.faults = vec![past(What::NoDatabase(Whom::Owner, Cut::Reset), true)];
        assert_eq!(verdict(&run), Verdict::Read(verdict::Verdict::ErrorForNothing));
        // Nobody heard of it any more.
        run.faults.push(past(What::NobodyNoPeers(Cut::Silent), true));
        assert_eq!(verdict(&run), Verdict::Read(verdict::Verdict::Error));
    }

    #[test]
    fn an_id_starts_once() {
        let twice = Verdict::Read(verdict::Verdict::Twice);
        let mut run = whole();
        run.requests = 2;
        assert_eq!(verdict(&run), twice);
        let mut run = whole();
        run.repeats.insert("b".into());
        assert_eq!(verdict(&run), twice);
        let mut run = whole();
        read(&mut run).recordings.insert("b".into());
        assert_eq!(verdict(&run), twice);
    }

    #[test]
    fn who_reads_ends_or_goes_on() {
        let secs = Duration::from_secs;
        let mut run = whole();
        run.app_ended = run.app_ended.map(|at| at + secs(19));
        assert!(!verdict(&run).is_bad());
        run.app_ended = run.app_ended.map(|at| at + secs(2));
        assert_eq!(verdict(&run), Verdict::Late);
        // The upstream takes longer than that.
        run.upstream_over = run.app_ended;
        assert!(!verdict(&run).is_bad());
        let end = run.faults[0].ended;
        read(&mut run).times = vec![end - secs(1), end + secs(1), end + secs(21)];
        assert!(!verdict(&run).is_bad());
        read(&mut run).times = vec![end - secs(1), end + secs(21)];
        assert_eq!(verdict(&run), Verdict::Late);
    }

    #[test]
    fn what_a_dead_recorder_had_is_interrupted_in_time() {
        let secs = Duration::from_secs;
        let mut run = broken();
        let began = run.faults[0].struck.began;
        let death = |known: Option<u64>| {
            let known = known.map(|after| began + secs(after));
            Some(Death { known, states: ["interrupted".to_owned()].into() })
        };
        run.faults[0].death = death(Some(4));
        assert_eq!(Told::of(&plan(), CLUSTER, run.clone()).lived, Some(secs(4)));
        assert!(!verdict(&run).is_bad());
        run.faults[0].death = death(Some(6));
        assert_eq!(verdict(&run), Verdict::Lives);
        let patient = Cluster { lease: secs(8), ..CLUSTER };
        assert!(!Told::of(&plan(), patient, run.clone()).verdict.is_bad());
        // The database was away meanwhile.
        let mut stopped = past(What::Stop { at_once: false }, false);
        (stopped.struck.began, stopped.ended) = (began + secs(1), began + secs(3));
        run.faults.push(stopped);
        assert!(!verdict(&run).is_bad());
        run.faults[0].death = death(None);
        assert_eq!(verdict(&run), Verdict::Lives);
    }

    #[test]
    fn what_is_there_is_never_said_to_be_gone() {
        let mut run = broken();
        run.app.as_mut().unwrap().error = Some("interrupted".into());
        assert!(!verdict(&run).is_bad());
        run.app.as_mut().unwrap().error = Some("gone".into());
        assert_eq!(verdict(&run), Verdict::Forgotten);
        let mut run = broken();
        let known = Some(run.faults[0].struck.began);
        run.faults[0].death =
            Some(Death { known, states: ["interrupted".to_owned(), "none".to_owned()].into() });
        assert_eq!(verdict(&run), Verdict::Forgotten);
    }

    #[test]
    fn recorders_run_and_agree() {
        let mut run = broken();
        run.replays[2] = Some(got("error", 39));
        assert_eq!(verdict(&run), Verdict::Differs);
        let mut run = whole();
        run.fallen = vec![1];
        assert_eq!(verdict(&run), Verdict::Fallen);
    }
}

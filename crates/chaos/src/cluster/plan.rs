//! What one seed means for a cluster: the body, who reads where, and what breaks when, and for how long.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::plan;

/// Recorders in a cluster.
pub(crate) const NODES: usize = 3;
/// `--store-timeout`: what waits for the database for longer is given up.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// An outage that is longer than this may be too long for what has to be stored while it lasts.
const SHORT: Duration = Duration::from_secs(8);

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// What the upstream sends, and what the app does.
    pub(crate) body: plan::Plan,
    /// The recorder that the app's first connection goes to.
    pub(crate) home: usize,
    /// The recorders that others ask for the same.
    pub(crate) readers: Vec<usize>,
    /// One or two.
    pub(crate) faults: Vec<Fault>,
}

/// Something that breaks, and is whole again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at: At,
    pub(crate) what: What,
    pub(crate) lasts: Duration,
}

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Before the app asks.
    First,
    /// Once the upstream is asked.
    Asked,
    /// Once it has sent so many bytes.
    Sent(usize),
}

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A recorder is killed, and another one comes in its place.
    Kill(Whom),
    /// It stands still for longer than its lease.
    Pause(Whom),
    /// It does not reach the database.
    NoDatabase(Whom, Cut),
    /// The others do not reach it.
    NoPeers(Whom, Cut),
    /// None reaches another.
    NobodyNoPeers(Cut),
    /// Its disk is full.
    NoRoom(Whom),
    /// It is told to end, and another one comes in its place.
    Deploy(Whom),
    /// The database is stopped. `at_once`: as if it had crashed.
    Stop { at_once: bool },
    /// The database says nothing.
    Silence,
    /// Each commit takes so much longer.
    Slow(Duration),
}

/// Which recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The one that has the URL.
    Owner,
    /// Another one, by which the app or a reader may read.
    Other,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It is reset.
    Reset,
    /// Nothing passes, until all of it does.
    Silent,
}

/// What is so in all runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster {
    /// How long a recorder that is not heard of has what it has.
    pub(crate) lease: Duration,
    /// Full disks can be made here.
    pub(crate) fills_disks: bool,
}

impl Cluster {
    /// Whether the database may be gone for a minute: only where there is time for long faults.
    const fn is_patient(self) -> bool {
        self.lease.as_secs() >= 5
    }

    /// How long faults of recorders last that are to outlast a lease, and the second for which they are asked then.
    fn beyond_a_lease(self) -> Range<Duration> {
        self.lease + Duration::from_millis(1_200)..2 * self.lease + Duration::from_secs(3)
    }

    fn outages(self) -> Range<Duration> {
        Duration::from_millis(200)..Duration::from_secs(if self.is_patient() { 20 } else { 5 })
    }
}

impl Plan {
    /// The plan of this seed: always the same one for the same lease, on machines that have the same abilities.
    pub(crate) fn of(seed: u64, cluster: Cluster) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0xc1);
        let body = body(seed, &mut random);
        let home = random.usize(..NODES);
        let readers = (0..random.usize(1..3)).map(|_| random.usize(..NODES)).collect();
        let first = what(&mut random, cluster);
        let second = what(&mut random, cluster);
        let two = random.u32(..4) == 0 && !first.hinders(second);
        let faults = [Some(first), two.then_some(second)];
        let faults = faults.into_iter().flatten();
        let faults = faults.map(|what| Fault {
            at: at(&mut random, body.length),
            what,
            lasts: lasts(&mut random, cluster, what),
        });
        let faults = faults.collect();
        Self { seed, body, home, readers, faults }
    }

    /// The names of what goes wrong, for the table.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
        kinds.extend(self.body.leaves_at.map(|_| "app leaves and comes back".to_owned()));
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// How long the upstream takes, with nothing in its way.
    pub(crate) fn pace(&self) -> Duration {
        let chunks = self.body.length.div_ceil(self.body.chunk) as u64;
        Duration::from_millis(self.body.head_ms + chunks * self.body.pause_ms)
    }

    /// How long all faults take.
    pub(crate) fn trouble(&self) -> Duration {
        self.faults.iter().map(|fault| fault.lasts).sum()
    }
}

/// A body that takes some seconds: faults come in the middle of it.
fn body(seed: u64, random: &mut fastrand::Rng) -> plan::Plan {
    let length = match random.u32(..10) {
        0 => random.usize(0..3),
        1..=5 => random.usize(1_000..64_000),
        _ => random.usize(64_000..1_500_000),
    };
    let chunk = random.usize(1 + length / 120..=1 + length / 10);
    let chunks = length.div_ceil(chunk).max(1) as u64;
    let pause_ms = random.u64(200..4_000) / chunks;
    plan::Plan {
        seed,
        browser: false,
        length,
        head_ms: if random.bool() { 0 } else { random.u64(0..1_000) },
        chunk,
        pause_ms,
        with_length: random.bool(),
        post: random.bool(),
        proxy_speaks: plan::Version::Http11,
        near: Vec::new(),
        far: Vec::new(),
        kill_at: None,
        disk_full: false,
        ballast: None,
        clock: None,
        leaves_at: (random.u32(..8) == 0).then(|| random.usize(0..=length)),
    }
}

fn what(random: &mut fastrand::Rng, cluster: Cluster) -> What {
    let whom = if random.u32(..3) > 0 { Whom::Owner } else { Whom::Other };
    let cut = if random.bool() { Cut::Reset } else { Cut::Silent };
    match random.u32(..16) {
        0..=2 => What::Kill(whom),
        3 | 4 => What::Pause(whom),
        5 | 6 => What::NoDatabase(whom, cut),
        7 | 8 => What::NoPeers(whom, cut),
        9 => What::NobodyNoPeers(cut),
        10 | 11 => What::Stop { at_once: random.bool() },
        12 => What::Silence,
        13 => What::Slow(Duration::from_millis(random.u64(50..500))),
        14 if cluster.fills_disks => What::NoRoom(whom),
        _ => What::Deploy(whom),
    }
}

fn at(random: &mut fastrand::Rng, length: usize) -> At {
    match random.u32(..6) {
        0 => At::First,
        1 => At::Asked,
        _ => At::Sent(random.usize(0..=length)),
    }
}

fn lasts(random: &mut fastrand::Rng, cluster: Cluster, what: What) -> Duration {
    let mut among = |range: Range<Duration>| {
        Duration::from_millis(random.u64(range.start.as_millis() as u64..range.end.as_millis() as u64))
    };
    match what {
        What::Pause(_) => among(cluster.beyond_a_lease()),
        What::Kill(_) | What::Stop { .. } => {
            let long = match what {
                What::Kill(_) => among(cluster.beyond_a_lease()),
                _ if cluster.is_patient() => Duration::from_secs(60),
                _ => among(cluster.outages()),
            };
            let outage = among(cluster.outages());
            match random.u32(..3) {
                0 => Duration::ZERO,
                1 => outage,
                _ => long,
            }
        }
        What::Deploy(_) => Duration::ZERO,
        _ => among(cluster.outages()),
    }
}

impl What {
    /// Whether one could not be carried out, or told apart, while the other lasts.
    fn hinders(self, other: Self) -> bool {
        let of = |what: Self| match what {
            Self::Kill(_) | Self::Pause(_) | Self::Deploy(_) | Self::NoRoom(_) => 0,
            Self::NoPeers(..) | Self::NobodyNoPeers(_) => 1,
            Self::NoDatabase(..) | Self::Stop { .. } | Self::Silence | Self::Slow(_) => 2,
        };
        of(self) == of(other)
    }
}

impl Fault {
    /// Whether it can keep a recording from completing, of which the owner was hit or was not.
    pub(crate) fn may_cost(&self, owner_is_hit: bool) -> bool {
        match self.what {
            What::Kill(_) | What::Pause(_) | What::NoRoom(_) => owner_is_hit,
            What::NoDatabase(..) => owner_is_hit && self.lasts > SHORT,
            What::Stop { .. } | What::Silence => self.lasts > SHORT,
            What::NoPeers(..) | What::NobodyNoPeers(_) | What::Deploy(_) | What::Slow(_) => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |whom| match whom {
            Whom::Owner => "the recorder that has the URL",
            Whom::Other => "another recorder",
        };
        let how = |cut| match cut {
            Cut::Reset => "reset",
            Cut::Silent => "silent",
        };
        match self.what {
            What::Kill(whom) => write!(f, "{}: `kill -9`", of(whom)),
            What::Pause(whom) => write!(f, "{}: stands still for longer than its lease", of(whom)),
            What::NoDatabase(whom, cut) => write!(f, "{}: cut from the database ({})", of(whom), how(cut)),
            What::NoPeers(whom, cut) => write!(f, "{}: cut from its peers ({})", of(whom), how(cut)),
            What::NobodyNoPeers(cut) => write!(f, "all recorders: cut from each other ({})", how(cut)),
            What::NoRoom(whom) => write!(f, "{}: its disk is full for a while", of(whom)),
            What::Deploy(whom) => write!(f, "{}: told to end, and replaced", of(whom)),
            What::Stop { at_once } => {
                let how = if at_once { "crashes" } else { "stops" };
                match self.lasts.as_secs() {
                    0 if self.lasts.is_zero() => write!(f, "database: {how}, and starts again"),
                    0..60 => write!(f, "database: {how}, and is gone for a while"),
                    _ => write!(f, "database: {how}, and is gone for a minute"),
                }
            }
            What::Silence => write!(f, "database: says nothing for a while"),
            What::Slow(_) => write!(f, "database: slow to commit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SHORT_LEASE: Cluster = Cluster { lease: Duration::from_secs(1), fills_disks: true };
    const LONG_LEASE: Cluster = Cluster { lease: Duration::from_secs(8), fills_disks: true };

    #[test]
    fn a_seed_is_one_plan() {
        for seed in 0..200 {
            let [one, other] = [(); 2].map(|()| Plan::of(seed, SHORT_LEASE));
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
        assert_ne!(
            format!("{:?}", Plan::of(1, SHORT_LEASE).faults),
            format!("{:?}", Plan::of(2, SHORT_LEASE).faults)
        );
    }

    #[test]
    fn all_kinds_of_faults_come_about() {
        let mut kinds = BTreeMap::<String, u32>::new();
        for seed in 0..300 {
            for kind in Plan::of(seed, LONG_LEASE).kinds() {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        // Of the owner and of another: a kill, a pause, a full disk, an end, four cuts. All: two cuts. The database: six
        // ends, silence, slowness. And the app.
        assert_eq!(kinds.len(), 27, "{kinds:#?}");
        for what in ["kill -9", "stands still", "for a minute", "starts again", "slow", "full", "told to end"]
        {
            assert!(kinds.keys().any(|kind| kind.contains(what)), "{what}: {kinds:#?}");
        }
    }

    #[test]
    fn what_stands_still_does_so_for_longer_than_its_lease() {
        for (seed, cluster) in (0..500).flat_map(|seed| [(seed, SHORT_LEASE), (seed, LONG_LEASE)]) {
            for fault in Plan::of(seed, cluster).faults {
                match fault.what {
                    What::Pause(_) => assert!(fault.lasts > cluster.lease, "{fault:?}"),
                    What::NoRoom(_) => {}
                    _ if cluster.lease < Duration::from_secs(5) => {
                        assert!(fault.lasts <= Duration::from_secs(5), "{fault:?}");
                    }
                    _ => assert!(fault.lasts <= Duration::from_secs(60), "{fault:?}"),
                }
            }
        }
    }

    #[test]
    fn only_what_hits_the_owner_or_outlasts_the_patience_for_the_database_may_cost_a_recording() {
        let fault = |what, secs| Fault { at: At::Asked, what, lasts: Duration::from_secs(secs) };
        for what in [What::Kill(Whom::Owner), What::Pause(Whom::Owner), What::NoRoom(Whom::Owner)] {
            assert!(fault(what, 1).may_cost(true) && !fault(what, 60).may_cost(false), "{what:?}");
        }
        assert!(!fault(What::Stop { at_once: true }, 5).may_cost(true));
        assert!(fault(What::Stop { at_once: true }, 60).may_cost(false));
        assert!(!fault(What::NoDatabase(Whom::Other, Cut::Reset), 20).may_cost(false));
        assert!(!fault(What::Deploy(Whom::Owner), 0).may_cost(true));
        assert!(!fault(What::NobodyNoPeers(Cut::Silent), 20).may_cost(true));
    }

    #[test]
    fn two_faults_of_a_run_do_not_hinder_each_other() {
        for seed in 0..500 {
            let plan = Plan::of(seed, LONG_LEASE);
            if let [first, second] = plan.faults[..] {
                assert!(!first.what.hinders(second.what), "{plan:?}");
            }
        }
    }
}

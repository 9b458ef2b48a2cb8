//! What one seed means: the body, its pace, and everything that goes wrong.

use std::ops::RangeInclusive;

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// A page instead of Node.
    pub(crate) browser: bool,
    /// Bytes of the body.
    pub(crate) length: usize,
    /// Milliseconds before the upstream's head.
    pub(crate) head_ms: u64,
    /// Bytes that the upstream sends at once.
    pub(crate) chunk: usize,
    /// Milliseconds between two of them.
    pub(crate) pause_ms: u64,
    /// The upstream says how long its body is.
    pub(crate) with_length: bool,
    /// Sent with a body, which nobody may send upstream twice.
    pub(crate) post: bool,
    /// What the proxy before the recorder speaks.
    pub(crate) proxy_speaks: Version,
    /// Between client and recorder.
    pub(crate) near: Vec<Fault>,
    /// Between recorder and upstream.
    pub(crate) far: Vec<Fault>,
    /// The recorder is killed once the upstream has sent this many bytes, and started again.
    pub(crate) kill_at: Option<usize>,
    /// The recording does not fit on the recorder's disk.
    pub(crate) disk_full: bool,
    /// Others fill the recorder's disk, and give it back.
    pub(crate) ballast: Option<Ballast>,
    /// The client's clock jumps by so many milliseconds once it has this many bytes.
    pub(crate) clock: Option<(usize, i64)>,
    /// The app leaves once it has this many bytes and comes back for all of them.
    pub(crate) leaves_at: Option<usize>,
}

/// A file that takes the room on the recorder's disk for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ballast {
    /// It comes once the upstream has sent this many bytes; without a number, before the app asks.
    pub(crate) at: Option<usize>,
    /// So many bytes of the disk it leaves.
    pub(crate) leaves: u64,
    /// It goes after so many milliseconds.
    pub(crate) stays_ms: u64,
}

/// Something breaks once so many bytes more have passed towards the client of that proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) after: usize,
    pub(crate) what: What,
}

/// What a proxy speaks to the server behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Version {
    /// As nginx does by default: a body ends with its connection, so that a FIN is a clean end.
    Http10,
    #[default]
    Http11,
}

/// What a proxy does to its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Resets them.
    Reset,
    /// Closes them as if all had been sent.
    Close,
    /// Passes nothing for so many milliseconds, and keeps them open.
    Stall(u64),
    /// Passes what comes next in tiny pieces.
    Throttle,
    /// Resets them, and answers so many requests itself, with this status.
    Answer(u16, u32),
}

/// What this machine is able to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// It mounts small disks.
    pub(crate) fills_disks: bool,
    /// Every client is a page.
    pub(crate) only_pages: bool,
}

impl Plan {
    /// The plan of this seed. Always the same one on machines that have the same abilities.
    pub(crate) fn of(seed: u64, machine: Machine) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let one_in = |random: &mut fastrand::Rng, n: u32| random.u32(..n) == 0;
        let browser = one_in(&mut random, 8) || machine.only_pages;
        let disk_full = one_in(&mut random, 25) && machine.fills_disks;
        let length = match random.u32(..10) {
            _ if disk_full => random.usize(3 << 20..5 << 20),
            0 => random.usize(0..3),
            1..=5 => random.usize(1_000..64_000),
            6..=8 => random.usize(64_000..600_000),
            _ => random.usize(600_000..3_000_000),
        };
        let chunk = random.usize(1 + length / 120..=1 + length / 4);
        let pause_ms = if disk_full { 0 } else { random.u64(0..25) };
        let near_count = random.usize(0..5);
        let far_count = usize::from(one_in(&mut random, 4));
        let mut plan = Self {
            seed,
            browser,
            length,
            head_ms: 0,
            chunk,
            pause_ms,
            with_length: random.bool(),
            post: random.bool(),
            proxy_speaks: if one_in(&mut random, 3) { Version::Http10 } else { Version::Http11 },
            near: faults(&mut random, near_count, length, 30..=1_800),
            far: faults(&mut random, far_count, length, 30..=4_500),
            // Not on a full disk: there the recorder does not start again until somebody makes room.
            kill_at: one_in(&mut random, 6).then(|| random.usize(0..=length)).filter(|_| !disk_full),
            disk_full,
            ballast: None,
            clock: one_in(&mut random, 5)
                .then(|| (random.usize(0..=length), random.i64(-7_200_000..7_200_000))),
            leaves_at: one_in(&mut random, 8).then(|| random.usize(0..=length)),
        };
        // Drawn last: what is above stays what it was for each seed.
        if machine.fills_disks && !disk_full && plan.kill_at.is_none() && one_in(&mut random, 15) {
            plan.fill_for_a_while(&mut random);
        }
        plan
    }

    /// Has others fill the disk. The body fits beside what a recorder needs, and takes long enough for it to happen.
    fn fill_for_a_while(&mut self, random: &mut fastrand::Rng) {
        let was = self.length.max(1);
        self.length = random.usize(50_000..2_000_000);
        self.chunk = random.usize(1 + self.length / 120..=1 + self.length / 20);
        self.pause_ms = random.u64(2..25);
        let scaled = |at: usize| (at as u64 * self.length as u64 / was as u64) as usize;
        self.clock = self.clock.map(|(at, by)| (scaled(at), by));
        self.leaves_at = self.leaves_at.map(scaled);
        self.ballast = Some(Ballast {
            at: (random.u32(..3) > 0).then(|| random.usize(0..self.length)),
            leaves: if random.bool() { 0 } else { random.u64(1..100_000) },
            stays_ms: random.u64(50..2_000),
        });
    }

    /// What the same recorder records next, with room again and nothing in the way.
    pub(crate) fn next(&self) -> Self {
        let mut random = fastrand::Rng::with_seed(self.seed ^ 0x9e37);
        let length = random.usize(1_000..2_000_000);
        Self {
            seed: self.seed | 1 << 40,
            length,
            chunk: random.usize(1 + length / 120..=1 + length / 4),
            proxy_speaks: Version::Http11,
            near: Vec::new(),
            far: Vec::new(),
            ballast: None,
            clock: None,
            leaves_at: None,
            ..self.clone()
        }
    }

    /// The megabytes of a small disk, where the recorder is to be on one.
    pub(crate) const fn disk_mb(&self) -> Option<u32> {
        match self.ballast {
            // Beside its bodies a recorder has a log of up to 4 MB, and without room it makes that much at once.
            Some(_) => Some(16),
            None if self.disk_full => Some(4),
            None => None,
        }
    }

    /// The names of what goes wrong, for the table.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let mut kinds = Vec::new();
        for (place, faults) in [("client ↔ recorder", &self.near), ("recorder ↔ upstream", &self.far)] {
            for fault in faults {
                let clean = self.proxy_speaks == Version::Http10 && place.starts_with("client");
                let name = match fault.what {
                    What::Reset => "reset",
                    What::Close if clean => "clean end, too early",
                    What::Close => "closed",
                    What::Stall(_) => "stall",
                    What::Throttle => "throttle",
                    What::Answer(502, _) => "answers 502",
                    What::Answer(..) => "answers 504",
                };
                kinds.push(format!("{place}: {name}"));
            }
        }
        let others = [
            (self.kill_at.is_some(), "recorder killed and restarted"),
            (self.disk_full, "recorder's disk full"),
            (
                self.ballast.is_some_and(|ballast| ballast.at.is_none()),
                "recorder's disk full at first, then not",
            ),
            (self.ballast.is_some_and(|ballast| ballast.at.is_some()), "recorder's disk full for a while"),
            (self.clock.is_some(), "client's clock jumps"),
            (self.leaves_at.is_some(), "app leaves and comes back"),
        ];
        kinds.extend(others.into_iter().filter(|(there, _)| *there).map(|(_, name)| name.to_owned()));
        if kinds.is_empty() {
            kinds.push("nothing".to_owned());
        }
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Whether anything but the client's side can keep the recording from completing.
    pub(crate) fn may_fail(&self) -> bool {
        self.kill_at.is_some() || self.disk_full || self.ballast.is_some() || !self.far.is_empty()
    }

    /// The bytes of the body.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(self.seed ^ 0x5eed);
        let mut body = vec![0; self.length];
        random.fill(&mut body);
        body
    }
}

fn faults(
    random: &mut fastrand::Rng,
    count: usize,
    length: usize,
    stalls: RangeInclusive<u64>,
) -> Vec<Fault> {
    // Heads are a few hundred bytes: some of the faults fall into them.
    let reach = length + 1_500;
    let one = |_| Fault {
        after: if random.bool() { random.usize(0..1_500) } else { random.usize(0..=reach / count) },
        what: match random.u32(..7) {
            0 | 1 => What::Reset,
            2 => What::Close,
            3 => What::Stall(random.u64(stalls.clone())),
            4 => What::Throttle,
            5 => What::Answer(502, random.u32(1..4)),
            _ => What::Answer(504, random.u32(1..4)),
        },
    };
    (0..count).map(one).collect()
}

//! How a client waits and when it gives up. All times are milliseconds.

/// The numbers of the client's reconnecting. [`Policy::default`] has the documented defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Delay before the second attempt after a failure; the first is made at once. Doubles with each attempt.
    pub initial_delay_ms: u32,
    /// The longest delay between two attempts.
    pub max_delay_ms: u32,
    /// How long attempts may fail in a row before the body is given up.
    pub give_up_after_ms: u32,
    /// The same before the first answer ever from this host: it may not be there at all.
    pub first_answer_ms: u32,
    /// A body silent for this long is aborted and continued at its offset. Doubles while nothing comes.
    pub stall_after_ms: u32,
    /// The longest silence that doubling leads to.
    pub stall_max_ms: u32,
    /// How long a start may wait for response headers where the recorder does not tell what has become of it.
    pub head_after_ms: u32,
    /// The app itself set `give_up_after_ms`: it holds whatever the recorder says.
    pub hard: bool,
    /// A start that is given up goes straight to the upstream, and early.
    pub direct: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            initial_delay_ms: 500,
            max_delay_ms: 10_000,
            give_up_after_ms: 120_000,
            first_answer_ms: 10_000,
            stall_after_ms: 15_000,
            stall_max_ms: 60_000,
            head_after_ms: 75_000,
            hard: false,
            direct: false,
        }
    }
}

impl Policy {
    /// The delay before attempt number `attempt` (0 is the first, made at once). `random` spreads clients that
    /// lost the same recorder at the same moment: up to a quarter is added.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u32) -> u64 {
        let Some(doublings) = attempt.checked_sub(1) else { return 0 };
        let base = u64::from(self.initial_delay_ms) << doublings.min(20);
        let base = base.min(u64::from(self.max_delay_ms));
        base + base / 4 * u64::from(random % 1024) / 1023
    }
}

/// A small generator for jitter (xorshift32): nothing here needs to be unguessable.
#[derive(Debug, Clone, Copy)]
pub struct Jitter(u32);

impl Jitter {
    /// A generator; any seed will do.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self(seed | 1)
    }

    /// The next number.
    pub fn next_u32(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempt_is_at_once_then_the_delay_doubles_up_to_its_bound() {
        let policy = Policy::default();
        let delays: Vec<u64> = (0..8).map(|attempt| policy.delay(attempt, 0)).collect();
        assert_eq!(delays, [0, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(policy.delay(u32::MAX, 0), 10_000);
    }

    #[test]
    fn jitter_adds_at_most_a_quarter() {
        assert_eq!(Policy::default().delay(2, 1023), 1250);
        let mut jitter = Jitter::new(7);
        for _ in 0..1000 {
            let delay = Policy::default().delay(2, jitter.next_u32());
            assert!((1000..=1250).contains(&delay), "{delay}");
        }
    }

    /// Those of xorshift32 with the shifts 13, 17 and 5, from 1: any other arithmetic gives others.
    #[test]
    fn jitter_is_xorshift() {
        let mut jitter = Jitter::new(0);
        assert_eq!([(); 3].map(|()| jitter.next_u32()), [270_369, 67_634_689, 2_647_435_461]);
    }
}

//! Many live recordings at a slow pace, with readers that come and go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::follower::{Follower, Step};
use super::{Gauge, Outcome, Place, all_read};
use crate::record;
use crate::target::Stream;

/// The load.
#[derive(Debug, Clone, Copy)]
pub struct Churn {
    /// Recordings, each with one reader at a time.
    pub recordings: usize,
    /// From one chunk to the next.
    pub every: Duration,
    /// Chunks of each.
    pub chunks: u64,
    /// Bytes of a chunk.
    pub chunk: usize,
    /// A reader stays for this long, more or less, before it leaves and another comes.
    pub stay: Duration,
    /// What is random: when readers leave, and whether the next one begins anew.
    pub seed: u64,
}

impl Churn {
    /// Runs it to the end of all recordings.
    ///
    /// # Errors
    /// Where it cannot be measured. What goes wrong with a reader is in the outcome.
    pub async fn run(self, place: &Place) -> Result<Outcome> {
        let gauge = Gauge::start(&place.processes)?;
        let late = Rc::new(RefCell::new(Histogram::<u64>::new(3)?));
        let readers = Rc::new(Cell::new(0));
        let mut all = JoinSet::new();
        // In the first chunk's time: as fast as that they come in one go.
        let pause = self.every / u32::try_from(self.recordings).unwrap_or(u32::MAX);
        let mut due = Instant::now();
        for number in 0..self.recordings {
            let stream = Stream {
                name: format!("churn-{}-{number}", record::now()),
                chunk: self.chunk,
                every_us: u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX),
                chunks: self.chunks,
            };
            let follower = Follower::new(place.target.address, place.target.path(&stream.path()), self.chunk);
            let (late, readers) = (Rc::clone(&late), Rc::clone(&readers));
            let seed = self.seed.wrapping_add(number as u64);
            all.spawn_local(async move { self.follow(follower, seed, &late, &readers).await });
            due += pause;
            tokio::time::sleep_until(due).await;
        }
        let (records, mut faults) = all_read(all).await?;
        let asked = place.upstream.requests();
        if asked != self.recordings as u64 {
            faults.push(format!("the upstream was asked {asked} times"));
        }
        let (memory_mb, cpu_s, seconds) = gauge.stop()?;
        let late = late.borrow();
        Ok(Outcome {
            load: format!("{} live recordings, a chunk every {:?}", self.recordings, self.every),
            recordings: self.recordings,
            readers: readers.get(),
            records,
            late_ms: Some([0.5, 0.99].map(|part| late.value_at_quantile(part) as f64 / 1e6)),
            memory_mb,
            cpu_s,
            seconds,
            faults,
        })
    }

    async fn follow(
        self,
        mut follower: Follower,
        seed: u64,
        late: &RefCell<Histogram<u64>>,
        readers: &Cell<u64>,
    ) -> Result<u64> {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut buffer = vec![0; 4096];
        loop {
            readers.set(readers.get() + 1);
            let came = record::now();
            let until = Instant::now() + self.stay.mul_f64(2.0 * chance.f64());
            loop {
                let reading = follower.read(&mut buffer, |date| {
                    // What was there before it came is a replay.
                    if date > came {
                        let _ = late.borrow_mut().record(record::now().saturating_sub(date));
                    }
                });
                match timeout_at(until, reading).await {
                    Ok(Ok(Step::More)) => {}
                    Ok(Ok(Step::End)) if follower.records() == self.chunks => return Ok(self.chunks),
                    Ok(Ok(Step::End)) => bail!("it ended after {} records", follower.records()),
                    Ok(Err(fault)) => return Err(fault),
                    Err(_) => break,
                }
            }
            if chance.bool() {
                follower.start_over();
            } else {
                follower.leave();
            }
            sleep(self.every.mul_f64(chance.f64())).await;
        }
    }
}

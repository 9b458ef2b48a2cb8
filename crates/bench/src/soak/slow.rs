//! Slow readers of a large recording, beside a fast one.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::follower::{Follower, Step};
use super::{Gauge, Outcome, Place, all_read};
use crate::record;
use crate::target::Stream;

/// A window as small as a system gives, so that a slow reader is slow for the recorder, too.
const WINDOW: u32 = 4096;
/// The slow ones that in the end read on as fast as they can, to see whether all of it is there.
const CATCH_UP: usize = 10;

/// The load.
#[derive(Debug, Clone, Copy)]
pub struct Slow {
    /// Slow readers.
    pub readers: usize,
    /// Bytes a second that each takes.
    pub rate: usize,
    /// For how long.
    pub time: Duration,
    /// Bytes of the recording, at least.
    pub bytes: u64,
    /// Bytes of a chunk.
    pub chunk: usize,
}

impl Slow {
    /// Runs it: the slow ones come, the fast one takes all, some of the slow ones catch up.
    ///
    /// # Errors
    /// Where it cannot be measured. What goes wrong with a reader is in the outcome.
    pub async fn run(self, place: &Place) -> Result<Outcome> {
        let gauge = Gauge::start(&place.processes)?;
        let chunks = self.bytes.div_ceil(self.chunk as u64);
        let name = format!("slow-{}", record::now());
        let stream = Stream { name, chunk: self.chunk, every_us: 0, chunks };
        let path = place.target.path(&stream.path());
        let until = Instant::now() + self.time;
        let mut all = JoinSet::new();
        for number in 0..self.readers {
            let mut follower = Follower::new(place.target.address, path.clone(), self.chunk);
            all.spawn_local(async move {
                follower.connect(Some(WINDOW)).await?;
                // Ten sips a second.
                let mut sip = vec![0; self.rate.div_ceil(10)];
                let mut ticks = interval(Duration::from_millis(100));
                while Instant::now() < until {
                    ticks.tick().await;
                    if let Step::End = follower.read(&mut sip, |_| ()).await? {
                        break;
                    }
                }
                if number < CATCH_UP {
                    let mut gulp = vec![0; 64 * 1024];
                    while let Step::More = follower.read(&mut gulp, |_| ()).await? {}
                    ensure!(follower.records() == chunks, "a slow reader got {} records", follower.records());
                }
                Ok(follower.records())
            });
        }
        let mut fast = Follower::new(place.target.address, path, self.chunk);
        let mut gulp = vec![0; 64 * 1024];
        let since = Instant::now();
        while let Step::More = fast.read(&mut gulp, |_| ()).await? {}
        let took = since.elapsed();
        let (slowly, mut faults) = all_read(all).await?;
        if fast.records() != chunks {
            faults.insert(0, format!("the fast reader got {} records", fast.records()));
        }
        let records = fast.records() + slowly;
        let (memory_mb, cpu_s, seconds) = gauge.stop()?;
        Ok(Outcome {
            load: format!(
                "{} readers at {} B/s of {} MB, beside one that took all in {:.2} s",
                self.readers,
                self.rate,
                self.bytes / 1_000_000,
                took.as_secs_f64()
            ),
            recordings: 1,
            readers: self.readers as u64 + 1,
            records,
            late_ms: None,
            memory_mb,
            cpu_s,
            seconds,
            faults,
        })
    }
}

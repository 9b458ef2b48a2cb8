//! Many readers of one recording.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::follower::{Follower, Step};
use super::{Gauge, Outcome, Place, all_read};
use crate::record;
use crate::target::Stream;

/// The load.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// Readers, all there from the start.
    pub readers: usize,
    /// From one chunk to the next.
    pub every: Duration,
    /// Chunks in all.
    pub chunks: u64,
    /// Bytes of a chunk.
    pub chunk: usize,
}

impl Crowd {
    /// Runs it to the end of the recording.
    ///
    /// # Errors
    /// Where it cannot be measured. What goes wrong with a reader is in the outcome.
    pub async fn run(self, place: &Place) -> Result<Outcome> {
        let gauge = Gauge::start(&place.processes)?;
        let stream = Stream {
            name: format!("crowd-{}", record::now()),
            chunk: self.chunk,
            every_us: u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX),
            chunks: self.chunks,
        };
        let late = Rc::new(RefCell::new(Histogram::<u64>::new(3)?));
        let mut all = JoinSet::new();
        for _ in 0..self.readers {
            let path = place.target.path(&stream.path());
            let mut follower = Follower::new(place.target.address, path, self.chunk);
            let late = Rc::clone(&late);
            all.spawn_local(async move {
                let mut buffer = vec![0; 16 * 1024];
                follower.connect(None).await?;
                let came = record::now();
                let late = |date| {
                    if date > came {
                        let _ = late.borrow_mut().record(record::now().saturating_sub(date));
                    }
                };
                while let Step::More = follower.read(&mut buffer, late).await? {}
                anyhow::ensure!(
                    follower.records() == self.chunks,
                    "a reader got {} records",
                    follower.records()
                );
                Ok(follower.records())
            });
        }
        let (records, faults) = all_read(all).await?;
        let (memory_mb, cpu_s, seconds) = gauge.stop()?;
        let late = late.borrow();
        Ok(Outcome {
            load: format!("{} readers of one recording, a chunk every {:?}", self.readers, self.every),
            recordings: 1,
            readers: self.readers as u64,
            records,
            late_ms: Some([0.5, 0.99].map(|part| late.value_at_quantile(part) as f64 / 1e6)),
            memory_mb,
            cpu_s,
            seconds,
            faults,
        })
    }
}

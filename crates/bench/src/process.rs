//! What other processes take: CPU time and memory, from the operating system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// Processes and all that descend from them.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    roots: Vec<u32>,
}

impl Processes {
    /// These, and their children's children.
    #[must_use]
    pub const fn new(roots: Vec<u32>) -> Self {
        Self { roots }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// User and system time of all threads so far, to the nanosecond. A process that has ended counts no more.
    ///
    /// # Errors
    /// Where one of the roots is gone.
    pub fn cpu(&self) -> Result<Duration> {
        let mut sum = Duration::ZERO;
        for pid in self.all()? {
            let Ok(pid_signed) = i32::try_from(pid) else { continue };
            let time = clock_getcpuclockid(Pid::from_raw(pid_signed)).and_then(nix::time::ClockId::now);
            match time {
                Ok(time) => sum += Duration::from(time),
                Err(error) if self.roots.contains(&pid) => {
                    return Err(error).with_context(|| format!("process {pid} is gone"));
                }
                Err(_) => {}
            }
        }
        Ok(sum)
    }

    /// Resident bytes of all of them; pages that several share count once (PSS).
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn memory(&self) -> Result<u64> {
        let mut sum = 0;
        for pid in self.all()? {
            let path = format!("/proc/{pid}/smaps_rollup");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            sum += kib.with_context(|| format!("{path} does not tell"))? * 1024;
        }
        Ok(sum)
    }

    /// The most resident bytes that each of them ever had, together: what a look now and then may miss.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn most_memory(&self) -> Result<u64> {
        let mut sum = 0;
        for pid in self.all()? {
            let path = format!("/proc/{pid}/status");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            sum += kib.with_context(|| format!("{path} does not tell"))? * 1024;
        }
        Ok(sum)
    }

    fn all(&self) -> Result<BTreeSet<u32>> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc").context("there is no /proc: this measures on Linux only")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            // The name in parentheses may hold anything; state and parent follow it.
            let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
            if let Some(parent) = after.split(' ').nth(1).and_then(|parent| parent.parse().ok()) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut found = BTreeSet::new();
        let mut open = self.roots.clone();
        while let Some(pid) = open.pop() {
            if found.insert(pid) {
                open.extend(children.get(&pid).into_iter().flatten());
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_time_and_memory() {
        let me = Processes::new(vec![std::process::id()]);
        let before = me.cpu().unwrap();
        let mut x = 1u64;
        while me.cpu().unwrap() < before + Duration::from_millis(5) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(me.memory().unwrap() > 100_000);
        let before = me.most_memory().unwrap();
        drop(std::hint::black_box(vec![1u8; 64_000_000]));
        assert!(me.most_memory().unwrap() > before + 50_000_000, "memory given back still counts");
        assert!(Processes::new(vec![u32::MAX]).cpu().is_err() || x > 0);
    }
}

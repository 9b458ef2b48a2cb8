//! The native recorder beside its peers: which cases there are, and how one is run. Peers are interleaved, so that
//! what else happens on the machine happens to all of them; what is reported are medians.

pub mod against;
pub mod cases;
pub mod plot;
pub mod report;
pub mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The recorder.
    pub recorder: PathBuf,
    /// nginx.
    pub nginx: PathBuf,
    /// The folder of the peers that run on Node, with their packages installed.
    pub peers: PathBuf,
    /// The Rust server of durable-streams.
    pub durable_streams: PathBuf,
}

/// What a case came to: for each peer, for each figure, one value a round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// The case's name.
    pub case: String,
    /// The day it was run.
    pub date: String,
    /// Rounds.
    pub rounds: usize,
    /// Peer → figure → values.
    pub peers: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// Peers that did not finish, and what they said.
    pub failed: BTreeMap<String, String>,
}

impl Measured {
    /// Adds a value.
    pub fn add(&mut self, peer: &str, figure: &str, value: f64) {
        let figures = self.peers.entry(peer.to_owned()).or_default();
        figures.entry(figure.to_owned()).or_default().push(value);
    }

    /// The median of a figure.
    #[must_use]
    pub fn median(&self, peer: &str, figure: &str) -> Option<f64> {
        let mut values = self.peers.get(peer)?.get(figure)?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let below = *values.get((values.len() - 1) / 2)?;
        Some(f64::midpoint(below, values[middle]))
    }

    /// Writes it to where [`Measured::load`] finds it.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.json", self.case));
        fs::write(&path, serde_json::to_vec_pretty(self)?).with_context(|| path.display().to_string())
    }

    /// What was saved of a case; `None` where it was not run.
    ///
    /// # Errors
    /// Where the file is none of ours.
    pub fn load(folder: &Path, case: &str) -> Result<Option<Self>> {
        let path = folder.join(format!("{case}.json"));
        let Ok(text) = fs::read(&path) else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        let mut measured = Measured::default();
        for value in [5.0, 1.0, 3.0] {
            measured.add("a", "x", value);
        }
        assert_eq!(measured.median("a", "x"), Some(3.0));
        measured.add("a", "x", 4.0);
        assert_eq!(measured.median("a", "x"), Some(3.5));
        assert_eq!(measured.median("a", "y"), None);
    }
}

//! What all runs have in common to be counted, as tables in Markdown.

use std::collections::BTreeMap;
use std::fmt;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Whole,
    Error,
    Bad,
}

/// For each kind of fault: runs with it, whole, with an error, bad.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<String, [u64; 4]>);

impl Faults {
    /// One run more with these.
    pub(crate) fn add(&mut self, kinds: Vec<String>, ended: Ended) {
        for kind in kinds {
            let counts = self.0.entry(kind).or_default();
            counts[0] += 1;
            counts[1 + ended as usize] += 1;
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what went wrong (a run may have several) | runs | whole | error | bad |\n|---|---:|---:|---:|---:|"
        )?;
        for (kind, [runs, whole, error, bad]) in &self.0 {
            writeln!(f, "| {kind} | {runs} | {whole} | {error} | {bad} |")?;
        }
        Ok(())
    }
}

/// How often each error came, by its code.
#[derive(Debug, Default)]
pub(crate) struct Errors(BTreeMap<String, u64>);

impl Errors {
    pub(crate) fn add(&mut self, code: Option<&String>) {
        if let Some(code) = code {
            *self.0.entry(code.clone()).or_default() += 1;
        }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<_> = self.0.iter().map(|(code, count)| format!("`{code}` {count}")).collect();
        f.write_str(&if told.is_empty() { "none".to_owned() } else { told.join(", ") })
    }
}

//! The recorder beside the recorder of another commit: what a change costs. Both run in each round, in turns of who is
//! first; what is reported are medians and the median of the rounds' ratios.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::Measured;
use super::cases::{Kind, all, one};
use super::servers::Server;
use crate::upstream::Upstream;

/// What is asked of each case.
const FIGURES: [&str; 5] = ["cpu_us", "p50", "p99", "head_p50", "kib_per_stream"];

/// Two programs and how often each is measured.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The recorder of this checkout.
    pub ours: PathBuf,
    /// The recorder that it is compared with.
    pub theirs: PathBuf,
    /// How often each is measured.
    pub rounds: usize,
}

/// Runs a live case and says what came of it: a line for each figure.
///
/// # Errors
/// `case` is not the name of a live case, or a recorder fails.
pub async fn run(case: &str, pair: &Pair, upstream: &Upstream) -> Result<Vec<String>> {
    let cases = all();
    let Some((_, Kind::Live(live, _))) = cases.iter().find(|(name, _)| name == case) else {
        bail!("`{case}` is not a live case; one is live-50x1")
    };
    let mut measured = Measured { case: case.to_owned(), rounds: pair.rounds, ..Measured::default() };
    for round in 0..pair.rounds {
        let mut turn = [("ours", &pair.ours), ("theirs", &pair.theirs)];
        if round % 2 == 1 {
            turn.reverse();
        }
        for (peer, program) in turn {
            let server = Server::of_program(program, upstream.address())?;
            one(&mut measured, peer, live, &server, upstream).await?;
        }
        eprintln!("  {case}: round {} of {}", round + 1, pair.rounds);
    }
    Ok(FIGURES.iter().filter_map(|figure| line(&mut measured, case, figure)).collect())
}

fn line(measured: &mut Measured, case: &str, figure: &str) -> Option<String> {
    let values = |peer: &str| measured.peers.get(peer)?.get(figure).cloned();
    let (ours, theirs) = (values("ours")?, values("theirs")?);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        measured.add("ratio", figure, ours / theirs);
    }
    let median = |peer| measured.median(peer, figure);
    let (ours, theirs, ratio) = (median("ours")?, median("theirs")?, median("ratio")?);
    Some(format!("{case:<14} {figure:<15} {ours:>10.3} {theirs:>10.3} {ratio:>8.3}"))
}
